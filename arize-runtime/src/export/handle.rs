//! Starting, flushing and ending the pipeline, from any thread and any executor.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::flush::{Answer, Flush};
use super::inbox::{Gate, Inbox, Overload};
use super::processor::{Filter, RoutingSpanProcessor};
use super::transport::{Target, TransportConfig};
use super::worker::Worker;
use crate::error::FlushError;
use crate::stats::{Losses, Stats};
use crate::trace_config::TraceConfig;
use crate::tracer;

/// What a thread waits beyond a deadline that the export thread keeps.
const GRACE: Duration = Duration::from_secs(1);

/// How a pipeline works.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) target: Target,
    pub(crate) transport: TransportConfig,
    /// The oldest span of a batch waits at most so long.
    pub(crate) batch_delay: Duration,
    pub(crate) overload: Overload,
    pub(crate) trace_config: TraceConfig,
}

/// The export thread, seen from outside.
#[derive(Debug)]
pub(crate) struct Exporter {
    inbox: Arc<Inbox>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Exporter {
    /// Starts the thread. The processor is for one provider; it may outlive the exporter.
    pub(crate) fn start(
        settings: Settings,
        filter: Filter,
    ) -> io::Result<(RoutingSpanProcessor, Self)> {
        let Settings {
            target,
            transport,
            batch_delay,
            overload,
            trace_config,
        } = settings;
        let inbox = Arc::new(Inbox::new(overload));
        let resource = Arc::new(OnceLock::new());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (for_worker, provided) = (inbox.clone(), resource.clone());
        let thread = thread::Builder::new()
            .name("arize-export".to_owned())
            .spawn(move || {
                let worker = |transport: TransportConfig, inbox| {
                    let transport = transport.open();
                    Worker::new(
                        inbox,
                        provided,
                        target,
                        batch_delay,
                        trace_config,
                        transport,
                    )
                };
                run(runtime, &for_worker, |inbox| worker(transport, inbox));
            })?;
        let processor = RoutingSpanProcessor {
            inbox: inbox.clone(),
            filter,
            resource,
        };
        Ok((
            processor,
            Self {
                inbox,
                thread: Mutex::new(Some(thread)),
            },
        ))
    }

    /// Sends everything that has ended, in the time given; `close` ends the pipeline with it.
    pub(crate) async fn flush(&self, timeout: Duration, close: bool) -> Answer {
        if self.is_own_thread() {
            return Err(on_export_thread(timeout, &self.inbox));
        }
        let result = flush(&self.inbox, timeout, close).await;
        self.join_if(close);
        result
    }

    /// [`flush`](Self::flush) for who has no hold of the exporter.
    pub(crate) fn flusher(&self) -> tracer::Flush {
        let inbox = self.inbox.clone();
        Box::new(move |timeout| {
            let inbox = inbox.clone();
            Box::pin(async move { flush(&inbox, timeout, false).await })
        })
    }

    /// [`flush`](Self::flush) for code that is not async, inside a runtime or not.
    pub(crate) fn flush_blocking(&self, timeout: Duration, close: bool) -> Answer {
        block_on(self.flush(timeout, close), timeout).unwrap_or_else(|| died(timeout, &self.inbox))
    }

    pub(crate) fn stats(&self) -> Stats {
        self.inbox.stats()
    }

    /// Ends the pipeline without waiting for it.
    pub(crate) fn abandon(&self, timeout: Duration) {
        let (flush, _answer) = Flush::new(timeout, true, self.inbox.losses());
        let _ended = self.inbox.flush(flush);
    }

    /// Whether this is the export thread, which cannot wait for itself.
    fn is_own_thread(&self) -> bool {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let own = thread.as_ref().map(|thread| thread.thread().id());
        own == Some(thread::current().id())
    }

    /// The thread has answered as its last act, so this does not wait for anything.
    fn join_if(&self, close: bool) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take_if(|_| close);
        if let Some(thread) = thread {
            let _panicked = thread.join();
        }
    }
}

async fn flush(inbox: &Inbox, timeout: Duration, close: bool) -> Answer {
    let (flush, answer) = Flush::new(timeout, close, inbox.losses());
    match inbox.flush(flush) {
        Ok(()) => answer.await.unwrap_or_else(|_| died(timeout, inbox)),
        Err(gate) => after_the_end(gate, timeout, inbox),
    }
}

/// The export thread.
fn run(runtime: Runtime, inbox: &Arc<Inbox>, worker: impl FnOnce(Arc<Inbox>) -> Worker) {
    /// Runs if the worker panics, so that nobody waits for it.
    struct Died<'a>(&'a Inbox);
    impl Drop for Died<'_> {
        fn drop(&mut self) {
            if thread::panicking() {
                drop(self.0.end(Gate::Dead, "the export thread panicked"));
            }
        }
    }
    let _died = Died(inbox);
    // Whatever the I/O does on this thread must not become spans, which would be sent in turn.
    let _suppressed = Context::enter_telemetry_suppressed_scope();
    let finished = runtime.block_on(async { worker(inbox.clone()).run().await });
    // Not a plain drop: that waits for a name resolution that hangs.
    runtime.shutdown_background();
    for (flush, answer) in finished {
        flush.answer(answer);
    }
}

/// Waits for the answer to a flush on this thread.
pub(super) fn wait(answer: oneshot::Receiver<Answer>, timeout: Duration, inbox: &Inbox) -> Answer {
    match block_on(answer, timeout) {
        Some(Ok(answer)) => answer,
        _ => died(timeout, inbox),
    }
}

/// What a flush is told that came after the end.
pub(super) fn after_the_end(gate: Gate, timeout: Duration, inbox: &Inbox) -> Answer {
    match gate {
        Gate::Dead => died(timeout, inbox),
        Gate::Open | Gate::Closing | Gate::Ended => Ok(()),
    }
}

#[cold]
fn on_export_thread(timeout: Duration, inbox: &Inbox) -> FlushError {
    FlushError {
        lost: Losses::default(),
        pending: inbox.pending(),
        timeout,
        cause: Some("the closure of `.on_loss(..)` cannot wait for the thread that runs it; flush or shut down elsewhere".to_owned()),
    }
}

#[cold]
fn died(timeout: Duration, inbox: &Inbox) -> Answer {
    Err(FlushError {
        lost: inbox.losses(),
        pending: inbox.pending(),
        timeout,
        cause: Some("the export thread has ended; please report its panic".to_owned()),
    })
}

/// Runs a future that somebody else's thread completes; `None` when that takes too long.
fn block_on<F: Future>(future: F, timeout: Duration) -> Option<F::Output> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = TaskContext::from_waker(&waker);
    let mut future = pin!(future);
    let limit = timeout.saturating_add(GRACE);
    let start = Instant::now();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = limit
            .checked_sub(start.elapsed())
            .filter(|left| !left.is_zero())?;
        thread::park_timeout(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::ledger::{Limits, Load};
    use opentelemetry_sdk::trace::SpanProcessor as _;

    #[test]
    fn nobody_waits_for_a_worker_that_panicked() {
        let limits = Limits {
            all: Load { spans: 8, bytes: 8 },
            shared: true,
        };
        let inbox = Arc::new(Inbox::new(Overload {
            limits,
            patience: None,
            on_loss: None,
        }));
        let (waiting, answer) = Flush::new(Duration::from_secs(60), false, inbox.losses());
        inbox.flush(waiting).expect("it is open");
        drop(inbox.place("space", 1).expect("there is room"));
        let theirs = inbox.clone();
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let thread = thread::spawn(move || run(runtime, &theirs, |_| panic!("on purpose")));
        assert!(thread.join().is_err());

        let error = wait(answer, Duration::from_secs(60), &inbox).expect_err("it died");
        assert!(
            error.to_string().contains("the export thread has ended"),
            "{error}"
        );
        let stats = inbox.stats();
        assert_eq!(
            (stats.pending, stats.dropped.of(crate::Loss::Failed)),
            (0, 1)
        );
        let processor = RoutingSpanProcessor {
            inbox,
            filter: Filter::default(),
            resource: Arc::default(),
        };
        assert!(processor.force_flush().is_err() && processor.shutdown().is_err());
    }

    #[test]
    fn a_blocking_wait_ends_even_if_nobody_answers() {
        let start = Instant::now();
        assert_eq!(block_on(std::future::pending::<()>(), Duration::ZERO), None);
        assert!(start.elapsed() >= GRACE);
    }
}
