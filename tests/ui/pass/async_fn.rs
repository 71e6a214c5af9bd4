//! Async functions.

use arize_runtime::testing::capture;
use arize_runtime::tool;

#[tool]
async fn add(a: u32, b: u32) -> u32 {
    tokio::task::yield_now().await;
    a + b
}

const fn is_send<T: Send>(_: &T) {}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    let future = add(1, 2);
    is_send(&future);
    assert_eq!(capture.scope(future).await, 3);
    assert_eq!(capture.span("add").output(), Some("3"));
}
