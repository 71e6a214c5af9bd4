//! reqwest, alone and with reqwest-middleware.

use arize_local::{SpanKind, StatusCode};
use arize_runtime::{HttpClientLayer, tool};
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use serde_json::{Value, json};
use tower::{Layer as _, ServiceExt as _};

use super::{KEY, attributes, client, is_plain, json_of, says, send, traced};
use crate::harness::{PARENT, Pipeline, TRACE, TRACEPARENT, named, names};
use crate::llm_server::{ANSWER, LlmServer};

const TOOL: &str = r#"{"name":"weather","input_schema":{"type":"object"}}"#;

fn anthropic(stream: bool) -> Value {
    let tool: Value = serde_json::from_str(TOOL).unwrap();
    json!({
        "model": "claude-opus-5", "max_tokens": 100, "stream": stream, "tools": [tool],
        "system": [{"type": "text", "text": "You know Rome."}],
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "The weather here?"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
        ]}]
    })
}

#[tokio::test]
async fn messages_of_anthropic_with_a_tool() {
    for stream in [false, true] {
        let server = LlmServer::start().await;
        let url = format!("{}/v1/messages", server.url);
        let spans = traced(async move {
            let answer = send(url, anthropic(stream)).await;
            assert!(answer.contains("toolu_1"), "{answer}");
        })
        .await;
        let span = named(&spans, "Messages");
        assert_eq!(span.status.code, StatusCode::Ok);
        let (question, answer) = (
            "llm.input_messages.1.message",
            "llm.output_messages.0.message",
        );
        let image = format!("{question}.contents.1.message_content.image.image.url");
        says(
            span,
            &json!({
                "openinference.span.kind": "LLM",
                "llm.model_name": "claude-opus-5",
                "llm.system": "anthropic",
                "llm.input_messages.0.message.role": "system",
                "llm.input_messages.0.message.content": "You know Rome.",
                (format!("{question}.contents.0.message_content.text")): "The weather here?",
                (image): "data:image/png;base64,iVBO",
                "llm.tools.0.tool.json_schema": TOOL,
                (format!("{answer}.content")): "I look it up.",
                (format!("{answer}.tool_calls.0.tool_call.id")): "toolu_1",
                (format!("{answer}.tool_calls.0.tool_call.function.arguments")): r#"{"city":"Rome"}"#,
                "llm.token_count.prompt": 40,
                "llm.token_count.completion": 15,
                "llm.token_count.total": 55,
                "llm.token_count.prompt_details.cache_read": 11,
                "llm.token_count.prompt_details.cache_write": 4,
                "llm.finish_reason": "tool_use"
            }),
        );
        let parameters = json_of(span, "llm.invocation_parameters");
        assert_eq!(parameters, json!({"max_tokens": 100, "stream": stream}));
        assert!(!format!("{spans:?}").contains(KEY));
    }
}

#[tokio::test]
async fn the_result_of_a_tool_is_a_message_of_its_own() {
    let server = LlmServer::start().await;
    let url = format!("{}/v1/messages", server.url);
    let mut request = anthropic(true);
    request["messages"] = json!([
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "weather", "input": {"a": 1}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": "22"}, {"type": "text", "text": "go on"}
        ]}
    ]);
    let spans = traced(async move {
        send(url, request).await;
    })
    .await;
    let call = "llm.input_messages.1.message.tool_calls.0.tool_call";
    says(
        &spans[0],
        &json!({
            (format!("{call}.function.arguments")): r#"{"a":1}"#,
            "llm.input_messages.2.message.role": "tool",
            "llm.input_messages.2.message.tool_call_id": "t1",
            "llm.input_messages.2.message.content": "22",
            "llm.input_messages.3.message.content": "go on",
            "llm.output_messages.0.message.content": ANSWER
        }),
    );
}

#[tokio::test]
async fn a_completion_without_chat() {
    let server = LlmServer::start().await;
    let url = format!("{}/v1/completions", server.url);
    let spans = traced(async move {
        send(url, json!({"model": "m", "prompt": ["The weather?"]})).await;
    })
    .await;
    says(
        named(&spans, "Completion"),
        &json!({
            "llm.model_name": "m-2026-01-01",
            "llm.prompts.0.prompt.text": "The weather?",
            "llm.choices.0.completion.text": ANSWER,
            "llm.token_count.total": 12,
            "llm.finish_reason": "stop"
        }),
    );
}

#[tool(input = none)]
async fn fetch(url: String) -> String {
    let client = HttpClientLayer::new().layer(reqwest::Client::new());
    let request = reqwest::Client::new().get(url).build().unwrap();
    let response = client.oneshot(request).await.unwrap();
    response.text().await.unwrap()
}

#[tokio::test]
async fn any_other_request_is_a_plain_span_under_its_tool() {
    let server = LlmServer::start().await;
    let url = format!("{}/page?token=a-secret-token&x=1", server.url);
    let address = url.replace("http://", "http://user:a-password@");
    let spans = traced(async move {
        assert_eq!(fetch(address).await, "a page");
    })
    .await;
    let span = named(&spans, "GET");
    is_plain(span);
    let tool = named(&spans, "fetch");
    assert_eq!(span.parent_span_id.as_deref(), Some(tool.span_id.as_str()));
    assert_eq!(span.otel_kind, SpanKind::Client);
    let port: u16 = server.url.rsplit(':').next().unwrap().parse().unwrap();
    says(
        span,
        &json!({
            "http.request.method": "GET",
            "url.full": format!("{}/page?token=__REDACTED__&x=__REDACTED__", server.url),
            "server.address": "127.0.0.1",
            "server.port": port,
            "http.response.status_code": 200,
            "input.value": null,
            "output.value": null
        }),
    );
    let all = format!("{:?}", attributes(span));
    assert!(!all.contains("a-secret-token") && !all.contains("a-password"));
    let sent = &server.requests()[0];
    assert_eq!(sent.uri.query(), Some("token=a-secret-token&x=1"));
    let parent = sent.header("traceparent").unwrap();
    assert_eq!(parent, format!("00-{TRACE}-{}-01", span.span_id));
    assert_eq!(
        (sent.header("tracestate"), sent.header("baggage")),
        (None, None)
    );
}

#[tokio::test]
async fn a_body_that_is_a_stream_is_not_read() {
    let server = LlmServer::start().await;
    let url = format!("{}/v1/messages", server.url);
    let body = anthropic(false).to_string();
    let spans = traced(async move {
        let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(body)]);
        let body = reqwest::Body::wrap_stream(pieces);
        let sent = client().post(url).body(body).send().await.unwrap();
        assert!(sent.text().await.unwrap().contains("toolu_1"));
    })
    .await;
    is_plain(named(&spans, "POST"));
}

#[tokio::test]
async fn a_parent_that_the_request_names_is_kept() {
    let server = LlmServer::start().await;
    let url = server.url.clone();
    traced(async move {
        let request = client().get(url).header("traceparent", TRACEPARENT);
        request.send().await.unwrap();
    })
    .await;
    assert_eq!(
        server.requests()[0].header("traceparent"),
        Some(TRACEPARENT)
    );
}

#[tokio::test]
async fn without_a_pipeline_a_request_is_as_it_was() {
    let server = LlmServer::start().await;
    let url = format!("{}/v1/messages", server.url);
    let spans = traced(async move {
        let sent = tokio::spawn(send(url, anthropic(true)));
        assert!(sent.await.unwrap().contains("message_stop"));
    })
    .await;
    assert_eq!(names(&spans), "");
    assert_eq!(server.requests()[0].header("traceparent"), None);
}

#[tokio::test]
async fn a_stream_passes_unchanged_and_at_once() {
    let server = LlmServer::start().await;
    let url = format!("{}/v1/messages", server.url);
    let plain = reqwest::Client::new()
        .post(&url)
        .json(&anthropic(true))
        .send()
        .await
        .unwrap();
    let plain = plain.bytes().await.unwrap();
    let spans = traced(async move {
        let sent = client()
            .post(&url)
            .json(&anthropic(true))
            .send()
            .await
            .unwrap();
        assert_eq!(sent.url().as_str(), url);
        assert!(sent.remote_addr().is_some());
        assert_eq!(sent.bytes().await.unwrap(), plain);
    })
    .await;
    assert_eq!(names(&spans), "Messages");
}

#[tokio::test]
async fn a_request_that_is_not_sampled_says_so_and_is_not_read() {
    let server = LlmServer::start().await;
    let url = format!("{}/v1/messages", server.url);
    let pipeline = Pipeline::start(&[]).await;
    let unsampled = SpanContext::new(
        TraceId::from_hex(TRACE).unwrap(),
        SpanId::from_hex(PARENT).unwrap(),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    );
    let context = pipeline.context().with_remote_span_context(unsampled);
    send(url, anthropic(true)).with_context(context).await;
    assert_eq!(names(&pipeline.spans().await), "");
    let requests = server.requests();
    let parent = requests[0].header("traceparent").unwrap();
    assert!(
        parent.starts_with(&format!("00-{TRACE}-")) && parent.ends_with("-00"),
        "{parent}"
    );
}
