//! How much may be pending, and what becomes of more.

use std::sync::Arc;
use std::time::Duration;

use super::{Registration, Routes};
use crate::export::{Limits, Load, OnLoss, Overload, StartedSpan};
use crate::stats::LossEvent;

impl<R: Routes> Registration<R> {
    /// How many spans may be pending (queued, buffered or under way) at a time, 32,768 unless said.
    /// Spans that end beyond are dropped and counted ([`Loss::QueueFull`](crate::Loss::QueueFull)).
    ///
    /// Where requests name the space, a space may hold seven times what it leaves free: one alone seven
    /// eighths of the queue, two 7/15 each. So a space that floods does not push the others out. With
    /// [`register`](crate::register()) there is one space, which may have it all.
    pub fn max_queue_size(mut self, spans: usize) -> Self {
        self.max_queue_size = spans;
        self
    }

    /// How much memory the pending spans may take, in bytes: 64 MiB unless said. A small span takes some
    /// 1,200 bytes, so that both limits count. It is reckoned from what the spans hold, and shared between
    /// spaces as [`max_queue_size`](Self::max_queue_size) is.
    pub fn max_queue_bytes(mut self, bytes: usize) -> Self {
        self.max_queue_bytes = bytes;
        self
    }

    /// Lets a thread that ends a span wait so long for room in the queue, instead of dropping the span
    /// at once. A request waits for each of its spans.
    ///
    /// For programs that would rather be slowed down than lose spans, such as an evaluation that runs
    /// over night. **It blocks the thread**, and an async task with all that run on its thread: an
    /// agent that serves requests is better without.
    ///
    /// ```
    /// use std::time::Duration;
    /// let arize = arize_runtime::register_with_routing()
    ///     .endpoint("http://localhost:4317")
    ///     .wait_when_full(Duration::from_secs(5))
    ///     .build()?;
    /// # Ok::<(), arize_runtime::InstallError>(())
    /// ```
    pub fn wait_when_full(mut self, timeout: Duration) -> Self {
        self.wait_when_full = Some(timeout);
        self
    }

    /// Calls `hook` whenever spans are dropped, for a metric or an alert of your own. All losses are
    /// in [`Arize::stats`](crate::Arize::stats) as well.
    ///
    /// It is called where the loss happens: on the thread that ended the span, or on the export
    /// thread, which sends nothing meanwhile; so it should be quick, and leave a flush or a shutdown to
    /// another thread: from the export thread both fail at once. Spans that it starts are not recorded,
    /// and a panic in it is told and goes no further.
    ///
    /// ```
    /// let arize = arize_runtime::register_with_routing()
    ///     .endpoint("http://localhost:4317")
    ///     .on_loss(|lost| eprintln!("{} spans: {}", lost.spans, lost.loss.as_str()))
    ///     .build()?;
    /// # Ok::<(), arize_runtime::InstallError>(())
    /// ```
    pub fn on_loss(mut self, hook: impl Fn(LossEvent<'_>) + Send + Sync + 'static) -> Self {
        self.on_loss = Some(OnLoss(Arc::new(hook)));
        self
    }

    /// Keeps spans of other libraries out of Arize: those for which `excludes` says so as they start, by their
    /// instrumentation scope, kind or name. Called several times, each may exclude.
    ///
    /// What an excluded span's children have as their parent is its own next ancestor that is kept, so that no orphan
    /// appears. Other processors of the provider see all of it unchanged. Spans of annotated functions are never asked
    /// for. [`Stats::excluded`](crate::Stats::excluded) counts them, and they are no losses.
    ///
    /// Each span that starts is copied, annotated ones too, to see whose it is. Of the last 65,536 excluded spans that ended
    /// the parents are known.
    ///
    /// ```
    /// use arize_runtime::register_with_routing;
    /// use arize_runtime::opentelemetry::trace::SpanKind;
    ///
    /// let registration = register_with_routing()
    ///     .exclude_spans_if(|span| span.scope == "sqlx" || *span.kind == SpanKind::Server);
    /// ```
    pub fn exclude_spans_if(
        mut self,
        excludes: impl Fn(&StartedSpan<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.excluded.add(excludes);
        self
    }

    pub(super) fn overload(&self) -> Overload {
        Overload {
            limits: Limits {
                all: Load {
                    spans: self.max_queue_size as u64,
                    bytes: self.max_queue_bytes as u64,
                },
                shared: R::SEVERAL_SPACES,
            },
            patience: self.wait_when_full,
            on_loss: self.on_loss.clone(),
        }
    }
}
