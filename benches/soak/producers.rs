//! As many threads as cores, each making spans as fast as it can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use benches::make_span;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

/// Spaces that may be named at a time.
const WINDOW: u32 = 2_000;
/// How often a new one comes and the oldest goes.
const NEW_EACH: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(crate) struct Producers {
    spaces: Spaces,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<u64>>,
}

impl Producers {
    pub(crate) fn start(provider: &SdkTracerProvider) -> Self {
        let spaces = Spaces(Instant::now());
        let stop = Arc::new(AtomicBool::new(false));
        let produce = |_| {
            let (tracer, stop) = (provider.tracer("soak"), stop.clone());
            thread::spawn(move || produce(&tracer, spaces, &stop))
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads = (0..cores).map(produce).collect();
        Self {
            spaces,
            stop,
            threads,
        }
    }

    /// Spaces that could be named so far.
    pub(crate) fn spaces(&self) -> u64 {
        u64::from(self.spaces.first() + WINDOW)
    }

    /// Gives how many spans were ended.
    pub(crate) fn stop(self) -> u64 {
        self.stop.store(true, Relaxed);
        let join = |thread: JoinHandle<u64>| thread.join().expect("a producer panicked");
        self.threads.into_iter().map(join).sum()
    }
}

fn produce(tracer: &SdkTracer, spaces: Spaces, stop: &AtomicBool) -> u64 {
    let mut made = 0;
    while !stop.load(Relaxed) {
        make_span(tracer, &spaces.any());
        made += 1;
    }
    made
}

/// A window over endless names that moves with the time.
#[derive(Clone, Copy, Debug)]
struct Spaces(Instant);

impl Spaces {
    fn first(self) -> u32 {
        let moved = self.0.elapsed().as_millis() / NEW_EACH.as_millis();
        u32::try_from(moved).unwrap_or(u32::MAX - WINDOW)
    }

    /// Some are named often, and some hardly ever.
    fn any(self) -> Arc<str> {
        let busy = fastrand::u32(0..WINDOW);
        let n = self.first() + fastrand::u32(0..=busy);
        format!("U3BhY2U6{n:08}").into()
    }
}
