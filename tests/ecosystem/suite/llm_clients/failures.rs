//! Errors of providers, connections that break, and readers who go away.

use arize_local::{Span, StatusCode};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::{KEY, client, is_plain, says, send, traced};
use crate::harness::named;
use crate::llm_server::{LlmServer, models};

fn chat(model: &str, stream: bool) -> Value {
    json!({
        "model": model, "stream": stream, "max_tokens": 10,
        "messages": [{"role": "user", "content": "The weather?"}]
    })
}

async fn failed(path: &str, model: &str, stream: bool) -> Span {
    let server = LlmServer::start().await;
    let url = format!("{}{path}", server.url);
    let body = chat(model, stream);
    let mut spans = traced(async move {
        send(url, body).await;
    })
    .await;
    let span = spans.pop().unwrap();
    assert_eq!(span.status.code, StatusCode::Error);
    says(
        &span,
        &json!({"llm.input_messages.0.message.content": "The weather?"}),
    );
    span
}

#[tokio::test]
async fn a_status_of_failure_is_told_in_the_words_of_the_provider() {
    const CHAT: &str = "/v1/chat/completions";
    const MESSAGES: &str = "/v1/messages";
    for (path, model, status, message) in [
        (
            CHAT,
            models::UNAUTHORIZED,
            401,
            "invalid_request_error: Incorrect API key provided.",
        ),
        (
            CHAT,
            models::RATE_LIMITED,
            429,
            "rate_limit_error: Rate limit reached.",
        ),
        (CHAT, models::BROKEN, 500, "500: Internal Server Error"),
        (
            MESSAGES,
            models::UNAUTHORIZED,
            401,
            "authentication_error: invalid x-api-key",
        ),
        (
            MESSAGES,
            models::RATE_LIMITED,
            429,
            "rate_limit_error: Rate limit reached.",
        ),
    ] {
        let span = failed(path, model, false).await;
        assert_eq!(span.status.message, message);
        says(&span, &json!({"http.response.status_code": status}));
    }
}

#[tokio::test]
async fn a_stream_that_fails_keeps_what_came() {
    for path in ["/v1/chat/completions", "/v1/messages"] {
        let span = failed(path, models::BREAKS_OFF, true).await;
        let said = span
            .attr_str("llm.output_messages.0.message.content")
            .unwrap();
        assert!(said.starts_with("It"), "{said}");
        assert!(
            span.status.message.contains("error"),
            "{}",
            span.status.message
        );
    }
    for (path, message) in [
        (
            "/v1/chat/completions",
            "server_error: The server had an error.",
        ),
        ("/v1/messages", "overloaded_error: Overloaded"),
    ] {
        let span = failed(path, models::FAILS_MIDWAY, true).await;
        assert_eq!(span.status.message, message);
    }
}

#[tokio::test]
async fn a_response_that_fails_is_told() {
    let server = LlmServer::start().await;
    let url = format!("{}/v1/responses", server.url);
    let body = json!({"model": models::FAILS_MIDWAY, "input": "x", "stream": true});
    let spans = traced(async move {
        send(url, body).await;
    })
    .await;
    let status = &named(&spans, "Response").status;
    assert_eq!(status.message, "server_error: The server had an error.");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_without_secrets() {
    for path in ["v1/chat/completions", "page"] {
        let url = format!("http://127.0.0.1:1/{path}?key={KEY}");
        let spans = traced(async move {
            let sent = client().post(url).json(&chat("gpt-5", false)).send().await;
            assert!(sent.is_err());
        })
        .await;
        let [span] = &spans[..] else {
            panic!("one span");
        };
        assert_eq!(span.status.code, StatusCode::Error);
        assert!(
            span.status.message.contains("key=__REDACTED__"),
            "{}",
            span.status.message
        );
        assert!(!format!("{span:?}").contains(KEY));
        if path == "page" {
            is_plain(span);
        }
    }
}

#[tokio::test]
async fn a_reader_who_has_enough_leaves_a_span_of_what_came() {
    let server = LlmServer::start().await;
    let url = format!("{}/v1/chat/completions", server.url);
    let spans = traced(async move {
        let sent = client()
            .post(url)
            .json(&chat("gpt-5", true))
            .send()
            .await
            .unwrap();
        let mut pieces = sent.bytes_stream();
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains("°") {
            read.extend(pieces.next().await.unwrap().unwrap());
        }
    })
    .await;
    let span = named(&spans, "ChatCompletion");
    assert_eq!(span.status.code, StatusCode::Ok);
    let said = span
        .attr_str("llm.output_messages.0.message.content")
        .unwrap();
    assert!(said.starts_with("It is 22"), "{said}");
}

#[tokio::test]
async fn a_reader_who_goes_away_while_waiting_cancelled_the_call() {
    use axum::body::{Body, Bytes};
    use futures_util::stream;
    let answer = || async {
        let event = r#"data: {"model": "m", "choices": [{"delta": {"content": "It"}}]}"#;
        let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from(format!("{event}\n\n")))]);
        let body = Body::from_stream(first.chain(stream::pending()));
        ([("content-type", "text/event-stream")], body)
    };
    let router = axum::Router::new().fallback(answer);
    let url = crate::harness::serve(router, opentelemetry::Context::new()).await;
    let url = url.replace("/invoke", "/chat/completions");
    let spans = traced(async move {
        let sent = client()
            .post(url)
            .json(&chat("gpt-5", true))
            .send()
            .await
            .unwrap();
        let mut pieces = sent.bytes_stream();
        // the piece comes at once, though there is no end
        pieces.next().await.unwrap().unwrap();
        let next = tokio::time::timeout(std::time::Duration::from_millis(20), pieces.next());
        assert!(next.await.is_err());
    })
    .await;
    let span = named(&spans, "ChatCompletion");
    assert_eq!(
        (span.status.code, span.status.message.as_str()),
        (StatusCode::Error, "cancelled")
    );
    says(
        span,
        &json!({"llm.output_messages.0.message.content": "It"}),
    );
}

#[tokio::test]
async fn an_error_that_quotes_the_key_is_recorded_without_it() {
    let answer = |headers: http::HeaderMap| async move {
        let key = headers["x-api-key"].to_str().unwrap();
        let error = json!({"error": {"message": format!("no such key: {key}"), "type": "auth"}});
        (http::StatusCode::UNAUTHORIZED, axum::Json(error))
    };
    let router = axum::Router::new().fallback(answer);
    let url = crate::harness::serve(router, opentelemetry::Context::new()).await;
    let url = url.replace("/invoke", "/chat/completions");
    let spans = traced(async move {
        let answer = send(url, chat("gpt-5", false)).await;
        assert!(answer.contains(KEY));
    })
    .await;
    let span = named(&spans, "ChatCompletion");
    assert_eq!(span.status.message, "auth: no such key: __REDACTED__");
    assert!(!format!("{span:?}").contains(KEY));
}
