//! `&mut` arguments and results, and `mut` bindings.

use arize_runtime::testing::capture;
use arize_runtime::tool;

#[tool]
fn push(list: &mut Vec<u32>, mut n: u32) -> &mut u32 {
    n += 1;
    list.push(n);
    let end = list.len() - 1;
    &mut list[end]
}

#[tool]
async fn push_later(list: &mut Vec<u32>, mut n: u32) -> Option<&mut u32> {
    tokio::task::yield_now().await;
    n += 1;
    list.push(n);
    list.last_mut()
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    let mut numbers = vec![];
    *capture.run(|| push(&mut numbers, 1)) = 7;
    let last = capture.scope(push_later(&mut numbers, 2)).await;
    *last.expect("it has one") += 1;
    assert_eq!(numbers, [7, 4]);
    assert_eq!(capture.span("push").input(), Some(r#"{"list":[],"n":1}"#));
    assert_eq!(capture.span("push").output(), Some("2"));
    assert_eq!(capture.span("push_later").output(), Some("3"));
}
