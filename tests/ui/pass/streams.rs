//! Functions that return streams, marked `stream`.

use arize_runtime::testing::capture;
use arize_runtime::tool;
use async_trait::async_trait;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt as _};

#[tool(stream)]
fn count(to: u32) -> impl Stream<Item = u32> {
    stream::iter(0..to)
}

#[tool(stream)]
async fn borrowed(words: &[String]) -> Result<BoxStream<'_, &str>, std::fmt::Error> {
    tokio::task::yield_now().await;
    if words.is_empty() {
        return Err(std::fmt::Error);
    }
    Ok(Box::pin(stream::iter(words).map(String::as_str)))
}

/// A connection, which is a stream as well and outlives the call.
#[tool(skip_output)]
fn connect() -> BoxStream<'static, u32> {
    stream::iter([1]).boxed()
}

#[async_trait]
trait Source {
    async fn rows<'a>(&'a self, from: u32) -> BoxStream<'a, u32>;
}

#[async_trait]
impl Source for Vec<u32> {
    #[tool(stream, output = ToString::to_string)]
    async fn rows<'a>(&'a self, from: u32) -> BoxStream<'a, u32> {
        let rows = self.iter().copied().filter(move |row| *row >= from);
        stream::iter(rows).boxed()
    }
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    assert_eq!(capture.run(|| count(2)).count().await, 2);
    let connection = capture.run(connect);
    assert_eq!(capture.span("connect").output(), None);
    assert_eq!(connection.count().await, 1);
    let words = ["a".to_owned(), "b".to_owned()];
    let joined = capture.scope(borrowed(&words)).await.expect("it has words");
    assert_eq!(joined.collect::<String>().await, "ab");
    assert!(capture.scope(borrowed(&[])).await.is_err());
    let table = vec![1, 2, 3];
    let rows: Vec<u32> = capture.scope(table.rows(2)).await.collect().await;
    assert_eq!(rows, [2, 3]);
    assert_eq!(capture.span("count").output(), Some("[0,1]"));
    assert_eq!(capture.span("rows").output(), Some("23"));
}
