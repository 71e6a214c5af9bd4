//! `impl Trait` as arguments and results.

use std::fmt::Display;

use arize_runtime::testing::capture;
use arize_runtime::tool;
use serde::Serialize;

#[tool]
async fn sum(prices: impl IntoIterator<Item = f64> + Serialize + Send) -> impl Display + Serialize {
    tokio::task::yield_now().await;
    prices.into_iter().sum::<f64>()
}

#[tool(skip_output)]
fn counter(to: u32) -> impl Iterator<Item = u32> {
    0..to
}

#[tool(output = |found| found.as_ref().map(ToString::to_string))]
fn find(text: &str) -> Result<Option<impl Display + use<>>, std::fmt::Error> {
    Ok(text.chars().next())
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    let sum = capture.scope(sum(vec![1.5, 2.0])).await;
    assert_eq!(sum.to_string(), "3.5");
    assert_eq!(capture.run(|| counter(3)).count(), 3);
    assert!(capture.run(|| find("ab")).is_ok());
    assert_eq!(capture.span("sum").output(), Some("3.5"));
    assert_eq!(capture.span("counter").output(), None);
    assert_eq!(capture.span("find").output(), Some("a"));
}
