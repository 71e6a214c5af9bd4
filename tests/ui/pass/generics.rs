//! Generic functions: types, constants, `where`.

use std::fmt::Debug;

use arize_runtime::testing::capture;
use arize_runtime::tool;
use serde::Serialize;

#[tool(debug(key))]
fn first<T, K: Debug, const N: usize>(items: [T; N], key: K, rest: &[T]) -> T
where
    T: Serialize + Copy,
    [T; N]: Serialize,
{
    let _ = (key, rest);
    items[0]
}

#[tool]
async fn later<T: Serialize + Send>(item: T) -> T {
    tokio::task::yield_now().await;
    item
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    assert_eq!(capture.run(|| first([1, 2], 'k', &[3])), 1);
    let input = r#"{"items":[1,2],"key":"'k'","rest":[3]}"#;
    assert_eq!(capture.span("first").input(), Some(input));
    assert_eq!(capture.scope(later("x")).await, "x");
    assert_eq!(capture.span("later").output(), Some("x"));
}
