//! What is hidden, masked and cut is so in every way in which a library says it.

use arize_local::{AttributeValue, Span};
use arize_runtime::Hidden;
use serde_json::Value;

use super::{Library, SECRET, assert_text, chats, spans};
use crate::llm_server::{ANSWER, ARGUMENTS};

#[tokio::test]
async fn what_is_hidden_is_not_there_in_other_words() {
    for (hidden, absent) in [
        (Hidden::InputMessages, SECRET),
        (Hidden::Inputs, SECRET),
        (Hidden::InputText, SECRET),
        (Hidden::OutputMessages, ANSWER),
        (Hidden::Outputs, ANSWER),
        (Hidden::OutputText, ANSWER),
    ] {
        let spans = spans(Library::Rig, |arize| arize.hide(hidden)).await;
        // attributes, and rig's logs of requests and answers
        for span in &spans {
            assert!(
                !format!("{span:?}").contains(absent),
                "{hidden:?}: {span:#?}"
            );
        }
        for chat in chats(&spans) {
            assert_text(chat, &[("llm.request.model_name", "gpt-5")]);
        }
    }
}

#[tokio::test]
async fn what_a_library_does_not_record_is_not_recorded() {
    let spans = spans(Library::RigWithoutContent, |arize| {
        arize.hide(Hidden::Tools)
    })
    .await;
    assert_eq!(chats(&spans).len(), 2);
    for span in &spans {
        assert!(!format!("{span:?}").contains(SECRET), "{span:#?}");
    }
}

#[tokio::test]
async fn masked_keys_are_masked_in_messages_and_calls_of_tools() {
    let spans = spans(Library::Rig, |arize| arize.mask_keys(["city"])).await;
    let asked = r#"{"city":"Rome"}"#;
    assert_eq!(ARGUMENTS, asked);
    let tool = |span: &&Span| span.name == "execute_tool";
    let tool = spans.iter().find(tool).unwrap();
    for key in ["input.value", "gen_ai.tool.call.arguments"] {
        let arguments: Value = serde_json::from_str(tool.attr_str(key).unwrap()).unwrap();
        assert_ne!(arguments["city"], "Rome", "{key}");
    }
    for chat in chats(&spans) {
        for (key, value) in &chat.attributes {
            let text = format!("{value:?}").replace('\\', "");
            assert!(!text.contains(asked), "{key}: {text}");
        }
    }
}

#[tokio::test]
async fn no_value_is_longer_than_allowed() {
    let spans = spans(Library::Rig, |arize| arize.max_value_length(200)).await;
    for chat in chats(&spans) {
        assert_text(
            chat,
            &[("llm.input_messages.1.message.content", "weather?")],
        );
        for (key, value) in &chat.attributes {
            if let AttributeValue::String(text) = value {
                assert!(text.len() < 250, "{key}: {text}");
            }
        }
        for event in &chat.events {
            assert!(event.name.len() < 250, "{}", event.name);
        }
    }
}
