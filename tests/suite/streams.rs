//! Functions that return streams.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use arize_runtime::testing::{Capture, capture};
use arize_runtime::{chain, llm, tool};
use futures_util::stream::{self, BoxStream, LocalBoxStream};
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use opentelemetry::trace::Status;
use serde::Serialize;
use tokio::time::timeout;

#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the line went dead")
    }
}

impl std::error::Error for Broken {}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Row {
    id: u32,
}

#[tool]
pub(crate) async fn look_up(word: &str) -> usize {
    tokio::task::yield_now().await;
    word.len()
}

#[llm(stream)]
pub(crate) fn words() -> impl Stream<Item = &'static str> {
    stream::iter(["It", " rains", "."]).then(|word| async move {
        look_up(word).await;
        word
    })
}

#[tool(stream)]
fn boxed(rows: u32) -> BoxStream<'static, Row> {
    stream::iter((0..rows).map(|id| Row { id })).boxed()
}

#[tool(stream)]
fn local(rows: u32) -> LocalBoxStream<'static, u32> {
    stream::iter(0..rows).boxed_local()
}

type Rows = Pin<Box<dyn Stream<Item = Result<Row, Broken>> + Send>>;

#[tool(stream, output = |row| row.id)]
async fn fallible(fails: bool) -> Result<Rows, Broken> {
    tokio::task::yield_now().await;
    if fails {
        return Err(Broken);
    }
    let rows = [Ok(Row { id: 1 }), Err(Broken), Ok(Row { id: 2 })];
    Ok(Box::pin(stream::iter(rows)))
}

#[tool(stream)]
async fn opaque(fails: bool) -> Result<impl Stream<Item = String>, Broken> {
    if fails {
        return Err(Broken);
    }
    Ok(stream::iter(["a".to_owned(), "b".to_owned()]))
}

#[tool(stream, skip_output)]
fn endless() -> impl Stream<Item = Broken> + Unpin {
    Box::pin(stream::iter([Broken]).chain(stream::pending()))
}

#[tool(stream)]
pub(crate) fn panics() -> impl Stream<Item = u8> {
    stream::iter([1, 2]).map(|n| if n == 2 { panic!("no two") } else { n })
}

#[chain(skip(capture))]
async fn whole(capture: &Capture) -> Vec<&'static str> {
    assert!(capture.spans().is_empty());
    words().collect().await
}

#[tokio::test]
async fn the_span_lives_as_long_as_the_stream_and_what_it_does_is_inside() {
    let capture = capture();
    let words = capture.scope(whole(&capture)).await;
    assert_eq!(words, ["It", " rains", "."]);
    capture.assert_tree(
        "
        whole [CHAIN]
        └─ words [LLM]
           ├─ look_up [TOOL]
           ├─ look_up [TOOL]
           └─ look_up [TOOL]
        ",
    );
    assert_eq!(capture.span("words").output(), Some("It rains."));
    assert_eq!(
        capture.span("words").text("output.mime_type"),
        Some("text/plain")
    );
}

#[tokio::test]
async fn a_boxed_stream_stays_one_and_other_values_are_an_array() {
    let capture = capture();
    let rows: Vec<Row> = capture.run(|| boxed(2)).collect().await;
    assert_eq!(rows, [Row { id: 0 }, Row { id: 1 }]);
    let span = capture.span("boxed");
    assert_eq!(span.output(), Some(r#"[{"id":0},{"id":1}]"#));
    assert_eq!(span.text("output.mime_type"), Some("application/json"));

    let numbers: Vec<u32> = capture.run(|| local(3)).collect().await;
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(capture.span("local").output(), Some("[0,1,2]"));
}

#[tokio::test]
async fn no_item_is_no_output() {
    let capture = capture();
    assert_eq!(capture.run(|| boxed(0)).count().await, 0);
    let span = capture.span("boxed");
    assert_eq!((span.output(), span.status()), (None, &Status::Ok));
}

enum Chunk {
    Token(&'static str),
    Usage,
}

/// Its body leaves the type of errors to the signature.
#[llm(stream, output = |chunk| match chunk { Chunk::Token(text) => Some(*text), Chunk::Usage => None })]
fn chunks(tokens: bool) -> impl Stream<Item = Result<Chunk, Broken>> + use<> {
    let text = if tokens {
        Chunk::Token("It rains")
    } else {
        Chunk::Usage
    };
    stream::iter([Ok(text), Ok(Chunk::Usage)])
}

#[tokio::test]
async fn nothing_is_recorded_of_an_item_that_says_none() {
    let capture = capture();
    assert_eq!(capture.run(|| chunks(true)).count().await, 2);
    assert_eq!(capture.span("chunks").output(), Some("It rains"));
    let other = self::capture();
    assert_eq!(other.run(|| chunks(false)).count().await, 2);
    assert_eq!(other.span("chunks").output(), None);
}

#[tokio::test]
async fn a_stream_that_is_not_to_be_had_is_the_functions_error() {
    let capture = capture();
    assert!(capture.scope(fallible(true)).await.is_err());
    assert!(capture.scope(opaque(true)).await.is_err());
    for name in ["fallible", "opaque"] {
        let error = Some("Broken: the line went dead");
        assert_eq!(capture.span(name).error(), error);
    }
}

#[tokio::test]
async fn errors_among_the_items_pass_through_and_are_told() {
    let capture = capture();
    let rows = capture.scope(fallible(false)).await.unwrap();
    let rows: Vec<_> = rows.map(|row| row.map_err(drop)).collect().await;
    assert_eq!(rows, [Ok(Row { id: 1 }), Err(()), Ok(Row { id: 2 })]);
    let span = capture.span("fallible");
    assert_eq!(span.error(), Some("Broken: the line went dead"));
    assert_eq!(span.output(), Some("[1,2]"));
    assert_eq!(span.events().len(), 1);

    let texts = capture.scope(opaque(false)).await.unwrap();
    assert_eq!(texts.collect::<String>().await, "ab");
    assert_eq!(capture.span("opaque").output(), Some("ab"));
}

#[tokio::test]
async fn who_has_read_enough_cancels_nothing() {
    let capture = capture();
    let first = capture.run(|| boxed(9)).take(1).collect::<Vec<_>>().await;
    assert_eq!(first, [Row { id: 0 }]);
    let span = capture.span("boxed");
    assert_eq!(span.status(), &Status::Ok);
    assert_eq!(span.output(), Some(r#"[{"id":0}]"#));
}

#[tokio::test]
async fn who_gives_up_waiting_cancels_the_stream() {
    let capture = capture();
    let mut stream = capture.run(endless);
    assert!(stream.next().await.is_some());
    let waited = timeout(Duration::from_millis(1), stream.next()).await;
    assert!(waited.is_err() && capture.spans().is_empty());
    drop(stream);
    let span = capture.span("endless");
    assert_eq!((span.error(), span.output()), (Some("cancelled"), None));

    drop(capture.run(|| boxed(1))); // nobody ever asked for an item
    assert_eq!(capture.span("boxed").error(), Some("cancelled"));
}

#[tokio::test]
async fn a_panic_is_told_and_goes_on() {
    let capture = capture();
    let all = capture.run(panics).collect::<Vec<_>>();
    assert!(AssertUnwindSafe(all).catch_unwind().await.is_err());
    let span = capture.span("panics");
    assert_eq!(span.error(), Some("panic: no two"));
    assert_eq!(span.output(), Some("[1]"));
}

#[tokio::test]
async fn what_a_stream_drops_is_dropped_inside_its_span() {
    struct Connection;
    impl Drop for Connection {
        fn drop(&mut self) {
            close();
        }
    }
    #[tool]
    fn close() {}
    #[tool(stream)]
    fn rows() -> impl Stream<Item = u32> {
        let connection = Connection;
        stream::iter([1, 2]).map(move |n| {
            let _open = &connection;
            n
        })
    }
    let capture = capture();
    assert_eq!(capture.run(rows).count().await, 2);
    drop(capture.run(rows));
    capture.assert_tree(
        "
        rows [TOOL]
        └─ close [TOOL]
        rows [TOOL]  ERROR cancelled
        └─ close [TOOL]
        ",
    );
}

#[tokio::test]
async fn without_a_pipeline_the_stream_is_the_functions_own() {
    assert_eq!(words().collect::<String>().await, "It rains.");
    assert_eq!(local(2).count().await, 2);
}
