//! Functions that return streams, and handlers whose response is one.

use std::convert::Infallible;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use arize_runtime::testing::{Capture, capture};
use arize_runtime::{AgentRequest, chain, experiment_handler, hold_span, llm, tool};
use axum::body::Body;
use axum::response::Response;
use axum::response::sse::{Event, Sse};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, LocalBoxStream};
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use http::HeaderMap;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::Status;
use serde::Serialize;
use tokio::time::timeout;

use crate::harness::{Agent, PARENT, SOON, TRACE, TRACEPARENT, named, names, route};

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
async fn look_up(word: &str) -> usize {
    tokio::task::yield_now().await;
    word.len()
}

#[llm(stream)]
fn words() -> impl Stream<Item = &'static str> {
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
fn panics() -> impl Stream<Item = u8> {
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
async fn without_a_pipeline_the_stream_is_the_functions_own() {
    assert_eq!(words().collect::<String>().await, "It rains.");
    assert_eq!(local(2).count().await, 2);
}

#[experiment_handler]
async fn sse(
    headers: HeaderMap,
    Json(request): Json<AgentRequest<String>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let input = request.input.clone();
    let looked_up = stream::once(async move { look_up(&input).await.to_string() });
    let held = hold_span(looked_up.chain(words().map(str::to_owned))).output(|word| word);
    tokio::task::yield_now().await;
    Sse::new(held.map(|word| Ok(Event::default().data(word))))
}

#[experiment_handler]
async fn endless_body(headers: HeaderMap, Json(_request): Json<AgentRequest<String>>) -> Response {
    let slow = stream::once(async { "first" }).chain(stream::pending());
    Response::new(Body::from_stream(hold_span(slow).map(Ok::<_, Infallible>)))
}

#[experiment_handler]
async fn not_sent(headers: HeaderMap, Json(_request): Json<AgentRequest<String>>) -> String {
    drop(hold_span(stream::iter([1])));
    hold_span(stream::iter(["read", " here"])).collect().await
}

const HEADERS: [(&str, &str); 2] = [
    ("traceparent", TRACEPARENT),
    ("baggage", "arize.space_id=s,arize.project_name=p"),
];

async fn agent(handler: axum::routing::MethodRouter) -> Agent {
    Agent::start(Router::new().route("/invoke", handler)).await
}

#[tokio::test]
async fn a_handlers_span_stays_open_to_the_end_of_its_response() {
    let agent = agent(post(sse)).await;
    let ask = |word: &'static str| agent.post(&HEADERS, format!(r#"{{"input": "{word}"}}"#));
    let answers = tokio::join!(ask("a"), ask("bb"), ask("ccc"));
    assert_eq!(
        answers.1.1,
        "data: 2\n\ndata: It\n\ndata:  rains\n\ndata: .\n\n"
    );

    let spans = agent.spans().await;
    assert_eq!(spans.len(), 3 * 6, "{}", names(&spans));
    let chains: Vec<_> = spans.iter().filter(|span| span.name == "sse").collect();
    let mut outputs: Vec<_> = chains
        .iter()
        .filter_map(|span| span.attr_str("output.value"))
        .collect();
    outputs.sort_unstable();
    assert_eq!(outputs, ["1It rains.", "2It rains.", "3It rains."]);
    for chain in chains {
        assert_eq!(chain.parent_span_id.as_deref(), Some(PARENT));
        assert_eq!(chain.trace_id, TRACE);
        let mut inside: Vec<_> = spans
            .iter()
            .filter(|span| span.parent_span_id.as_ref() == Some(&chain.span_id))
            .collect();
        inside.sort_by_key(|span| &span.name);
        assert_eq!([&*inside[0].name, &*inside[1].name], ["look_up", "words"]);
        assert!(chain.end_unix_nano >= inside[1].end_unix_nano);
        assert_eq!(route(inside[0]), ("s", "s", "p"));
    }
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_the_handlers_span() {
    let agent = agent(post(endless_body)).await;
    let request = http::Request::post(&agent.url)
        .header("content-type", "application/json")
        .header("baggage", HEADERS[1].1)
        .body(Full::new(Bytes::from(r#"{"input": ""}"#)))
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut body = client.request(request).await.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "first");
    assert!(agent.spans().await.is_empty(), "the response goes on");
    drop((body, client));

    let ended = async {
        while agent.spans().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, ended).await.expect("the span ends");
    let spans = agent.spans().await;
    assert_eq!(spans[0].status.message, "cancelled");
}

#[tokio::test]
async fn a_stream_that_ends_inside_the_handler_holds_nothing() {
    let agent = agent(post(not_sent)).await;
    let (_, answer) = agent.post(&HEADERS, r#"{"input": ""}"#).await;
    assert_eq!(answer, "read here");
    let spans = agent.spans().await;
    let span = named(&spans, "not_sent");
    assert_eq!(span.attr_str("output.value"), Some("read here"));
    assert_eq!(span.status.code, arize_local::StatusCode::Ok);
}

/// Whose stream is held by the handler that makes it, and not by the one that this one calls.
#[experiment_handler]
async fn calls_another(headers: HeaderMap, body: String) -> Response {
    let held = hold_span(stream::once(async {
        look_up("after both").await.to_string()
    }));
    let inner = not_sent(headers, Json(serde_json::from_str(&body).unwrap())).await;
    let text = held.map(move |text| Ok::<_, Infallible>(inner.clone() + &text));
    Response::new(Body::from_stream(text))
}

#[tokio::test]
async fn a_handler_that_calls_another_keeps_its_own_stream() {
    let agent = agent(post(calls_another)).await;
    let (_, answer) = agent.post(&HEADERS, r#"{"input": ""}"#).await;
    assert_eq!(answer, "read here10");
    let spans = agent.spans().await;
    let end = |name| named(&spans, name).end_unix_nano;
    assert!(end("not_sent") < end("look_up") && end("look_up") <= end("calls_another"));
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
    fn rows(connection: &'static str) -> impl Stream<Item = u32> {
        let open = (connection, Connection);
        stream::iter([1, 2]).map(move |n| n + u32::from(open.0.is_empty()))
    }
    let capture = capture();
    assert_eq!(capture.run(|| rows("a")).count().await, 2);
    drop(capture.run(|| rows("b")));
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
async fn outside_of_a_handler_a_held_stream_is_just_a_stream() {
    let text = hold_span(words()).output(|word| *word).collect::<String>();
    assert_eq!(text.await, "It rains.");
    let capture = capture();
    let inside = async { hold_span(words()).collect::<String>().await };
    assert_eq!(capture.scope(inside).await, "It rains.");
    assert_eq!(capture.span("words").output(), Some("It rains."));
}
