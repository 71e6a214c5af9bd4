//! What a function marked `stream` returned, asked of its type: its stream goes on inside the span.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::InSpanStream;
use crate::instrument::{AsyncCall, Begin, Capturing, Instrumented, Observe, SyncCall};
use crate::outcome::Outcome;
use crate::span::ActiveSpan;

impl<R, F: FnOnce() -> R> SyncCall<F> {
    /// Runs the body of a function that returns a stream, and records what `record` takes of its failure.
    #[inline]
    pub fn stream<O>(self, record: impl FnOnce(Outcome<'_, R>) -> O) -> Streamed<R> {
        streamed(self.open(&mut Capturing::new(record)))
    }
}

impl<C: Begin, F: Future> AsyncCall<C, F> {
    /// Polls the body of a function that returns a stream, and records what `record` takes of its failure.
    #[inline]
    pub fn stream<O, G>(self, record: G) -> StreamedCall<F, G>
    where
        G: FnOnce(Outcome<'_, F::Output>) -> O,
    {
        StreamedCall {
            call: self.observed(Capturing::new(record)),
        }
    }
}

pin_project! {
    /// The call of an async function that returns a stream.
    #[must_use = "futures do nothing unless polled"]
    pub struct StreamedCall<F: Future, G> {
        #[pin]
        call: Instrumented<F, Capturing<G>>,
    }
}

impl<F: Future, G> fmt::Debug for StreamedCall<F, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamedCall").finish_non_exhaustive()
    }
}

impl<F: Future, G> Future for StreamedCall<F, G>
where
    Capturing<G>: Observe<F::Output>,
{
    type Output = Streamed<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.project().call.poll_open(cx).map(streamed)
    }
}

fn streamed<R>((returned, span): (R, Option<ActiveSpan>)) -> Streamed<R> {
    let returned = Some(returned);
    Streamed(AnyStream(FallibleStream(NoStream(Returned {
        returned,
        span,
    }))))
}

/// What the function returned, and its span, which is open.
pub struct Returned<R> {
    returned: Option<R>,
    span: Option<ActiveSpan>,
}

impl<R> fmt::Debug for Returned<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Returned").finish_non_exhaustive()
    }
}

impl<R> Returned<R> {
    fn take(&mut self) -> (R, Option<ActiveSpan>) {
        let returned = self.returned.take();
        (returned.expect("it is held once"), self.span.take())
    }
}

/// Levels as in [`crate::levels`], which give away what they have.
macro_rules! levels {
    ($($(#[$doc:meta])* $level:ident => $next:ident;)+) => {$(
        $(#[$doc])*
        pub struct $level<R>($next<R>);

        impl<R> fmt::Debug for $level<R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($level)).finish_non_exhaustive()
            }
        }

        impl<R> Deref for $level<R> {
            type Target = $next<R>;
            fn deref(&self) -> &$next<R> {
                &self.0
            }
        }

        impl<R> DerefMut for $level<R> {
            fn deref_mut(&mut self) -> &mut $next<R> {
                &mut self.0
            }
        }
    )+};
}

levels! {
    /// A stream in a box, which it has to be put into again?
    Streamed => AnyStream;
    /// Any other stream?
    AnyStream => FallibleStream;
    /// A result of one?
    FallibleStream => NoStream;
    /// Nothing of this.
    NoStream => Returned;
}

/// `Box<dyn Stream>` of each form, alone and in a result.
macro_rules! boxed_streams {
    ($($boxed:ty, $($send:ident)?;)+) => {$(
        impl<'a, T: 'a> Streamed<$boxed> {
            /// The same stream inside its span.
            pub fn hold<O, G>(&mut self, record: G) -> $boxed
            where
                G: Fn(Outcome<'_, T>) -> O + $($send +)? 'a,
            {
                match self.take() {
                    (stream, None) => stream,
                    (stream, span) => Box::pin(InSpanStream::new(stream, span, record)),
                }
            }
        }

        impl<'a, T: 'a, E> Streamed<Result<$boxed, E>> {
            /// The same stream inside its span; an error ends the span.
            pub fn hold<O, G>(&mut self, record: G) -> Result<$boxed, E>
            where
                G: Fn(Outcome<'_, T>) -> O + $($send +)? 'a,
            {
                match self.take() {
                    (Ok(stream), None) => Ok(stream),
                    (Ok(stream), span) => Ok(Box::pin(InSpanStream::new(stream, span, record))),
                    (Err(error), span) => {
                        end(span);
                        Err(error)
                    }
                }
            }
        }
    )+};
}

boxed_streams! {
    Pin<Box<dyn Stream<Item = T> + Send + 'a>>, Send;
    Pin<Box<dyn Stream<Item = T> + 'a>>, ;
}

impl<S: Stream> AnyStream<S> {
    /// The same stream inside its span.
    pub fn hold<O, G>(&mut self, record: G) -> InSpanStream<S, G>
    where
        G: Fn(Outcome<'_, S::Item>) -> O,
    {
        let (stream, span) = self.take();
        InSpanStream::new(stream, span, record)
    }
}

impl<S: Stream, E> FallibleStream<Result<S, E>> {
    /// The same stream inside its span; an error ends the span.
    pub fn hold<O, G>(&mut self, record: G) -> Result<InSpanStream<S, G>, E>
    where
        G: Fn(Outcome<'_, S::Item>) -> O,
    {
        match self.take() {
            (Ok(stream), span) => Ok(InSpanStream::new(stream, span, record)),
            (Err(error), span) => {
                end(span);
                Err(error)
            }
        }
    }
}

fn end(span: Option<ActiveSpan>) {
    if let Some(mut span) = span {
        span.end();
    }
}

impl<R> NoStream<R> {
    /// Refused by the compiler.
    pub fn hold<G>(&mut self, _record: G) -> R
    where
        R: StreamOutput,
    {
        self.take().0
    }
}

/// Implemented by nothing: it carries the error for `stream` on what is none.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no stream",
    label = "expected `impl Stream`, a boxed `dyn Stream`, or a `Result` of one",
    note = "remove `stream` from the attribute, or return a `futures::Stream`"
)]
pub trait StreamOutput {}
