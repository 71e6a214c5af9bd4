//! Functions that are not async.

use arize_runtime::testing::capture;
use arize_runtime::tool;

#[tool]
fn nothing() {}

#[tool]
#[must_use]
#[inline]
fn add(a: u32, b: u32) -> u32 {
    a + b
}

#[test]
fn it_is_traced() {
    let capture = capture();
    capture.run(nothing);
    assert_eq!(capture.run(|| add(1, 2)), 3);
    assert_eq!(capture.span("nothing").output(), Some("null"));
    let span = capture.span("add");
    assert_eq!(
        (span.input(), span.output()),
        (Some(r#"{"a":1,"b":2}"#), Some("3"))
    );
}
