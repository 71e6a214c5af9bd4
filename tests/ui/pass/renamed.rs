//! The runtime under another path, and functions with names that are keywords.

use arize_runtime::testing::capture;
use arize_runtime::tool;

mod vendored {
    pub(super) use arize_runtime as tracing;
}

#[tool(crate = self::vendored::tracing)]
fn r#match(r#type: &str) -> usize {
    r#type.len()
}

#[test]
fn it_is_traced() {
    let capture = capture();
    assert_eq!(capture.run(|| r#match("ab")), 2);
    assert_eq!(capture.span("match").input(), Some(r#"{"type":"ab"}"#));
}
