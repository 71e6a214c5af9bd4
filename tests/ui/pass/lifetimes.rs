//! Borrowed arguments and results, with lifetimes written and not.

use arize_runtime::testing::capture;
use arize_runtime::tool;

#[tool]
fn longest<'a>(a: &'a str, b: &'a str) -> &'a str {
    if a.len() > b.len() { a } else { b }
}

#[tool]
async fn head(words: &[String]) -> Option<&String> {
    tokio::task::yield_now().await;
    words.first()
}

#[tool]
async fn either<'a, 'b: 'a>(a: &'a str, b: &'b str, second: bool) -> &'a str {
    tokio::task::yield_now().await;
    if second { b } else { a }
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    assert_eq!(capture.run(|| longest("ab", "c")), "ab");
    let words = ["x".to_owned()];
    assert_eq!(capture.scope(head(&words)).await, words.first());
    assert_eq!(capture.scope(either("a", "b", true)).await, "b");
    assert_eq!(capture.span("longest").output(), Some("ab"));
    assert_eq!(capture.span("head").output(), Some("x"));
    assert_eq!(capture.span("either").output(), Some("b"));
}
