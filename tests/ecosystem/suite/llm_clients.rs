//! Calls of models by clients that make no spans.

mod failures;
mod hidden;
mod nesting;
mod openai_client;
mod plain;

use std::future::Future;
use std::sync::{Arc, Mutex};

use arize_local::{Span, SpanKind};
use arize_runtime::{HttpClientLayer, experiment_handler};
use axum::Router;
use axum::routing::post;
use http::HeaderMap;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde_json::{Map, Value, json};

use crate::harness::{Agent, TRACEPARENT, named, route};

/// What the agents are called with.
const HEADERS: [(&str, &str); 2] = [
    ("traceparent", TRACEPARENT),
    ("baggage", "arize.space_id=S1,arize.project_name=P1"),
];

/// A client of reqwest-middleware.
fn client() -> ClientWithMiddleware {
    crate::llm_server::choose_tls();
    ClientBuilder::new(reqwest::Client::new())
        .with(HttpClientLayer::new())
        .build()
}

/// Sends JSON with a key and reads the whole answer.
async fn send(url: String, body: Value) -> String {
    let request = client().post(url).header("x-api-key", KEY).json(&body);
    let response = request.send().await.unwrap();
    response.text().await.unwrap_or_default()
}

const KEY: &str = "key-of-this-test";

#[experiment_handler(body = none, input = none, output = none)]
async fn run_agent(headers: HeaderMap, work: impl Future<Output = ()>) {
    work.await;
}

/// The spans of an agent whose handler does `work`, but for the handler's own.
async fn traced<F>(work: F) -> Vec<Span>
where
    F: Future<Output = ()> + Send + 'static,
{
    traced_with(&[], work).await
}

async fn traced_with<F>(environment: &[(&str, &str)], work: F) -> Vec<Span>
where
    F: Future<Output = ()> + Send + 'static,
{
    // before the handler is called, as a program makes its clients
    client();
    let work = Arc::new(Mutex::new(Some(work)));
    let handler = move |headers: HeaderMap| {
        let work = work.lock().unwrap().take().unwrap();
        run_agent(headers, work)
    };
    let router = Router::new().route("/invoke", post(handler));
    let agent = Agent::with_environment(router, environment).await;
    agent.post(&HEADERS, "{}").await;
    let mut spans = agent.spans().await;
    for span in &spans {
        assert_eq!(route(span), ("S1", "S1", "P1"), "{}", span.name);
    }
    let handler = named(&spans, "run_agent").span_id.clone();
    spans.retain(|span| span.span_id != handler);
    spans
}

/// What `span` says, by name.
fn attributes(span: &Span) -> Map<String, Value> {
    let each = span.attributes.iter();
    each.map(|(key, value)| (key.clone(), value.to_json()))
        .collect()
}

/// `span` says this, among other things; null is what it does not say.
#[track_caller]
fn says(span: &Span, expected: &Value) {
    let all = attributes(span);
    for (key, value) in expected.as_object().unwrap() {
        let said = all.get(key).unwrap_or(&Value::Null);
        assert_eq!(said, value, "`{key}` among {all:#?}");
    }
}

/// The JSON that an attribute has as a text.
#[track_caller]
fn json_of(span: &Span, key: &str) -> Value {
    serde_json::from_str(span.attr_str(key).unwrap()).unwrap()
}

fn weather_tool() -> Value {
    json!({"type": "function", "function": {
        "name": "weather", "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}
    }})
}

#[track_caller]
fn is_plain(span: &Span) {
    assert_eq!(span.otel_kind, SpanKind::Client);
    assert_eq!(
        span.attr_str("openinference.span.kind"),
        None,
        "{}",
        span.name
    );
}
