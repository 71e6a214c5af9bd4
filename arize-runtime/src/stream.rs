//! Streams inside spans: what a function marked `stream` returns, and what a handler's response is made of.

mod held;
mod returned;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use futures_core::Stream;
use opentelemetry::Context;
use pin_project_lite::pin_project;

use crate::instrument::observe;
use crate::outcome::Outcome;
use crate::span::{ActiveSpan, End};

pub use held::{hold_items, hold_span};

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

pin_project! {
    /// The stream of a function marked `stream`, which is polled inside the function's span and ends it.
    #[must_use = "streams do nothing unless polled"]
    pub struct InSpanStream<S, G> {
        #[pin]
        stream: InContext<S>,
        span: Option<ActiveSpan>,
        record: G,
    }

    impl<S, G> PinnedDrop for InSpanStream<S, G> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let end = this.stream.close();
            if let Some(mut span) = this.span.take() {
                span.output_items();
                match end {
                    End::Complete => span.end(),
                    _ => drop(span), // which says that it was cancelled
                }
            }
        }
    }
}

impl<S, G> InSpanStream<S, G> {
    fn new(stream: S, mut span: Option<ActiveSpan>, record: G) -> Self {
        if let Some(span) = &mut span {
            span.collect_items();
        }
        Self {
            stream: InContext::new(stream, span.as_ref().map(ActiveSpan::context)),
            span,
            record,
        }
    }
}

impl<S, G> fmt::Debug for InSpanStream<S, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InSpanStream")
            .field("span", &self.span)
            .finish_non_exhaustive()
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
                if let Some(span) = this.span {
                    observe(span, &item, &*this.record);
                }
                Poll::Ready(Some(item))
            }
            Step::End => {
                if let Some(mut span) = this.span.take() {
                    span.output_items();
                    span.end();
                }
                Poll::Ready(None)
            }
            Step::Panicked(panic) => {
                if let Some(mut span) = this.span.take() {
                    span.output_items();
                    span.panicked(&*panic);
                }
                resume_unwind(panic)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
