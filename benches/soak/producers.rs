//! As many threads as cores, each making spans as fast as it can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use benches::make_span;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::faults::SICK;

/// Spaces that may be named at a time, of those that come and go.
const WINDOW: u32 = 2_000;
/// How often a new one comes and the oldest goes.
const NEW_EACH: Duration = Duration::from_millis(5);
/// Spaces that stay, and fill whole requests.
const BUSY: u32 = 8;

#[derive(Debug)]
pub(crate) struct Producers {
    start: Instant,
    stop: Arc<AtomicBool>,
    made: Vec<Arc<AtomicU64>>,
    threads: Vec<JoinHandle<()>>,
}

impl Producers {
    pub(crate) fn start(provider: &SdkTracerProvider) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut producers = Self {
            start: Instant::now(),
            stop: Arc::default(),
            made: Vec::new(),
            threads: Vec::new(),
        };
        for _ in 0..cores {
            let (tracer, stop) = (provider.tracer("soak"), producers.stop.clone());
            let made: Arc<AtomicU64> = Arc::default();
            producers.made.push(made.clone());
            let spaces = Spaces::new(producers.start);
            let produce = move || produce(&tracer, &spaces, &made, &stop);
            producers.threads.push(thread::spawn(produce));
        }
        producers
    }

    pub(crate) fn count(&self) -> u64 {
        self.made.len() as u64
    }

    /// Spaces that could be named so far.
    pub(crate) fn spaces(&self) -> usize {
        (first(self.start) + WINDOW + BUSY) as usize + SICK.len()
    }

    /// Spans that were ended so far. Each thread may have ended one more.
    pub(crate) fn made(&self) -> u64 {
        self.made.iter().map(|made| made.load(SeqCst)).sum()
    }

    /// Returns when all have ended.
    pub(crate) fn stop(&mut self) {
        self.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("a producer panicked");
        }
    }
}

fn produce(tracer: &SdkTracer, spaces: &Spaces, made: &AtomicU64, stop: &AtomicBool) {
    while !stop.load(Relaxed) {
        make_span(tracer, &spaces.any());
        made.fetch_add(1, SeqCst);
    }
}

/// Some spaces that stay, and a window over endless names that moves with the time.
#[derive(Debug)]
struct Spaces {
    start: Instant,
    busy: Vec<Arc<str>>,
    sick: [Arc<str>; SICK.len()],
}

impl Spaces {
    fn new(start: Instant) -> Self {
        Self {
            start,
            busy: benches::space_ids(BUSY),
            sick: SICK.map(Into::into),
        }
    }

    /// Half of the spans are of the spaces that stay, a sixteenth of those that hang at times.
    fn any(&self) -> Arc<str> {
        match fastrand::u32(0..16) {
            0 => self.sick[fastrand::usize(0..SICK.len())].clone(),
            1..8 => self.busy[fastrand::usize(0..self.busy.len())].clone(),
            _ => {
                // Some are named often, and some hardly ever.
                let busy = fastrand::u32(0..WINDOW);
                let n = BUSY + first(self.start) + fastrand::u32(0..=busy);
                format!("U3BhY2U6{n:08}").into()
            }
        }
    }
}

/// The oldest of the spaces that come and go.
fn first(start: Instant) -> u32 {
    let moved = start.elapsed().as_millis() / NEW_EACH.as_millis();
    u32::try_from(moved).unwrap_or(u32::MAX / 2)
}
