//! What a span records of a result's error, asked of its type: each level's `value` records it and gives the success
//! value.

use std::error::Error;
use std::fmt::Display;
use std::ops::Deref;

use http::StatusCode;

use super::{
    DisplayResult, ErrorResult, NamedResult, PointerResult, Returned, Seen, StatusResult, returned,
};
use crate::recording;

impl<'a, T, E: Error> ErrorResult<'a, Result<T, E>> {
    /// The success value; type, message and the chain of sources of an error.
    #[inline(never)]
    #[must_use]
    pub fn value(&self) -> Returned<'a, T> {
        self.seen().success(|seen, error| seen.error::<E>(error))
    }
}

impl<'a, T, D: Display> StatusResult<'a, Result<T, (StatusCode, D)>> {
    /// The success value; status and text of an error.
    #[inline(never)]
    #[must_use]
    pub fn value(&self) -> Returned<'a, T> {
        self.seen().success(|seen, (status, text)| {
            let text = recording::guarded(|| text.to_string());
            seen.span.error(status.as_str(), text, None);
        })
    }
}

impl<'a, T, E: Deref<Target: Error>> PointerResult<'a, Result<T, E>> {
    /// The success value; type of the pointer, message and the chain of sources of an error.
    #[inline(never)]
    #[must_use]
    pub fn value(&self) -> Returned<'a, T> {
        self.seen()
            .success(|seen, pointer| seen.error::<E>(&&**pointer))
    }
}

impl<'a, T, E: Display> DisplayResult<'a, Result<T, E>> {
    /// The success value; type and message of an error.
    #[inline(never)]
    #[must_use]
    pub fn value(&self) -> Returned<'a, T> {
        self.seen().success(|seen, error| {
            let text = recording::guarded(|| error.to_string());
            seen.span.error(std::any::type_name::<E>(), text, None);
        })
    }
}

impl<'a, T, E> NamedResult<'a, Result<T, E>> {
    /// The success value; the type's name of an error.
    #[inline(never)]
    #[must_use]
    pub fn value(&self) -> Returned<'a, T> {
        self.seen().success(|seen, _| {
            seen.span.error(std::any::type_name::<E>(), None, None);
        })
    }
}

impl<'a, T, E> Seen<'a, Result<T, E>> {
    /// The success value, after an error was told to `tell`.
    #[inline]
    pub(crate) fn success(self, tell: impl FnOnce(Self, &'a E)) -> Returned<'a, T> {
        let value = match self.value {
            Some(Err(error)) => {
                tell(self, error);
                None
            }
            Some(Ok(value)) => Some(value),
            None => None,
        };
        returned(self.of(value))
    }

    fn error<Named>(self, error: &dyn Error) {
        let message = recording::guarded(|| error.to_string());
        self.span
            .error(std::any::type_name::<Named>(), message, error.source());
    }
}
