//! One peer and one workload in a process of its own: what is measured, and the loop that is.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::material::{LIMIT, QUERY, headers, large_text, request};
use super::{Answer, Peer, Workload, check, otel, sink};
use crate::Result;

/// The symbol inside which callgrind counts.
pub const COUNTED: &str = "inside_callgrind";

/// What a child is to do, as the one argument of its program.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Order {
    /// What is called.
    pub workload: Workload,
    /// How often, a multiple of the workload's chunk.
    pub calls: u64,
    /// What is wanted.
    pub measure: Measure,
}

/// What is wanted of a child.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Measure {
    /// Nothing: callgrind counts.
    Instructions,
    /// The allocations of the calls.
    Allocations,
    /// The time of a call: so many milliseconds of batches.
    Time(u64),
}

/// What a child says, if it was asked.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Measured {
    /// See [`Measure::Instructions`].
    Nothing,
    /// Until the calls returned, and until all was handed over, by all threads.
    Allocations {
        /// Until the calls returned.
        caller: Counts,
        /// And those of what goes on in the background.
        all: Counts,
    },
    /// Nanoseconds of a call in the median batch.
    Nanos(f64),
}

/// Allocations of a call.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Counts {
    /// Blocks.
    pub allocations: f64,
    /// Blocks that changed their size.
    pub reallocations: f64,
    /// Bytes of both.
    pub bytes: f64,
}

impl Counts {
    #[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
    fn each(counts: allocator::Counts, calls: u64) -> Self {
        let each = |count: u64| count as f64 / calls as f64;
        Self {
            allocations: each(counts.allocations),
            reallocations: each(counts.reallocations),
            bytes: each(counts.bytes),
        }
    }
}

/// The program of a peer: does what its argument says, and prints what came of it.
///
/// # Errors
/// The order cannot be read, or the spans are not as they should be.
pub fn main<P: Peer>() -> Result<()> {
    let order = std::env::args().nth(1);
    let order = order.ok_or("this is a part of `cargo run --release -p benches --bin calls`")?;
    let measured = measure::<P>(serde_json::from_str(&order)?)?;
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

fn measure<P: Peer>(order: Order) -> Result<Measured> {
    let Order {
        workload,
        calls,
        measure,
    } = order;
    if workload != Workload::W4 {
        P::install();
    }
    let mut run = Run::<P>::new(workload);
    // this warms up as well
    let spans = sink::capture(|| {
        run.drive(workload.chunk());
        P::flush();
    });
    check::spans::<P>(workload, &spans)?;
    let before = sink::ended();
    let (measured, calls) = match measure {
        Measure::Instructions => {
            inside_callgrind(&mut || run.drive(calls));
            P::flush();
            (Measured::Nothing, calls)
        }
        Measure::Allocations => {
            run.drive(calls); // buffers grow to their size
            P::flush();
            allocator::count();
            run.drive(calls);
            let caller = allocator::counts();
            P::flush();
            let all = allocator::counts();
            let [caller, all] = [caller, all].map(|counts| Counts::each(counts, calls));
            (Measured::Allocations { caller, all }, 2 * calls)
        }
        Measure::Time(millis) => {
            let times = run.times(calls, Duration::from_millis(millis));
            (Measured::Nanos(times.median), calls * times.batches)
        }
    };
    check::count::<P>(workload, calls, sink::ended() - before)?;
    Ok(measured)
}

/// Not generic, so that it has one symbol with a name to find.
#[inline(never)]
fn inside_callgrind(work: &mut dyn FnMut()) {
    work();
    black_box(());
}

/// What the calls get.
struct Run<P> {
    workload: Workload,
    headers: http::HeaderMap,
    request: serde_json::Value,
    text: String,
    peer: std::marker::PhantomData<P>,
}

struct Times {
    median: f64,
    batches: u64,
}

impl<P: Peer> Run<P> {
    fn new(workload: Workload) -> Self {
        Self {
            workload,
            headers: headers(workload != Workload::W3tp),
            request: request(),
            text: large_text(),
            peer: std::marker::PhantomData,
        }
    }

    /// As many calls, which is a multiple of the chunk.
    fn drive(&mut self, calls: u64) {
        let (query, limit) = (QUERY, LIMIT);
        match self.workload {
            Workload::W1 | Workload::W4 => {
                self.under_parents(calls, || P::tool(black_box(query), black_box(limit)));
            }
            Workload::W2 => self.under_parents(calls, || {
                block_on(P::async_tool(black_box(query), black_box(limit)))
            }),
            Workload::Described => {
                self.under_parents(calls, || {
                    P::described_tool(black_box(query), black_box(limit))
                });
            }
            Workload::Large => {
                let text = &self.text;
                self.under_parents(calls, || P::large_tool(black_box(text)));
            }
            Workload::Unsampled => otel::under_unsampled_parent(|| {
                for _ in 0..calls {
                    good(P::tool(black_box(query), black_box(limit)));
                }
            }),
            Workload::W3 | Workload::W3tp => {
                for _ in 0..calls {
                    let (headers, request) = (black_box(&self.headers), black_box(&self.request));
                    good(block_on(P::request(headers, request)));
                }
            }
        }
    }

    fn under_parents(&self, calls: u64, call: impl Fn() -> Answer) {
        let chunk = self.workload.chunk();
        for _ in 0..calls / chunk {
            P::parent(|| (0..chunk).for_each(|_| good(call())));
        }
    }

    /// Batches of so many calls; what waits in the background is handed over between them.
    #[expect(clippy::cast_precision_loss, reason = "times of a bench")]
    fn times(&mut self, calls: u64, at_least: Duration) -> Times {
        let mut times = Vec::new();
        let start = Instant::now();
        while times.len() < 5 || start.elapsed() < at_least {
            let batch = Instant::now();
            self.drive(calls);
            times.push(batch.elapsed().as_nanos() as f64 / calls as f64);
            P::flush();
        }
        times.sort_by(f64::total_cmp);
        Times {
            median: times[times.len() / 2],
            batches: times.len() as u64,
        }
    }
}

fn good(answer: Answer) {
    black_box(answer.expect("the bench's queries are not empty"));
}

/// Without a runtime, so that none is measured: what yields is polled again at once.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
