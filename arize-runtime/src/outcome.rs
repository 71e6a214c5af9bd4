//! What a span records of a function's result, asked of its type.
//!
//! An expansion ends in `.outcome(|o| o.value().record())`: `value` records an error, and `record` a value. Each is
//! found on the first level whose bounds hold, so `type Alias = Result<..>` and every wrapper that
//! dereferences (`Json`) work, without a look at how a type is spelled. What is compiled for a type is
//! compiled once, and not for each function: hence `inline(never)`.

#![expect(
    clippy::unused_self,
    reason = "the levels of a method have one form of call"
)]

mod errors;
mod generic;

use std::ops::Deref;

use bytes::Bytes;
use futures_core::Stream;
use serde::Serialize;

use crate::levels::levels;
use crate::recording::Recorded;
use crate::span::ActiveSpan;

/// What a call returned, and the span that records it.
#[derive(Debug)]
pub struct Seen<'a, T: ?Sized> {
    pub(crate) value: Option<&'a T>,
    pub(crate) span: &'a ActiveSpan,
}

impl<T: ?Sized> Clone for Seen<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Seen<'_, T> {}

impl<'a, T: ?Sized> Seen<'a, T> {
    /// From any level.
    pub(crate) fn seen(&self) -> Self {
        *self
    }

    pub(crate) fn of<U: ?Sized>(self, value: Option<&'a U>) -> Seen<'a, U> {
        Seen {
            value,
            span: self.span,
        }
    }

    /// Records nothing: the items of a stream are the output.
    pub fn leave(&self) {}

    /// Nothing is the output, whatever a stream brings later.
    pub(crate) fn skip(self) {
        self.span.settle_output();
    }

    pub(crate) fn keep(self, text: impl FnOnce(&T) -> Option<Recorded>) {
        if let Some(value) = self.value {
            self.span.record_output(|| text(value));
        }
    }
}

#[cfg(feature = "tonic")]
levels! {
    /// A result with the status of a gRPC call?
    Outcome => ErrorResult<'a, T>;
}

/// The first level that there is: each one less is less to compile for every function.
#[cfg(not(feature = "tonic"))]
pub use ErrorResult as Outcome;

levels! {
    /// A result with an error?
    ErrorResult => StatusResult<'a, T>;
    /// A result with a status and a text?
    StatusResult => PointerResult<'a, T>;
    /// A result with a pointer to an error (`Box<dyn Error>`, `anyhow::Error`)?
    PointerResult => DisplayResult<'a, T>;
    /// A result with something that has a text?
    DisplayResult => NamedResult<'a, T>;
    /// A result with anything else?
    NamedResult => NoResult<'a, T>;
    /// A value that is no result.
    NoResult => Seen<'a, T>;
}

impl<'a, R> Outcome<'a, R> {
    pub(crate) fn new(returned: &'a R, span: &'a ActiveSpan) -> Self {
        let seen = Seen {
            value: Some(returned),
            span,
        };
        let named = NamedResult(NoResult(seen));
        let any = ErrorResult(StatusResult(PointerResult(DisplayResult(named))));
        #[cfg(feature = "tonic")]
        let any = Self(any);
        any
    }
}

impl<'a, R> NoResult<'a, R> {
    /// The value.
    #[inline(never)]
    #[must_use]
    pub fn value(&self) -> Returned<'a, R> {
        returned(self.seen())
    }
}

levels! {
    /// A success value.
    Returned => BytesLevel<'a, T>;
    /// Bytes?
    BytesLevel => SerializeLevel<'a, T>;
    /// Serialises?
    SerializeLevel => DerefLevel<'a, T>;
    /// Dereferences?
    DerefLevel => FutureLevel<'a, T>;
    /// Is a future?
    FutureLevel => StreamLevel<'a, T>;
    /// Is a stream?
    StreamLevel => LastLevel<'a, T>;
    /// Nothing of this.
    LastLevel => Seen<'a, T>;
}

pub(crate) fn returned<T: ?Sized>(seen: Seen<'_, T>) -> Returned<'_, T> {
    let last = LastLevel(seen);
    let serialize = SerializeLevel(DerefLevel(FutureLevel(StreamLevel(last))));
    Returned(BytesLevel(serialize))
}

impl<T: AsRef<str> + ?Sized> Returned<'_, T> {
    /// A string, as it is.
    #[inline(never)]
    pub fn record(&self) {
        self.seen()
            .keep(|text| Some(Recorded::Text(text.as_ref().to_owned())));
    }

    /// A string, as it is.
    pub fn respond(&self) {
        self.record();
    }
}

impl BytesLevel<'_, Bytes> {
    /// Text, if it is UTF-8; else nothing.
    #[inline(never)]
    pub fn record(&self) {
        self.seen().keep(|bytes| {
            let text = str::from_utf8(bytes).ok()?;
            Some(Recorded::Text(text.to_owned()))
        });
    }

    /// Text, if it is UTF-8; else nothing.
    pub fn respond(&self) {
        self.record();
    }
}

impl<'a, T: Serialize + ?Sized> SerializeLevel<'a, T> {
    /// Text or JSON.
    #[inline(never)]
    pub fn record(&self) {
        self.seen().keep(Recorded::of);
    }

    /// Text or JSON.
    pub fn respond(&self) {
        self.record();
    }

    /// What `f` makes of the value.
    pub fn at<O>(&self, f: impl FnOnce(&'a T) -> O) -> Projected<'a, O> {
        project(self.seen(), f)
    }
}

impl<'a, T: Deref + ?Sized> DerefLevel<'a, T> {
    /// What `f` makes of the value inside a wrapper such as `Json`.
    pub fn at<O>(&self, f: impl FnOnce(&'a T::Target) -> O) -> Projected<'a, O> {
        let seen = self.seen();
        project(seen.of(seen.value.map(Deref::deref)), f)
    }
}

impl<T: Deref<Target: Serialize> + ?Sized> DerefLevel<'_, T> {
    /// The value inside a wrapper such as `Json`.
    #[inline(never)]
    pub fn record(&self) {
        self.seen().keep(|value| Recorded::of(&**value));
    }

    /// The value inside a wrapper such as `Json`.
    pub fn respond(&self) {
        self.record();
    }
}

impl<T: Future + ?Sized> FutureLevel<'_, T> {
    /// Refused by the compiler.
    pub fn record(&self)
    where
        T: FinishedOutput,
    {
    }

    /// Refused by the compiler.
    pub fn respond(&self)
    where
        T: FinishedOutput,
    {
    }

    /// Refused by the compiler.
    pub fn skip(&self)
    where
        T: FinishedOutput,
    {
    }
}

/// Implemented by nothing: it carries the error for a function that only makes a future.
#[diagnostic::on_unimplemented(
    message = "the span would end before the future that this function returns has run",
    label = "a future",
    note = "write an `async fn`, or return `impl Future<Output = T>`, `BoxFuture<'_, T>` or \
            `Pin<Box<dyn Future<Output = T>>>` by these names, so that the attribute sees it"
)]
pub trait FinishedOutput {}

impl<T: Stream + ?Sized> StreamLevel<'_, T> {
    /// Refused by the compiler.
    pub fn record(&self)
    where
        T: ReadOutput,
    {
    }
}

/// Implemented by nothing: it carries the error for a function that only makes a stream.
#[diagnostic::on_unimplemented(
    message = "the span would end before the stream that this function returns has been read",
    label = "a stream",
    note = "write `stream` in the attribute, and the span lives as long as the stream; or `skip_output` for what is a \
            stream among other things, such as a connection"
)]
pub trait ReadOutput {}

impl<'a, T: ?Sized> LastLevel<'a, T> {
    /// For `skip_output`.
    pub fn skip(&self) {
        self.seen().skip();
    }

    /// Refused by the compiler.
    pub fn record(&self)
    where
        T: RecordableOutput,
    {
    }

    /// A response whose value cannot be seen records none.
    pub fn respond(&self) {}

    /// What `f` makes of the value.
    pub fn at<O>(&self, f: impl FnOnce(&'a T) -> O) -> Projected<'a, O> {
        project(self.seen(), f)
    }
}

/// Implemented by nothing: it carries the error for an output that cannot be recorded.
#[diagnostic::on_unimplemented(
    message = "the output of type `{Self}` cannot be recorded",
    label = "not `serde::Serialize`",
    note = "implement `serde::Serialize` for it, or write `skip_output` in the attribute (of a handler and in \
            `hold_span!` it is `output = none`), or `output = |value| ..` to record something that it has"
)]
pub trait RecordableOutput {}

/// What an `output = |value| ..` made.
#[derive(Debug)]
pub struct Projected<'a, O> {
    value: Option<O>,
    span: &'a ActiveSpan,
}

fn project<'a, T: ?Sized, O>(seen: Seen<'a, T>, f: impl FnOnce(&'a T) -> O) -> Projected<'a, O> {
    Projected {
        value: seen.value.map(f),
        span: seen.span,
    }
}

impl<O> Projected<'_, O> {
    /// To be recorded.
    #[must_use]
    pub fn get(&self) -> Returned<'_, O> {
        returned(Seen {
            value: self.value.as_ref(),
            span: self.span,
        })
    }
}
