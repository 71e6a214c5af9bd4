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

/// Those of a [`Scope`](crate::Scope).
pub(crate) static METADATA: AutomaticKey = LazyLock::new(|| own(semconv::METADATA));
pub(crate) static PROMPT_TEMPLATE: AutomaticKey = LazyLock::new(|| own(semconv::PROMPT_TEMPLATE));
pub(crate) static PROMPT_TEMPLATE_VARIABLES: AutomaticKey =
    LazyLock::new(|| own(semconv::PROMPT_TEMPLATE_VARIABLES));
pub(crate) static PROMPT_TEMPLATE_VERSION: AutomaticKey =
    LazyLock::new(|| own(semconv::PROMPT_TEMPLATE_VERSION));
pub(crate) static SESSION_ID: AutomaticKey = LazyLock::new(|| own(semconv::SESSION_ID));
pub(crate) static TAGS: AutomaticKey = LazyLock::new(|| own(semconv::TAGS));
pub(crate) static USER_ID: AutomaticKey = LazyLock::new(|| own(semconv::USER_ID));

/// The keys of every span.
pub(crate) static OF_SPANS: [&AutomaticKey; 4] =
    [&OUTPUT_VALUE, &OUTPUT_MIME_TYPE, &PROJECT_NAME, &SPACE_ID];

/// The keys of spans in a scope.
pub(crate) static OF_SCOPES: [&AutomaticKey; 7] = [
    &METADATA,
    &PROMPT_TEMPLATE,
    &PROMPT_TEMPLATE_VARIABLES,
    &PROMPT_TEMPLATE_VERSION,
    &SESSION_ID,
    &TAGS,
    &USER_ID,
];

fn own(name: &str) -> &'static str {
    Box::leak(name.into())
}

/// Whether we added the attribute of this key.
pub(crate) fn is_automatic(key: &Key) -> bool {
    OF_SPANS
        .iter()
        .chain(&OF_SCOPES)
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
