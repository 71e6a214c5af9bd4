//! async-openai.

use arize_local::StatusCode;
use arize_runtime::{HttpClientLayer, tool};
use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use async_openai::types::chat::CreateChatCompletionStreamResponse;
use async_openai::types::embeddings::CreateEmbeddingRequest;
use async_openai::types::responses::CreateResponse;
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::{Layer as _, ServiceExt as _};

use super::{json_of, says, traced, weather_tool};
use crate::harness::{named, names};
use crate::llm_server::{ANSWER, ARGUMENTS, LlmServer};

fn client(server: &LlmServer) -> Client<OpenAIConfig> {
    let config = OpenAIConfig::new()
        .with_api_base(server.openai())
        .with_api_key("sk-of-this-test");
    let http = HttpClientLayer::new().layer(reqwest::Client::new());
    let service = tower::service_fn(move |factory: HttpRequestFactory| {
        let http = http.clone();
        async move {
            let request = factory.build().await?;
            http.oneshot(request).await.map_err(OpenAIError::Reqwest)
        }
    });
    Client::with_config(config).with_http_service(service)
}

fn request<T: DeserializeOwned>(request: Value) -> T {
    serde_json::from_value(request).unwrap()
}

fn question() -> Value {
    json!([{"role": "system", "content": "You know Rome."}, {"role": "user", "content": "The weather?"}])
}

#[tokio::test]
async fn a_chat_completion() {
    let server = LlmServer::start().await;
    let client = client(&server);
    let spans = traced(async move {
        let request =
            request(json!({"model": "gpt-5", "messages": question(), "temperature": 0.5}));
        let answer = client.chat().create(request).await.unwrap();
        assert_eq!(answer.choices[0].message.content.as_deref(), Some(ANSWER));
    })
    .await;
    let span = named(&spans, "ChatCompletion");
    assert_eq!(span.status.code, StatusCode::Ok);
    says(
        span,
        &json!({
            "openinference.span.kind": "LLM",
            "llm.model_name": "gpt-5-2026-01-01",
            "llm.request.model_name": "gpt-5",
            "llm.response.model_name": "gpt-5-2026-01-01",
            "llm.system": "openai",
            "llm.provider": null,
            "llm.input_messages.0.message.role": "system",
            "llm.input_messages.0.message.content": "You know Rome.",
            "llm.input_messages.1.message.role": "user",
            "llm.input_messages.1.message.content": "The weather?",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": ANSWER,
            "llm.token_count.prompt": 20,
            "llm.token_count.completion": 9,
            "llm.token_count.total": 29,
            "llm.token_count.prompt_details.cache_read": 8,
            "llm.token_count.completion_details.reasoning": 3,
            "llm.finish_reason": "stop",
            "http.request.method": "POST",
            "http.response.status_code": 200,
            "input.mime_type": "application/json",
            "output.mime_type": "application/json"
        }),
    );
    assert_eq!(
        json_of(span, "llm.invocation_parameters"),
        json!({"temperature": 0.5})
    );
    assert_eq!(
        json_of(span, "input.value")["messages"][1]["content"],
        "The weather?"
    );
    assert_eq!(
        json_of(span, "output.value")["choices"][0]["message"]["content"],
        ANSWER
    );
    let sent = &server.requests()[0];
    assert!(sent.header("traceparent").unwrap().contains(&span.span_id));
    assert_eq!(sent.header("baggage"), None);
}

#[tokio::test]
async fn a_streamed_chat_completion() {
    let server = LlmServer::start().await;
    let client = client(&server);
    let spans = traced(async move {
        let request = request(json!({
            "model": "gpt-5", "messages": question(), "stream_options": {"include_usage": true}
        }));
        let mut answer = client.chat().create_stream(request).await.unwrap();
        let mut text = String::new();
        while let Some(chunk) = answer.next().await {
            let chunk: CreateChatCompletionStreamResponse = chunk.unwrap();
            text.extend(
                chunk
                    .choices
                    .into_iter()
                    .filter_map(|choice| choice.delta.content),
            );
        }
        assert_eq!(text, ANSWER);
    })
    .await;
    let span = named(&spans, "ChatCompletion");
    assert_eq!(span.status.code, StatusCode::Ok);
    says(
        span,
        &json!({
            "llm.model_name": "gpt-5-2026-01-01",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.content": ANSWER,
            "llm.token_count.prompt": 20,
            "llm.token_count.total": 29,
            "llm.finish_reason": "stop"
        }),
    );
    assert_eq!(
        json_of(span, "output.value")["choices"][0]["message"]["content"],
        ANSWER
    );
}

#[tool(input = none)]
async fn ask(client: Client<OpenAIConfig>, stream: bool) -> String {
    let body = json!({
        "model": "gpt-5", "messages": question(), "tools": [weather_tool()], "stream": stream
    });
    if stream {
        let mut answer = client.chat().create_stream(request(body)).await.unwrap();
        while let Some(chunk) = answer.next().await {
            chunk.unwrap();
        }
    } else {
        client.chat().create(request(body)).await.unwrap();
    }
    "done".to_owned()
}

#[tokio::test]
async fn a_call_of_a_tool_is_under_the_tool_that_asked() {
    for stream in [false, true] {
        let server = LlmServer::start().await;
        let client = client(&server);
        let spans = traced(async move {
            ask(client, stream).await;
        })
        .await;
        let span = named(&spans, "ChatCompletion");
        let parent = named(&spans, "ask").span_id.as_str();
        assert_eq!(span.parent_span_id.as_deref(), Some(parent));
        let call = "llm.output_messages.0.message.tool_calls.0.tool_call";
        says(
            span,
            &json!({
                (format!("{call}.id")): "call_1",
                (format!("{call}.function.name")): "weather",
                (format!("{call}.function.arguments")): ARGUMENTS,
                "llm.output_messages.0.message.content": null,
                "llm.finish_reason": "tool_calls"
            }),
        );
        let tool = json_of(span, "llm.tools.0.tool.json_schema");
        assert_eq!(tool["function"]["name"], "weather");
    }
}

#[tokio::test]
async fn a_response() {
    for stream in [false, true] {
        let server = LlmServer::start().await;
        let client = client(&server);
        let spans = traced(async move {
            let request: CreateResponse = request(json!({
                "model": "gpt-5", "instructions": "You know Rome.", "input": "The weather?", "stream": stream
            }));
            if stream {
                let mut events = client.responses().create_stream(request).await.unwrap();
                while let Some(event) = events.next().await {
                    event.unwrap();
                }
            } else {
                client.responses().create(request).await.unwrap();
            }
        })
        .await;
        let span = named(&spans, "Response");
        assert_eq!(span.status.code, StatusCode::Ok);
        says(
            span,
            &json!({
                "openinference.span.kind": "LLM",
                "llm.model_name": "gpt-5-2026-01-01",
                "llm.input_messages.0.message.role": "system",
                "llm.input_messages.0.message.content": "You know Rome.",
                "llm.input_messages.1.message.content": "The weather?",
                "llm.output_messages.0.message.content": ANSWER,
                "llm.token_count.prompt": 36,
                "llm.token_count.completion": 87,
                "llm.token_count.total": 123,
                "llm.token_count.prompt_details.cache_read": 16,
                "llm.token_count.completion_details.reasoning": 64,
                "llm.finish_reason": "completed"
            }),
        );
    }
}

#[tokio::test]
async fn embeddings() {
    let server = LlmServer::start().await;
    let client = client(&server);
    let spans = traced(async move {
        let request: CreateEmbeddingRequest =
            request(json!({"model": "text-embedding-3-small", "input": ["to Rome", "to Oslo"]}));
        client.embeddings().create(request).await.unwrap();
    })
    .await;
    assert_eq!(names(&spans), "CreateEmbeddings");
    says(
        &spans[0],
        &json!({
            "openinference.span.kind": "EMBEDDING",
            "embedding.model_name": "text-embedding-3-small",
            "embedding.embeddings.0.embedding.text": "to Rome",
            "embedding.embeddings.1.embedding.text": "to Oslo",
            "embedding.embeddings.1.embedding.vector": [0.5, -0.25],
            "llm.token_count.prompt": 8,
            "output.value": null
        }),
    );
}
