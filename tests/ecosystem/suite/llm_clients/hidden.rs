//! What is hidden of a call, and what never was to be seen.

use serde_json::json;

use super::{attributes, says, send, traced_with};
use crate::harness::named;
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
