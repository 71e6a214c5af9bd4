//! Calls of other services: what they carry, and where a second agent's spans land.

use std::sync::{Arc, Mutex};

use arize_runtime::{
    AgentRequest, HttpClientLayer, Propagation, Routing, RoutingFutureExt as _, experiment_handler,
    extract, inject, tool,
};
use axum::extract::State;
use axum::routing::{any, post};
use axum::{Json, Router};
use http::HeaderMap;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde_json::json;
use tokio::net::TcpListener;
use tonic::metadata::MetadataMap;

use crate::harness::{Agent, PARENT, Pipeline, TRACE, TRACEPARENT, any_port, named, route};

const BODY: &str = r#"{"input": "LIS", "arize_metadata": {"space_id": "U3BhY2U6MTIzOmFiYw==", "project_name": "trips & more"}}"#;

/// Another agent, which nobody gives `arize_metadata`.
#[experiment_handler(name = "hotel_agent")]
async fn hotel_agent(headers: HeaderMap, Json(city): Json<String>) -> Json<usize> {
    Json(rate(&city))
}

#[tool]
fn rate(city: &str) -> usize {
    city.len()
}

/// What the first agent knows.
#[derive(Clone)]
struct World {
    client: reqwest::Client,
    propagation: Propagation,
    hotels: String,
    third_party: String,
}

#[tool(skip(world))]
async fn ask_hotels(world: &World, city: &str) -> usize {
    let mut headers = HeaderMap::new();
    world.propagation.inject(&world.hotels, &mut headers);
    let request = world.client.post(&world.hotels).headers(headers);
    let answer = request.json(&json!(city)).send().await.unwrap();
    answer.json().await.unwrap()
}

#[tool(skip(world))]
async fn ask_third_party(world: &World) {
    let mut headers = HeaderMap::new();
    world.propagation.inject(&world.third_party, &mut headers);
    let request = world.client.get(&world.third_party).headers(headers);
    request.send().await.unwrap();
}

#[experiment_handler]
async fn run_agent(
    State(world): State<World>,
    headers: HeaderMap,
    Json(request): Json<AgentRequest<String>>,
) -> Json<usize> {
    ask_third_party(&world).await;
    Json(ask_hotels(&world, &request.input).await)
}

/// A server that keeps the headers of what it is asked.
async fn third_party() -> (String, Arc<Mutex<Vec<HeaderMap>>>) {
    let seen = Arc::<Mutex<Vec<HeaderMap>>>::default();
    let keep = seen.clone();
    let router = Router::new().fallback(any(async move |headers: HeaderMap| {
        keep.lock().unwrap().push(headers);
    }));
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, seen)
}

#[tokio::test]
async fn a_second_agent_is_in_the_trace_space_and_project_of_the_first() {
    let hotels = Agent::start(Router::new().route("/invoke", post(hotel_agent))).await;
    let (third_party, seen) = third_party().await;
    let port = |url: &str| url.parse::<http::Uri>().unwrap().port_u16().unwrap();
    let trusted = format!("127.0.0.1:{}", port(&hotels.url));
    let world = World {
        client: reqwest::Client::new(),
        propagation: Propagation::new().baggage_to([trusted]).unwrap(),
        hotels: hotels.url.clone(),
        third_party,
    };
    let first = Router::new()
        .route("/invoke", post(run_agent))
        .with_state(world);
    let first = Agent::start(first).await;
    let headers = [
        ("traceparent", TRACEPARENT),
        ("tracestate", "vendor=1"),
        ("baggage", "shop=a%2Cb"),
    ];
    let (_, answer) = first.post(&headers, BODY).await;
    assert_eq!(answer, "3");

    let (first, second) = (first.spans().await, hotels.spans().await);
    let tool = named(&first, "ask_hotels");
    let agent = named(&second, "hotel_agent");
    assert_eq!(agent.parent_span_id.as_ref(), Some(&tool.span_id));
    assert_eq!(agent.trace_state, "vendor=1");
    let there = (
        "U3BhY2U6MTIzOmFiYw==",
        "U3BhY2U6MTIzOmFiYw==",
        "trips & more",
    );
    for span in first.iter().chain(&second) {
        assert_eq!((span.trace_id.as_str(), route(span)), (TRACE, there));
    }

    let seen = seen.lock().unwrap();
    let stranger = named(&first, "ask_third_party");
    let parent = format!("00-{TRACE}-{}-01", stranger.span_id);
    assert_eq!(seen[0]["traceparent"], parent);
    assert_eq!(seen[0]["tracestate"], "vendor=1");
    assert!(!seen[0].contains_key("baggage"));
    let all = format!("{:?}", seen[0]);
    assert!(!all.contains("U3BhY2U6") && !all.contains("trips"), "{all}");
}

/// A Context as the first agent's handler makes it.
fn context(flags: u8) -> Context {
    let id = |text| SpanId::from_hex(text).unwrap();
    let parent = SpanContext::new(
        TraceId::from_hex(TRACE).unwrap(),
        id(PARENT),
        TraceFlags::new(flags),
        true,
        TraceState::NONE,
    );
    Context::new().with_remote_span_context(parent)
}

#[test]
fn inject_replaces_what_is_there_and_leaves_headers_where_there_is_no_span() {
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", "x".parse().unwrap());
    headers.append("traceparent", "y".parse().unwrap());
    headers.insert("tracestate", "of=another".parse().unwrap());
    let before = headers.clone();
    inject(&mut headers);
    assert_eq!(headers, before);
    let _attached = context(0).attach();
    inject(&mut headers);
    let lines: Vec<_> = headers.get_all("traceparent").iter().collect();
    assert_eq!(lines, [&TRACEPARENT.replace("-01", "-00")]); // unsampled is said, too
    assert!(!headers.contains_key("tracestate"));
}

#[test]
fn tonic_carries_the_same() {
    let _attached = context(1).attach();
    let mut request = tonic::Request::new(());
    request.metadata_mut().insert("x-own", "1".parse().unwrap());
    inject(&mut request);
    let mut metadata = MetadataMap::new();
    inject(&mut metadata);
    assert_eq!(metadata.get("traceparent").unwrap(), TRACEPARENT);
    assert_eq!(request.metadata().get("traceparent").unwrap(), TRACEPARENT);
    assert_eq!(request.metadata().get("x-own").unwrap(), "1");
}

#[tokio::test]
async fn what_goes_out_as_baggage_comes_in_unchanged() {
    let propagation = Propagation::new().baggage_to(["h"]).unwrap();
    let values = [
        "=", "a+b c", "a,b;c=d", "100%", "%41", "ü 旅", "\"q\" \\", "",
    ];
    for value in values {
        let routing = Routing::new(&format!("s{}", value.replace(['ü', '旅'], "")), "p").unwrap();
        let members = [KeyValue::new("k", value)];
        let mut headers = HeaderMap::new();
        async { propagation.inject("http://h/", &mut headers) }
            .with_routing(routing.clone())
            .with_context(context(1).with_baggage(members))
            .await;
        let context = extract(&headers);
        assert_eq!(Routing::of(&context), Some(&routing), "{headers:?}");
        let baggage = context.baggage().get("k").map(ToString::to_string);
        assert_eq!(baggage.as_deref(), Some(value), "{headers:?}");
        assert_eq!(context.span().span_context().span_id().to_string(), PARENT);
    }
}

#[test]
fn baggage_keeps_to_the_limits_and_never_loses_the_route() {
    let propagation = Propagation::new().baggage_to(["h"]).unwrap();
    let routing = Routing::new("s", "p").unwrap();
    // many members, and values that are three times as long when they are encoded
    for (value, members_left) in [("v".repeat(60), 64), ("%".repeat(200), 15)] {
        let members = (0..100).map(|n| KeyValue::new(format!("k{n:02}"), value.clone()));
        let context = context(1).with_baggage(members.collect::<Vec<_>>());
        let mut headers = HeaderMap::new();
        let _attached = context.with_value(routing.clone()).attach();
        propagation.inject("http://h", &mut headers);
        let header = headers["baggage"].to_str().unwrap();
        assert!(header.len() <= 8192, "{}", header.len());
        assert_eq!(header.split(',').count(), members_left, "{header}");
        assert_eq!(Routing::of(&extract(&headers)), Some(&routing));
    }
}

#[tool(skip(client))]
async fn ask_with(client: &ClientWithMiddleware, hotels: &str, third_party: &str) {
    let asked = client
        .post(hotels)
        .json(&json!("LIS"))
        .send()
        .await
        .unwrap();
    assert_eq!(asked.json::<usize>().await.unwrap(), 3);
    client.get(third_party).send().await.unwrap();
}

#[tokio::test]
async fn a_traced_client_carries_the_same_to_the_same() {
    crate::llm_server::choose_tls();
    let hotels = Agent::start(Router::new().route("/invoke", post(hotel_agent))).await;
    let (third_party, seen) = third_party().await;
    let port = hotels.url.parse::<http::Uri>().unwrap().port_u16().unwrap();
    let propagation = Propagation::new().baggage_to([format!("127.0.0.1:{port}")]);
    let layer = HttpClientLayer::new().with_propagation(propagation.unwrap());
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(layer)
        .build();
    let pipeline = Pipeline::start(&[]).await;
    ask_with(&client, &hotels.url, &third_party)
        .with_routing(Routing::new("s=", "p").unwrap())
        .with_context(pipeline.context())
        .await;
    let (first, second) = (pipeline.spans().await, hotels.spans().await);
    let agent = named(&second, "hotel_agent");
    assert_eq!(
        agent.parent_span_id.as_ref(),
        Some(&named(&first, "POST").span_id)
    );
    assert_eq!(route(agent), ("s=", "s=", "p"));
    let seen = seen.lock().unwrap();
    let parent = format!("00-{}-{}-01", agent.trace_id, named(&first, "GET").span_id);
    assert_eq!(seen[0]["traceparent"], parent);
    assert!(!seen[0].contains_key("baggage"));
}
