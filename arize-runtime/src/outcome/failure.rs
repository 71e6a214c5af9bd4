//! What a span records of an error, asked of its type.

use std::error::Error;
use std::fmt::Display;
use std::ops::Deref;

use http::StatusCode;

use super::Seen;
use crate::levels::levels;
use crate::recording;

/// The error of a function that returns no result.
#[derive(Debug)]
pub struct NoError;

impl NoError {
    /// Nothing.
    pub fn record(&self) {}
}

levels! {
    /// An error with a status?
    Failure => ErrorLevel<'a, T>;
    /// An error?
    ErrorLevel => PointerLevel<'a, T>;
    /// A pointer to an error (`Box<dyn Error>`, `anyhow::Error`)?
    PointerLevel => DisplayLevel<'a, T>;
    /// Has a text?
    DisplayLevel => NameLevel<'a, T>;
    /// Has a name.
    NameLevel => Seen<'a, T>;
}

pub(super) fn failure<E>(seen: Seen<'_, E>) -> Failure<'_, E> {
    Failure(ErrorLevel(PointerLevel(DisplayLevel(NameLevel(seen)))))
}

impl<T: Display> Failure<'_, (StatusCode, T)> {
    /// The status and the text.
    #[inline(never)]
    pub fn record(&self) {
        let seen = self.seen();
        if let Some((status, text)) = seen.value {
            seen.span.error(
                status.as_str(),
                recording::guarded(|| text.to_string()),
                None,
            );
        }
    }
}

impl<E: Error> ErrorLevel<'_, E> {
    /// Type, message and the chain of sources.
    #[inline(never)]
    pub fn record(&self) {
        let seen = self.seen();
        if let Some(error) = seen.value {
            seen.error(error);
        }
    }
}

impl<E: Deref<Target: Error>> PointerLevel<'_, E> {
    /// Type of the pointer, message and the chain of sources.
    #[inline(never)]
    pub fn record(&self) {
        let seen = self.seen();
        if let Some(pointer) = seen.value {
            seen.error(&&**pointer);
        }
    }
}

impl<E> Seen<'_, E> {
    fn error(&self, error: &dyn Error) {
        let message = recording::guarded(|| error.to_string());
        self.span
            .error(std::any::type_name::<E>(), message, error.source());
    }
}

impl<E: Display> DisplayLevel<'_, E> {
    /// Type and message.
    #[inline(never)]
    pub fn record(&self) {
        let seen = self.seen();
        if let Some(error) = seen.value {
            seen.span.error(
                std::any::type_name::<E>(),
                recording::guarded(|| error.to_string()),
                None,
            );
        }
    }
}

impl<E> NameLevel<'_, E> {
    /// The type's name.
    #[inline(never)]
    pub fn record(&self) {
        let seen = self.seen();
        if seen.value.is_some() {
            seen.span.error(std::any::type_name::<E>(), None, None);
        }
    }
}
