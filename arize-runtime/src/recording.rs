//! How a value becomes the text that a span records.
//!
//! One pass of serde into a buffer that the thread keeps, unless a large value needed more, then one exact copy. Nothing
//! here can fail or panic into the caller.

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry::Value;
use serde::Serialize;

use crate::json;
use crate::masked_keys::MaskedKeys;
use crate::notice::{self, Notice};
use crate::semconv;

thread_local! {
    static BUFFER: Cell<String> = const { Cell::new(String::new()) };
}

/// The beginning of a value's JSON, to be quoted in a message.
pub(crate) fn excerpt(value: &serde_json::Value) -> String {
    let mut text = String::new();
    // as far as it goes, if it is nested deeply
    let _too_deep = json::append(&mut text, value);
    text.chars().take(80).collect()
}

/// The text in `buffer`, which is empty then, and as large as before if a thread may keep it.
#[inline]
pub(crate) fn take_text(buffer: &mut String) -> String {
    if buffer.capacity() > json::KEPT_BYTES {
        return take_large(buffer);
    }
    let text = buffer.as_str().to_owned();
    buffer.clear();
    text
}

/// Copied as well, and the large buffer freed as it is: a block that shrank makes the allocator ask the system for new
/// memory each time, whose pages cost more than the copy. Leaves room for the next, which may be as large.
#[cold]
fn take_large(buffer: &mut String) -> String {
    let large = mem::replace(buffer, String::with_capacity(json::KEPT_BYTES));
    large.as_str().to_owned()
}

/// A value and its mime type, as `input.*` and `output.*` have them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recorded {
    Text(String),
    /// A number, a boolean or null.
    Scalar(String),
    Json(String),
    /// Something that is hidden: it was not looked at.
    Redacted,
}

impl Recorded {
    #[inline]
    pub(crate) fn into_parts(self) -> (Value, Option<&'static str>) {
        match self {
            Self::Text(text) | Self::Scalar(text) => (text.into(), Some(semconv::TEXT)),
            Self::Json(json) => (json.into(), Some(semconv::JSON)),
            Self::Redacted => (semconv::REDACTED.into(), None),
        }
    }

    /// Objects and arrays are JSON, a string is its text, a number, boolean or null is text.
    #[inline]
    pub(crate) fn of_json(json: String) -> Self {
        match json.as_bytes().first() {
            Some(b'{' | b'[') => Self::Json(json),
            Some(b'"') => Self::Text(serde_json::from_str(&json).unwrap_or(json)),
            _ => Self::Scalar(json),
        }
    }

    /// Without the values of masked keys, of a value that stands at the path `root`.
    #[cold]
    pub(crate) fn masked(self, keys: &MaskedKeys, root: &str) -> Self {
        if keys.hide(root) {
            return Self::Redacted;
        }
        match self {
            Self::Text(text) => Self::Text(keys.mask(root, &text).unwrap_or(text)),
            Self::Scalar(scalar) => Self::Scalar(scalar),
            Self::Json(json) => Self::Json(keys.mask(root, &json).unwrap_or(json)),
            Self::Redacted => self,
        }
    }

    /// None for a value that cannot be serialised, which is told.
    #[inline]
    pub(crate) fn of(value: &(impl Serialize + ?Sized)) -> Option<Self> {
        json_of(value).map(Self::of_json)
    }
}

/// A value's JSON; None for one that cannot be serialised, which is told.
pub(crate) fn json_of(value: &(impl Serialize + ?Sized)) -> Option<String> {
    // who takes the buffer inside a serialisation gets a new one
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    let written = write(&mut buffer, value);
    let text = take_text(&mut buffer);
    let _ = BUFFER.try_with(|kept| kept.set(buffer));
    written.then_some(text)
}

/// One JSON object of two, whose keys in `over` win; None where one is no object.
pub(crate) fn merged(under: &str, over: &str) -> Option<String> {
    type Object = serde_json::Map<String, serde_json::Value>;
    let mut fields: Object = serde_json::from_str(under).ok()?;
    fields.extend(serde_json::from_str::<Object>(over).ok()?);
    serde_json::to_string(&fields).ok()
}

/// What the user's code says of a value; a panic in it is told, and nothing.
pub(crate) fn guarded<T>(describe: impl FnOnce() -> T) -> Option<T> {
    let described = catch_unwind(AssertUnwindSafe(describe));
    if described.is_err() {
        tell_not_described();
    }
    described.ok()
}

#[cold]
pub(crate) fn tell_not_described() {
    tell_not_serialized("the code that describes it panicked");
}

/// Appends a value's JSON; a failure or panic of its `Serialize` is told, and false.
pub(crate) fn write(buffer: &mut String, value: &(impl Serialize + ?Sized)) -> bool {
    match catch_unwind(AssertUnwindSafe(|| json::append(buffer, value))) {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => tell_not_serialized(&error.to_string()),
        Err(_) => tell_not_serialized("its `Serialize` panicked"),
    }
    false
}

#[cold]
pub(crate) fn tell_not_serialized(error: &str) {
    notice::warn(Notice::NotSerialized, || {
        format!(
            "a value could not be recorded and is left out ({error}); give another, of a function with \
             `input = ..` or `output = ..`"
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_scalars_are_text_and_the_rest_is_json() {
        let text = |s: &str| Some(Recorded::Text(s.to_owned()));
        let scalar = |s: &str| Some(Recorded::Scalar(s.to_owned()));
        assert_eq!(Recorded::of("a \"b\"\n"), text("a \"b\"\n"));
        assert_eq!(Recorded::of(&Some("x")), text("x"));
        assert_eq!(Recorded::of(&3), scalar("3"));
        assert_eq!(Recorded::of(&2.0), scalar("2.0"));
        assert_eq!(Recorded::of(&true), scalar("true"));
        assert_eq!(Recorded::of(&()), scalar("null"));
        assert_eq!(
            Recorded::of(&[1, 2]),
            Some(Recorded::Json("[1,2]".to_owned()))
        );
    }

    #[test]
    fn what_is_nested_too_deeply_is_left_out() {
        let nested = |levels| (1..levels).fold(serde_json::json!([]), |inner, _| [inner].into());
        assert!(Recorded::of(&nested(json::MOST_LEVELS)).is_some());
        assert_eq!(Recorded::of(&nested(json::MOST_LEVELS + 1)), None);
        assert_eq!(excerpt(&nested(json::MOST_LEVELS + 1)), "[".repeat(80));
    }

    #[test]
    fn what_cannot_be_serialised_is_left_out() {
        let tuple_keys = std::collections::HashMap::from([((1, 2), 3)]);
        assert_eq!(Recorded::of(&tuple_keys), None);
    }
}
