//! The handle of a pipeline.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::error::{FlushError, InstallError};
use crate::export::Exporter;
use crate::notice::{Notice, warn};
use crate::stats::{Loss, Stats};
use crate::tracer::Pipeline;

/// How long a handle that is dropped without [`shutdown`](Arize::shutdown) waits.
const DROP_TIMEOUT: Duration = Duration::from_secs(2);

/// A pipeline that sends spans to their spaces, from
/// [`register_with_routing`](crate::register_with_routing) or [`register`](crate::register).
///
/// Keep it until the process ends and call [`shutdown`](Self::shutdown) then. Dropped without, it
/// shuts down too, but blocks the thread while it sends (2 seconds at most), and nobody is told of
/// what was lost.
#[must_use = "dropping the handle shuts the pipeline down; bind it, `let arize = ..`, and not to `_`"]
pub struct Arize {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) exporter: Exporter,
    pub(super) provider: SdkTracerProvider,
    /// Whether the losses of all its life were told.
    pub(super) summed_up: AtomicBool,
}

/// Shows what became of the spans.
impl fmt::Debug for Arize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arize")
            .field("stats", &format_args!("{}", self.stats()))
            .finish_non_exhaustive()
    }
}

impl Arize {
    pub(super) fn install(&self) -> Result<(), InstallError> {
        if self.pipeline.install() {
            Ok(())
        } else {
            Err(InstallError::AlreadyInstalled) // dropping the handle ends its thread
        }
    }

    /// Sends every span that has ended, of all spaces, at once and in parallel.
    ///
    /// Works under any executor: the export thread does the work and keeps the time.
    ///
    /// # Errors
    /// Spans were lost since the call, or were not sent within `timeout`; these stay in the queue
    /// and are sent later.
    ///
    /// ```no_run
    /// # async fn f(arize: arize_runtime::Arize) {
    /// if let Err(error) = arize.force_flush(std::time::Duration::from_secs(5)).await {
    ///     eprintln!("{error}"); // 3 spans lost (3 failed): UNAVAILABLE: ...
    /// }
    /// # }
    /// ```
    pub async fn force_flush(&self, timeout: Duration) -> Result<(), FlushError> {
        self.exporter.flush(timeout, false).await
    }

    /// Sends every span that has ended, as [`force_flush`](Self::force_flush) does, and ends the
    /// pipeline: annotated functions start no more spans, and the export thread is gone afterwards.
    ///
    /// The tracer provider stays open, so that spans which end later are still counted
    /// ([`Loss::Late`](crate::Loss::Late)). Calling it again is harmless, and `Ok`, whatever the first call
    /// had to say. Of several at a time the one whose time is over first ends the pipeline for all.
    ///
    /// # Errors
    /// Spans were lost since the call, or were not sent within `timeout`; these are given up.
    pub async fn shutdown(&self, timeout: Duration) -> Result<(), FlushError> {
        self.pipeline.close();
        let answer = self.exporter.flush(timeout, true).await;
        self.sum_up();
        answer
    }

    /// [`shutdown`](Self::shutdown) for code that is not async. Blocks the thread, which may be one
    /// inside an async runtime.
    ///
    /// # Errors
    /// As [`shutdown`](Self::shutdown).
    pub fn shutdown_blocking(&self, timeout: Duration) -> Result<(), FlushError> {
        self.pipeline.close();
        let answer = self.exporter.flush_blocking(timeout, true);
        self.sum_up();
        answer
    }

    /// Of most losses no more than one a minute was told, and nobody may have asked for the counts.
    fn sum_up(&self) {
        let stats = self.exporter.stats();
        // spans without a route are no loss where others export them
        let lost = stats.dropped.total() - stats.dropped.of(Loss::Unrouted);
        if lost > 0 && !self.summed_up.swap(true, Relaxed) {
            warn(Notice::SummedUp, || {
                format!("shut down with losses: {stats}")
            });
        }
    }

    /// What became of the spans so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.exporter.stats();
        self.pipeline.untraced.add_to(&mut stats);
        stats
    }

    /// The provider, for other instrumentation. Spans that it starts in a Context derived from an
    /// annotated handler, or with a [`Routing`](crate::Routing) in it, are routed too.
    ///
    /// Shutting the provider down by hand ends the pipeline as well, and spans that end after that
    /// are not ours to count.
    #[must_use]
    pub fn tracer_provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    /// The current [`Context`] with this pipeline in it, which annotated functions take instead of
    /// the installed one. For tests, and for running a pipeline beside an installed one.
    ///
    /// ```
    /// # use opentelemetry::trace::FutureExt as _;
    /// # async fn handler() {}
    /// # async fn f() -> Result<(), arize_runtime::InstallError> {
    /// let arize = arize_runtime::register_with_routing().endpoint("http://localhost:4317").build()?;
    /// handler().with_context(arize.context()).await;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn context(&self) -> Context {
        Context::map_current(|context| self.pipeline.put_into(context))
    }
}

impl Drop for Arize {
    fn drop(&mut self) {
        self.pipeline.close();
        if std::thread::panicking() {
            // The process is unwinding: it is not held up, though it may end before all is sent.
            self.exporter.abandon(DROP_TIMEOUT);
        } else {
            // What was lost is counted and has been warned of; a drop cannot return it.
            let _lost = self.exporter.flush_blocking(DROP_TIMEOUT, true);
            self.sum_up();
        }
    }
}
