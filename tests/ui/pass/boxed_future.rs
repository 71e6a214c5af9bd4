//! Functions that return futures in boxes, under the names that they have in `std` and `futures`.

use std::future::Future;
use std::pin::Pin;

use arize_runtime::testing::capture;
use arize_runtime::tool;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, LocalBoxFuture};

#[tool]
fn pinned(n: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(async move { n + 1 })
}

#[tool]
fn boxed<'a>(text: &'a str) -> BoxFuture<'a, Result<&'a str, std::fmt::Error>> {
    async move {
        if text.is_empty() {
            Err(std::fmt::Error)
        } else {
            Ok(text)
        }
    }
    .boxed()
}

#[tool(debug(n))]
fn local(n: std::rc::Rc<u32>) -> LocalBoxFuture<'static, u32> {
    if *n == 0 {
        return Box::pin(std::future::ready(0));
    }
    Box::pin(async move { *n })
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    let all = async { pinned(1).await + local(std::rc::Rc::new(2)).await };
    assert_eq!(capture.scope(all).await, 4);
    // a future that is made in a way of its own is traced where its function is called
    let both = async { (boxed("x").await, boxed("").await) };
    assert_eq!(capture.scope(both).await, (Ok("x"), Err(std::fmt::Error)));
    let names: Vec<_> = capture
        .spans()
        .iter()
        .map(|s| (s.name().to_owned(), s.error().is_some()))
        .collect();
    let ok = |name: &str| (name.to_owned(), false);
    assert_eq!(
        names,
        [
            ok("pinned"),
            ok("local"),
            ok("boxed"),
            ("boxed".to_owned(), true)
        ]
    );
    assert_eq!(capture.span("pinned").output(), Some("2"));
}
