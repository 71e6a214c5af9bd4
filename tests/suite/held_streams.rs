//! Handlers whose response is a stream, which keeps their span open.

use std::convert::Infallible;
use std::time::Duration;

use arize_runtime::testing::capture;
use arize_runtime::{AgentRequest, experiment_handler, hold_span};
use axum::body::Body;
use axum::response::Response;
use axum::response::sse::{Event, Sse};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt as _};
use http::HeaderMap;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use crate::harness::{Agent, PARENT, SOON, TRACE, TRACEPARENT, named, names, route};
use crate::streams::{look_up, panics, words};

#[experiment_handler]
async fn sse(
    headers: HeaderMap,
    Json(request): Json<AgentRequest<String>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let input = request.input.clone();
    let looked_up = stream::once(async move { look_up(&input).await.to_string() });
    let held = hold_span!(looked_up.chain(words().map(str::to_owned)));
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

fn request(agent: &Agent, input: &str) -> http::Request<Full<Bytes>> {
    let body = format!(r#"{{"input": "{input}"}}"#);
    let request = http::Request::post(&agent.url)
        .header("content-type", "application/json")
        .header("baggage", HEADERS[1].1);
    request.body(Full::new(Bytes::from(body))).unwrap()
}

/// The connection breaks, before the head of the response or after.
async fn expect_broken(agent: &Agent, input: &str) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    if let Ok(response) = client.request(request(agent, input)).await {
        assert!(response.into_body().collect().await.is_err());
    }
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
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request(&agent, "")).await.unwrap();
    let mut body = response.into_body();
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

#[experiment_handler]
async fn breaks(headers: HeaderMap, Json(_request): Json<AgentRequest<String>>) -> Response {
    let body = hold_span!(panics());
    Response::new(Body::from_stream(
        body.map(|n| Ok::<_, Infallible>(n.to_string())),
    ))
}

#[tokio::test]
async fn a_response_that_panics_is_its_handlers_panic() {
    let agent = agent(post(breaks)).await;
    expect_broken(&agent, "").await;
    let spans = agent.spans().await;
    for name in ["breaks", "panics"] {
        assert_eq!(named(&spans, name).status.message, "panic: no two");
    }
    assert_eq!(
        named(&spans, "breaks").attr_str("output.value"),
        Some("[1]")
    );
}

/// Fails after the first word.
#[experiment_handler]
async fn fails(headers: HeaderMap, Json(request): Json<AgentRequest<String>>) -> Response {
    let words = stream::iter([Ok("It"), Err(std::io::Error::other("model died"))]);
    Response::new(match request.input.as_str() {
        "all" => Body::from_stream(hold_span!(words)),
        "none" => Body::from_stream(hold_span!(words, output = none)),
        _ => Body::from_stream(hold_span!(
            words,
            output = |word| (*word != "It").then_some(word)
        )),
    })
}

#[tokio::test]
async fn an_error_among_the_items_is_the_handlers() {
    for (what, output) in [("all", Some("It")), ("none", None), ("some", None)] {
        let agent = agent(post(fails)).await;
        expect_broken(&agent, what).await;
        let spans = agent.spans().await;
        let span = named(&spans, "fails");
        assert_eq!(span.status.message, "Error: model died");
        assert_eq!(span.events[0].name, "exception");
        assert_eq!(span.attr_str("output.value"), output, "{what}");
    }
}

/// Whose body is a stream itself, as `StreamBody` of hyper's is.
#[experiment_handler(body = none, output = none)]
async fn stream_body(headers: &HeaderMap) -> http::Response<BoxStream<'static, &'static str>> {
    http::Response::new(hold_span!(words()).boxed())
}

#[tokio::test]
async fn a_response_of_which_nothing_is_recorded_may_be_a_stream() {
    let capture = capture();
    let response = async { stream_body(&HeaderMap::new()).await };
    let body = capture.scope(response).await.into_body();
    assert_eq!(body.collect::<String>().await, "It rains.");
    assert_eq!(capture.span("stream_body").output(), None);
    assert_eq!(capture.span("words").output(), Some("It rains."));
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
async fn outside_of_a_handler_a_held_stream_is_just_a_stream() {
    let text = hold_span!(words()).collect::<String>();
    assert_eq!(text.await, "It rains.");
    let capture = capture();
    let inside = async { hold_span(words()).collect::<String>().await };
    assert_eq!(capture.scope(inside).await, "It rains.");
    assert_eq!(capture.span("words").output(), Some("It rains."));
}
