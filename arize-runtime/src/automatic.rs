//! Keys of the attributes that we add by ourselves.
//!
//! The SDK appends an attribute and never replaces one, and has no way to ask a span what it carries.
//! So a value that the user's own code gave under the same name can only be told from ours afterwards:
//! by the address of its key. The text of these keys is allocated once, so no other key has it.
//! [`crate::export`] leaves the user's value where there is one.

use std::sync::LazyLock;

use opentelemetry::Key;

use crate::semconv;

/// A key whose text is at an address of its own.
pub(crate) type AutomaticKey = LazyLock<&'static str>;

pub(crate) static OUTPUT_VALUE: AutomaticKey = LazyLock::new(|| own(semconv::OUTPUT_VALUE));
pub(crate) static OUTPUT_MIME_TYPE: AutomaticKey = LazyLock::new(|| own(semconv::OUTPUT_MIME_TYPE));
pub(crate) static PROJECT_NAME: AutomaticKey = LazyLock::new(|| own(semconv::PROJECT_NAME));
pub(crate) static SPACE_ID: AutomaticKey = LazyLock::new(|| own(semconv::SPACE_ID));

fn own(name: &str) -> &'static str {
    Box::leak(name.into())
}

/// Whether we added the attribute of this key.
pub(crate) fn is_automatic(key: &Key) -> bool {
    [&OUTPUT_VALUE, &OUTPUT_MIME_TYPE, &PROJECT_NAME, &SPACE_ID]
        .into_iter()
        .any(|automatic| std::ptr::eq(key.as_str().as_ptr(), automatic.as_ptr()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_key_is_automatic() {
        assert!(is_automatic(&Key::from(*OUTPUT_VALUE)));
        assert!(!is_automatic(&Key::from(semconv::OUTPUT_VALUE)));
        assert!(!is_automatic(&Key::from(semconv::OUTPUT_VALUE.to_owned())));
    }
}
