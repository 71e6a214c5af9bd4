//! The body of an asynchronous function, polled inside its span.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use opentelemetry::Context;
use pin_project_lite::pin_project;

use super::{Begin, Capturing, Observe, Plain, Record};
use crate::notice::{self, Notice};
use crate::outcome::Outcome;
use crate::recording;
use crate::span::ActiveSpan;
use crate::tracer::{self, Flushing};

/// An asynchronous call that knows its body.
#[derive(Debug)]
pub struct AsyncCall<C, F> {
    pub(crate) call: C,
    pub(crate) body: F,
}

impl<C: Begin, F: Future> AsyncCall<C, F> {
    /// Polls the body inside the span and records what `record` takes of its result.
    #[inline]
    pub fn outcome(self, record: Record<F::Output>) -> Instrumented<F, Plain<F::Output>> {
        self.observed(Plain(record))
    }

    /// [`outcome`](Self::outcome) with a closure that may capture.
    #[inline]
    pub fn outcome_with<O, G>(self, record: G) -> Instrumented<F, Capturing<G>>
    where
        G: FnOnce(Outcome<'_, F::Output>) -> O,
    {
        self.observed(Capturing::new(record))
    }

    #[inline]
    pub(crate) fn observed<K>(self, record: K) -> Instrumented<F, K> {
        Instrumented {
            span: self.call.begin(),
            body: Open {
                body: Some(self.body),
            },
            record,
        }
    }
}

/// A body that is polled, until it is dropped.
trait Body<R> {
    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<R>;

    fn close(self: Pin<&mut Self>);
}

pin_project! {
    struct Open<F> {
        #[pin]
        body: Option<F>,
    }
}

impl<F: Future> Body<F::Output> for Open<F> {
    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let body = self.project().body.as_pin_mut();
        body.expect("polled again after it was ready").poll(cx)
    }

    fn close(self: Pin<&mut Self>) {
        self.project().body.set(None);
    }
}

/// Polls the body inside its span and records what it comes to. Panics are told and go on.
fn poll_open<R>(
    slot: &mut Option<ActiveSpan>,
    mut body: Pin<&mut dyn Body<R>>,
    record: &mut dyn Observe<R>,
    cx: &mut TaskContext<'_>,
) -> Poll<R> {
    let Some(span) = slot else {
        return body.poll(cx);
    };
    let polled = span.run(|| {
        let polled = catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(cx)));
        if !matches!(polled, Ok(Poll::Pending)) {
            body.as_mut().close();
        }
        polled
    });
    match polled {
        Ok(polled) => {
            let returned = ready!(polled);
            if span.is_recording() {
                recording::guarded(|| record.observe(Outcome::new(&returned, span)));
            }
            Poll::Ready(returned)
        }
        Err(panic) => {
            span.panicked(&*panic);
            *slot = None;
            resume_unwind(panic)
        }
    }
}

/// [`poll_open`], and ends the span.
#[inline(never)]
fn poll_inside<R>(
    span: &mut Option<ActiveSpan>,
    body: Pin<&mut dyn Body<R>>,
    record: &mut dyn Observe<R>,
    cx: &mut TaskContext<'_>,
) -> Poll<R> {
    let polled = poll_open(span, body, record, cx);
    if polled.is_ready() {
        ActiveSpan::finish(span);
    }
    polled
}

/// Drops a body that has not come to its end.
#[cold]
fn cancel<R>(span: ActiveSpan, body: Pin<&mut dyn Body<R>>) {
    let _guard = span.attach();
    body.close();
    drop(span);
}

pin_project! {
    /// The call of an annotated function, polled inside its span. Dropped early, the body is dropped inside the span,
    /// which then says that it was cancelled.
    #[must_use = "futures do nothing unless polled"]
    pub struct Instrumented<F: Future, K> {
        #[pin]
        body: Open<F>,
        span: Option<ActiveSpan>,
        record: K,
    }

    impl<F: Future, K> PinnedDrop for Instrumented<F, K> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(span) = this.span.take() {
                cancel(span, this.body);
            }
        }
    }
}

impl<F: Future, K> std::fmt::Debug for Instrumented<F, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instrumented")
            .field("span", &self.span)
            .finish_non_exhaustive()
    }
}

impl<F: Future, K: Observe<F::Output>> Future for Instrumented<F, K> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        if this.span.is_none() {
            return this.body.poll(cx);
        }
        poll_inside(this.span, this.body, this.record, cx)
    }
}

impl<F: Future, K: Observe<F::Output>> Instrumented<F, K> {
    /// What the body comes to, and its span, which is not ended.
    pub(crate) fn poll_open(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<(F::Output, Option<ActiveSpan>)> {
        let this = self.project();
        let returned = ready!(poll_open(this.span, this.body, this.record, cx));
        Poll::Ready((returned, this.span.take()))
    }

    /// Waits after the call until its spans are sent, or for two seconds.
    pub async fn flush(self) -> F::Output {
        let traced = self.span.is_some();
        let returned = self.await;
        if traced
            && let Some(flushing) = Context::map_current(flushing)
            && let Err(error) = flushing.await
        {
            notice::warn(Notice::Unflushed, || {
                format!("a handler marked `flush` answered before its spans were sent: {error}")
            });
        }
        returned
    }
}

/// How long a handler marked `flush` waits for its spans to be sent.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

fn flushing(context: &Context) -> Option<Flushing> {
    let flush = tracer::of(context)?.flush.as_ref()?;
    Some(flush(FLUSH_TIMEOUT))
}
