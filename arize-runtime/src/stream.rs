//! Streams inside spans: what a function marked `stream` returns, and what a handler's response is made of.

mod held;
mod returned;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use futures_core::Stream;
use opentelemetry::Context;
use pin_project_lite::pin_project;

use crate::outcome::Outcome;
use crate::recording;
use crate::span::{ActiveSpan, End, Hold};

pub use held::{hold_items, hold_span};
pub use returned::StreamOutput;

pin_project! {
    /// A stream that is polled inside a Context.
    struct InContext<S> {
        #[pin]
        stream: Option<S>,
        // None where nothing is traced
        context: Option<Context>,
        // whether somebody waits for an item
        awaited: bool,
    }
}

enum Step<T> {
    Pending,
    Item(T),
    End,
    Panicked(Box<dyn Any + Send>),
}

impl<S> InContext<S> {
    fn new(stream: S, context: Option<Context>) -> Self {
        Self {
            stream: Some(stream),
            context,
            awaited: true,
        }
    }

    /// Drops the stream, inside its Context.
    fn close(self: Pin<&mut Self>) -> End<'static> {
        let mut this = self.project();
        let _guard = this.context.take().map(Context::attach);
        this.stream.set(None);
        if *this.awaited {
            End::Cancelled
        } else {
            End::Complete
        }
    }
}

impl<S: Stream> InContext<S> {
    fn step(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Step<S::Item> {
        let mut this = self.project();
        let Some(stream) = this.stream.as_mut().as_pin_mut() else {
            return Step::End;
        };
        let guard = this.context.clone().map(Context::attach);
        let step = match catch_unwind(AssertUnwindSafe(|| stream.poll_next(cx))) {
            Ok(Poll::Pending) => Step::Pending,
            Ok(Poll::Ready(Some(item))) => Step::Item(item),
            Ok(Poll::Ready(None)) => Step::End,
            Err(panic) => Step::Panicked(panic),
        };
        *this.awaited = matches!(step, Step::Pending);
        if matches!(step, Step::End | Step::Panicked(_)) {
            this.stream.set(None);
        }
        drop(guard);
        step
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

/// Whose span a stream is in.
enum Owner {
    /// The stream's own, from the call of its function.
    Stream(ActiveSpan),
    /// A handler's, which the stream holds; the items are observed if they are to be recorded.
    Handler {
        hold: Arc<Hold>,
        observer: Option<ActiveSpan>,
    },
}

impl Owner {
    /// What records the items.
    fn records(&self) -> Option<&ActiveSpan> {
        match self {
            Self::Stream(span) => Some(span),
            Self::Handler { observer, .. } => observer.as_ref(),
        }
    }

    fn end(self, end: &End<'_>) {
        match self {
            Self::Stream(mut span) => {
                span.output_items();
                match end {
                    End::Complete => span.end(),
                    End::Cancelled => drop(span), // which says so
                    End::Panicked(panic) => span.panicked(*panic),
                }
            }
            Self::Handler { hold, observer } => {
                let failed = observer.as_ref().is_some_and(ActiveSpan::has_failed);
                let output = observer.and_then(|mut observer| observer.take_items());
                hold.release(end, output, failed);
            }
        }
    }
}

pin_project! {
    /// A stream that is polled inside a span, which it ends or holds.
    #[must_use = "streams do nothing unless polled"]
    pub struct InSpanStream<S, G> {
        #[pin]
        stream: InContext<S>,
        // None where nothing is traced
        owner: Option<Owner>,
        record: G,
    }

    impl<S, G> PinnedDrop for InSpanStream<S, G> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let end = this.stream.close();
            if let Some(owner) = this.owner.take() {
                owner.end(&end);
            }
        }
    }
}

impl<S, G> InSpanStream<S, G> {
    /// Of a function marked `stream`.
    fn new(stream: S, mut span: Option<ActiveSpan>, record: G) -> Self {
        if let Some(span) = &mut span {
            span.collect_items();
        }
        Self {
            stream: InContext::new(stream, span.as_ref().map(ActiveSpan::context)),
            owner: span.map(Owner::Stream),
            record,
        }
    }
}

impl<S, G> fmt::Debug for InSpanStream<S, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InSpanStream").finish_non_exhaustive()
    }
}

/// Records what `record` takes of an item.
fn observe<T, O>(span: &ActiveSpan, item: &T, record: impl FnOnce(Outcome<'_, T>) -> O) {
    if span.is_recording() {
        recording::guarded(|| record(Outcome::new(item, span)));
    }
}

impl<S, O, G> Stream for InSpanStream<S, G>
where
    S: Stream,
    G: Fn(Outcome<'_, S::Item>) -> O,
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        match this.stream.step(cx) {
            Step::Pending => Poll::Pending,
            Step::Item(item) => {
                if let Some(span) = this.owner.as_ref().and_then(Owner::records) {
                    observe(span, &item, &*this.record);
                }
                Poll::Ready(Some(item))
            }
            Step::End => {
                if let Some(owner) = this.owner.take() {
                    owner.end(&End::Complete);
                }
                Poll::Ready(None)
            }
            Step::Panicked(panic) => {
                if let Some(owner) = this.owner.take() {
                    owner.end(&End::Panicked(&*panic));
                }
                resume_unwind(panic)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
