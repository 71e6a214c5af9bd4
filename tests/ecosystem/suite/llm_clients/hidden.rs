//! What is hidden of a call, and what never was to be seen.

use arize_local::Receiver;
use arize_runtime::{Routing, RoutingFutureExt as _};
use opentelemetry::context::FutureExt as _;
use serde_json::json;

use super::{attributes, says, send, traced_with};
use crate::harness::{SOON, any_port, named, registration};
use crate::llm_server::LlmServer;

/// What is said of a chat about a secret, as one text.
async fn chat(environment: &[(&str, &str)]) -> (String, arize_local::Span) {
    let server = LlmServer::start().await;
    let url = format!("{}/v1/chat/completions", server.url);
    let image = format!("data:image/png;base64,{}", "A".repeat(100));
    let body = json!({
        "model": "gpt-5", "user": "the-user", "api_key": "a-key-in-a-body",
        "tools": [{"type": "function", "function": {"name": "a-tool"}}],
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "the-question"}, {"type": "image_url", "image_url": {"url": image}}
        ]}, {"role": "tool", "tool_call_id": "call_1", "content": "22"}]
    });
    let spans = traced_with(environment, async move {
        send(url, body).await;
    })
    .await;
    let span = named(&spans, "ChatCompletion").clone();
    (format!("{:?}", attributes(&span)), span)
}

#[tokio::test]
async fn what_is_hidden_is_in_no_other_attribute() {
    for (variable, hidden, shown) in [
        ("INPUTS", "the-question", "It is 22"),
        ("INPUT_MESSAGES", "the-question", "It is 22"),
        ("INPUT_TEXT", "the-question", "It is 22"),
        ("INPUT_IMAGES", "AAAA", "the-question"),
        ("LLM_TOOLS", "a-tool", "the-question"),
        ("LLM_INVOCATION_PARAMETERS", "the-user", "the-question"),
        ("OUTPUTS", "It is 22", "the-question"),
        ("OUTPUT_MESSAGES", "It is 22", "the-question"),
        ("OUTPUT_TEXT", "It is 22", "the-question"),
    ] {
        let variable = format!("OPENINFERENCE_HIDE_{variable}");
        let (all, span) = chat(&[(&variable, "true")]).await;
        assert!(!all.contains(hidden), "{variable}: {all}");
        assert!(all.contains(shown), "{variable}: {all}");
        says(
            &span,
            &json!({"llm.token_count.total": 29, "llm.model_name": "gpt-5-2026-01-01"}),
        );
    }
}

#[tokio::test]
async fn long_images_and_credentials_are_hidden_in_the_input_too() {
    let (all, span) = chat(&[("OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH", "50")]).await;
    assert!(
        !all.contains("AAAA") && !all.contains("a-key-in-a-body"),
        "{all}"
    );
    let image = "llm.input_messages.0.message.contents.1.message_content.image.image.url";
    says(&span, &json!({(image): "__REDACTED__"}));
    assert!(all.contains("the-question"));
}

#[tokio::test]
async fn masked_keys_and_limits_apply_to_what_a_client_says() {
    let server = LlmServer::start().await;
    let url = format!("{}/v1/messages", server.url);
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let arize = registration(&receiver, &[])
        .mask_keys(["city"])
        .max_value_length(200)
        .build()
        .unwrap();
    let body = json!({
        "model": "m", "max_tokens": 1, "metadata": {"city": "the-city"}, "tools": [{"name": "weather"}],
        "messages": [{"role": "user", "content": "x".repeat(500)}]
    });
    send(url, body)
        .with_routing(Routing::new("S1", "P1").unwrap())
        .with_context(arize.context())
        .await;
    arize.force_flush(SOON).await.unwrap();
    let spans = receiver.spans();
    let span = named(&spans, "Messages");
    let question = span.attr_str("llm.input_messages.0.message.content");
    assert!(
        question.unwrap().ends_with("(cut; it had 500 bytes)"),
        "{question:?}"
    );
    let arguments = "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments";
    says(span, &json!({(arguments): r#"{"city":"__REDACTED__"}"#}));
    assert!(!format!("{span:?}").contains("the-city"));
}
