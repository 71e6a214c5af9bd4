//! Async functions.

use arize_runtime::testing::capture;
use arize_runtime::tool;

#[tool]
async fn add(a: u32, b: u32) -> u32 {
    tokio::task::yield_now().await;
    a + b
}

/// Items come first here, as pedantic clippy wants them.
#[tool]
async fn shout(word: &str) -> String {
    use std::fmt::Write as _;

    const MARK: char = '!';

    tokio::task::yield_now().await;
    let mut shouted = word.to_uppercase();
    let _ = shouted.write_char(MARK);
    shouted
}

const fn is_send<T: Send>(_: &T) {}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    let future = add(1, 2);
    is_send(&future);
    assert_eq!(capture.scope(future).await, 3);
    assert_eq!(capture.span("add").output(), Some("3"));
    assert_eq!(capture.scope(shout("hey")).await, "HEY!");
    assert_eq!(capture.span("shout").output(), Some("HEY!"));
}
