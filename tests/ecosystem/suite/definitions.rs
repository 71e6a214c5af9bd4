//! Tools told to LLMs: what the clients of their APIs read of our definitions, and what the spans say of the same.

use arize_runtime::testing::capture;
use arize_runtime::{schemars, tool};
use async_openai::types::chat::{ChatCompletionTool, ChatCompletionTools};
use async_openai::types::responses;
use serde_json::{Value, json};

#[derive(serde::Serialize, schemars::JsonSchema)]
#[schemars(crate = "arize_runtime::schemars")]
#[serde(rename_all = "snake_case")]
enum Class {
    Economy,
    Business,
}

/// Search flights between two airports.
#[tool(definition, skip(client))]
fn search_flights(client: &str, from: &str, to: &str, class: &[Class], most: Option<u32>) -> usize {
    client.len() + from.len() + to.len() + class.len() + usize::from(most.is_some())
}

#[test]
fn a_definition_says_what_the_tools_spans_say() {
    let capture = capture();
    let classes = [Class::Economy, Class::Business];
    capture.run(|| search_flights("c", "BER", "LIS", &classes, None));
    let span = capture.span("search_flights");
    let recorded: Value = serde_json::from_str(span.text("tool.parameters").unwrap()).unwrap();
    let definition = search_flights_definition();
    assert_eq!(definition.parameters, recorded);
    assert_eq!(span.text("tool.name"), Some(definition.name.as_str()));
    assert_eq!(
        span.text("tool.description"),
        definition.description.as_deref()
    );
    assert_eq!(
        recorded["required"],
        json!(["from", "to", "class"]),
        "neither the client nor the option"
    );
}

#[test]
fn a_client_of_openai_reads_them_for_both_of_its_apis() {
    let definition = search_flights_definition();
    let chat = serde_json::from_value(definition.to_openai_chat()).unwrap();
    let ChatCompletionTools::Function(ChatCompletionTool { function }) = chat else {
        panic!("{chat:?}");
    };
    assert_eq!(function.name, "search_flights");
    assert_eq!(function.description, definition.description);
    assert_eq!(function.parameters.as_ref(), Some(&definition.parameters));

    let tool = serde_json::from_value(definition.to_openai_responses()).unwrap();
    let responses::Tool::Function(function) = tool else {
        panic!("{tool:?}");
    };
    assert_eq!(function.name, "search_flights");
    assert_eq!(function.parameters, Some(definition.parameters));
    assert_eq!(function.strict, Some(false));
}

#[test]
fn a_client_of_rig_takes_the_plain_one() {
    let definition = search_flights_definition();
    let plain = serde_json::to_value(&definition).unwrap();
    let taken: rig_core::completion::ToolDefinition = serde_json::from_value(plain).unwrap();
    assert_eq!(taken.name, "search_flights");
    assert_eq!(taken.parameters, definition.parameters);
    let anthropic = definition.to_anthropic();
    assert_eq!(
        anthropic,
        json!({
            "name": "search_flights",
            "description": "Search flights between two airports.",
            "input_schema": definition.parameters,
        })
    );
}
