//! A call of a model is one span of it, whoever made the first.

use arize_runtime::{llm, tool};
use serde_json::json;
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{client, is_plain, send, traced};
use crate::harness::{named, names};
use crate::llm_server::LlmServer;

async fn chat(url: String) {
    let message = json!({"role": "user", "content": "The weather?"});
    let body = json!({"model": "gpt-5", "messages": [message]});
    send(format!("{url}/v1/chat/completions"), body).await;
}

#[llm(input = none)]
async fn annotated(url: String) {
    chat(url).await;
}

#[tool(input = none)]
async fn look_up(url: String) {
    chat(url).await;
}

#[llm(input = none)]
async fn with_tools(url: String) {
    look_up(url).await;
}

#[tokio::test]
async fn inside_an_annotated_call_of_a_model_a_request_is_a_plain_one() {
    let server = LlmServer::start().await;
    let url = server.url.clone();
    let spans = traced(annotated(url)).await;
    is_plain(named(&spans, "POST"));
    assert_eq!(spans.len(), 2, "{}", names(&spans));
}

#[tokio::test]
async fn a_client_that_is_traced_twice_records_once() {
    let server = LlmServer::start().await;
    let url = format!("{}/v1/chat/completions", server.url);
    let spans = traced(async move {
        let client = reqwest_middleware::ClientBuilder::from_client(client())
            .with(arize_runtime::HttpClientLayer::new())
            .build();
        let message = json!({"role": "user", "content": "The weather?"});
        let body = json!({"model": "gpt-5", "messages": [message]});
        let sent = client.post(url).json(&body).send().await.unwrap();
        sent.text().await.unwrap();
    })
    .await;
    is_plain(named(&spans, "POST"));
    named(&spans, "ChatCompletion");
}

#[tokio::test]
async fn a_tool_inside_of_one_may_call_a_model_of_its_own() {
    let server = LlmServer::start().await;
    let url = server.url.clone();
    let spans = traced(with_tools(url)).await;
    let call = named(&spans, "ChatCompletion");
    let tool = named(&spans, "look_up");
    assert_eq!(call.parent_span_id.as_deref(), Some(tool.span_id.as_str()));
}

/// A library's own span of a model's call, as rig makes it.
async fn by_a_library(url: String) {
    let span = tracing::info_span!(
        "chat",
        gen_ai.operation.name = "chat",
        gen_ai.request.model = "gpt-5"
    );
    chat(url).instrument(span).await;
}

#[tokio::test]
async fn a_library_s_span_that_is_exported_is_the_one() {
    let server = LlmServer::start().await;
    let url = server.url.clone();
    let exporter = opentelemetry_sdk::trace::SdkTracerProvider::default();
    let tracer = opentelemetry::trace::TracerProvider::tracer(&exporter, "library");
    let layer = tracing_opentelemetry::layer().with_tracer(tracer);
    let subscriber = tracing_subscriber::registry().with(layer);
    let spans = traced(by_a_library(url).with_subscriber(subscriber)).await;
    is_plain(named(&spans, "POST"));
}

#[tokio::test]
async fn a_library_s_span_that_is_only_logged_is_none() {
    let server = LlmServer::start().await;
    let url = server.url.clone();
    let fmt = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
    let subscriber = tracing_subscriber::registry().with(fmt);
    let spans = traced(by_a_library(url).with_subscriber(subscriber)).await;
    named(&spans, "ChatCompletion");
}

#[tokio::test]
async fn requests_of_nobody_s_work_are_not_traced_but_calls_of_models_are() {
    use opentelemetry::context::FutureExt as _;
    let server = LlmServer::start().await;
    let receiver = arize_local::Receiver::bind(crate::harness::any_port())
        .await
        .unwrap();
    let arize = arize_runtime::register()
        .with_environment(|_| None)
        .endpoint(receiver.endpoint())
        .space_id("S1")
        .project_name("P1")
        .build()
        .unwrap();
    let url = server.url.clone();
    let work = async {
        client().get(&url).send().await.unwrap();
        chat(url.clone()).await;
    };
    work.with_context(arize.context()).await;
    arize.force_flush(crate::harness::SOON).await.unwrap();
    assert_eq!(names(&receiver.spans()), "ChatCompletion");
}
