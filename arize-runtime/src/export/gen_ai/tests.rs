use std::collections::BTreeMap;

use serde_json::json;

use super::*;

fn translated_of(attributes: Vec<KeyValue>) -> BTreeMap<String, Value> {
    let mut all = attributes;
    translate(&mut all);
    let pairs = all.into_iter().map(|kv| (kv.key.to_string(), kv.value));
    pairs.filter(|(key, _)| !key.starts_with(PREFIX)).collect()
}

fn text(key: &'static str, value: &(impl ToString + ?Sized)) -> KeyValue {
    KeyValue::new(key, value.to_string())
}

fn assert_all(found: &BTreeMap<String, Value>, wanted: &[(&str, Value)]) {
    for (key, value) in wanted {
        assert_eq!(found.get(*key), Some(value), "{key} in {found:#?}");
    }
}

#[test]
fn a_chat_with_tools_as_tracing_gives_it() {
    let input = json!([
        {"role": "user", "parts": [{"type": "text", "content": "weather?"}]},
        {"role": "assistant", "parts": [
            {"type": "reasoning", "content": "look it up"},
            {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Rome"}},
        ]},
        {"role": "tool", "parts": [
            {"type": "tool_call_response", "id": "c1", "response": {"c": 22}},
            {"type": "tool_call_response", "id": "c2", "response": "none"},
        ]},
        {"role": "user", "parts": [
            {"type": "text", "content": "and this?"},
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "QUJD"},
            {"type": "file", "file_id": "f"},
        ]},
    ]);
    let output = json!([{"role": "assistant", "parts": [{"type": "text", "content": "22"}], "finish_reason": "stop"}]);
    let found = translated_of(vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "azure.ai.openai"),
        text("gen_ai.request.model", "gpt-5"),
        text("gen_ai.response.model", "gpt-5-2026"),
        text("gen_ai.request.temperature", "0.5"),
        KeyValue::new("gen_ai.request.stream", false),
        text(
            "gen_ai.system_instructions",
            &json!([{"type": "text", "content": "be brief"}]),
        ),
        text("gen_ai.input.messages", &input),
        text("gen_ai.output.messages", &output),
        text(
            "gen_ai.tool.definitions",
            &json!([{"type": "function", "name": "weather"}]),
        ),
        text("gen_ai.response.finish_reasons", &json!(["length"])),
        KeyValue::new("gen_ai.usage.input_tokens", 10),
        text("gen_ai.usage.output_tokens", "2"),
        KeyValue::new("gen_ai.usage.cache_read.input_tokens", 4),
        text("gen_ai.conversation.id", "c-7"),
    ]);
    let string = |text: &str| Value::from(text.to_owned());
    assert_all(
        &found,
        &[
            ("openinference.span.kind", string("LLM")),
            ("llm.provider", string("azure")),
            ("llm.system", string("openai")),
            ("llm.model_name", string("gpt-5-2026")),
            ("llm.request.model_name", string("gpt-5")),
            (
                "llm.invocation_parameters",
                string(r#"{"temperature":0.5,"stream":false}"#),
            ),
            ("llm.input_messages.0.message.role", string("system")),
            ("llm.input_messages.0.message.content", string("be brief")),
            ("llm.input_messages.1.message.content", string("weather?")),
            (
                "llm.input_messages.2.message.contents.0.message_content.text",
                string("look it up"),
            ),
            (
                "llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments",
                string(r#"{"city":"Rome"}"#),
            ),
            ("llm.input_messages.3.message.tool_call_id", string("c1")),
            (
                "llm.input_messages.3.message.content",
                string(r#"{"c":22}"#),
            ),
            ("llm.input_messages.4.message.tool_call_id", string("c2")),
            (
                "llm.input_messages.5.message.contents.1.message_content.image.image.url",
                string("data:image/png;base64,QUJD"),
            ),
            ("llm.output_messages.0.message.content", string("22")),
            ("output.value", string("22")),
            ("output.mime_type", string("text/plain")),
            ("input.value", string(&input.to_string())),
            ("input.mime_type", string("application/json")),
            ("llm.finish_reason", string("length")),
            ("llm.token_count.prompt", Value::from(10)),
            ("llm.token_count.completion", Value::from(2)),
            ("llm.token_count.total", Value::from(12)),
            ("llm.token_count.prompt_details.cache_read", Value::from(4)),
            ("session.id", string("c-7")),
        ],
    );
    let tool: Json = serde_json::from_str(&found["llm.tools.0.tool.json_schema"].as_str()).unwrap();
    assert_eq!(tool["name"], "weather");
}

#[test]
fn operations_have_their_kinds() {
    for (operation, kind) in [
        ("text_completion", "LLM"),
        ("generate_content", "LLM"),
        ("embeddings", "EMBEDDING"),
        ("execute_tool", "TOOL"),
        ("invoke_agent", "AGENT"),
        ("retrieval", "RETRIEVER"),
        ("invoke_workflow", "CHAIN"),
        ("what the future brings", "LLM"),
    ] {
        let found = translated_of(vec![text("gen_ai.operation.name", operation)]);
        assert_eq!(
            found["openinference.span.kind"].as_str(),
            kind,
            "{operation}"
        );
    }
    let evaluation = translated_of(vec![text("gen_ai.evaluation.name", "judge")]);
    assert_eq!(evaluation["openinference.span.kind"].as_str(), "EVALUATOR");
    let agent = translated_of(vec![text("gen_ai.agent.name", "planner")]);
    assert_eq!(agent["openinference.span.kind"].as_str(), "AGENT");
}

#[test]
fn an_agent_has_what_it_was_asked_and_answered_and_no_tokens_twice() {
    let found = translated_of(vec![
        text("gen_ai.operation.name", "invoke_agent"),
        text("gen_ai.agent.name", "planner"),
        text("gen_ai.prompt", "6 * 7?"),
        text("gen_ai.completion", "42"),
        KeyValue::new("gen_ai.usage.input_tokens", 10),
    ]);
    let string = |text: &str| Value::from(text.to_owned());
    assert_all(
        &found,
        &[
            ("openinference.span.kind", string("AGENT")),
            ("agent.name", string("planner")),
            ("input.value", string("6 * 7?")),
            ("input.mime_type", string("text/plain")),
            ("output.value", string("42")),
            ("output.mime_type", string("text/plain")),
        ],
    );
    assert!(!found.keys().any(|key| key.starts_with("llm.token_count")));
    let rerank = translated_of(vec![
        text("gen_ai.operation.name", "rerank"),
        KeyValue::new("gen_ai.usage.input_tokens", 10),
    ]);
    assert_eq!(rerank["llm.token_count.prompt"], Value::from(10));
}

#[test]
fn messages_of_older_conventions_are_read() {
    let found = translated_of(vec![
        text("gen_ai.system", "Anthropic"),
        text("gen_ai.request.model", "claude"),
        text("gen_ai.prompt.10.role", "tool"),
        text("gen_ai.prompt.10.tool_call_id", "c1"),
        text("gen_ai.prompt.10.content", "22"),
        text("gen_ai.prompt.0.role", "system"),
        text("gen_ai.prompt.0.content", "be brief"),
        text("gen_ai.prompt.1.content", "weather?"),
        text("gen_ai.prompt.2.role", "assistant"),
        text("gen_ai.prompt.2.tool_calls.0.id", "c1"),
        text("gen_ai.prompt.2.tool_calls.0.name", "weather"),
        text(
            "gen_ai.prompt.2.tool_calls.0.arguments",
            r#"{"city":"Rome"}"#,
        ),
        text("gen_ai.completion.0.role", "assistant"),
        text("gen_ai.completion.0.content", "22"),
        text("gen_ai.completion.0.finish_reason", "stop"),
        text("gen_ai.usage.prompt_tokens", "10"),
        text("gen_ai.usage.completion_tokens", "2"),
    ]);
    let string = |text: &str| Value::from(text.to_owned());
    let call = "llm.input_messages.2.message.tool_calls.0.tool_call";
    assert_all(
        &found,
        &[
            ("llm.provider", string("anthropic")),
            ("llm.system", string("anthropic")),
            ("llm.input_messages.0.message.role", string("system")),
            ("llm.input_messages.0.message.content", string("be brief")),
            ("llm.input_messages.1.message.role", string("user")),
            (&format!("{call}.id"), string("c1")),
            (&format!("{call}.function.name"), string("weather")),
            (
                &format!("{call}.function.arguments"),
                string(r#"{"city":"Rome"}"#),
            ),
            ("llm.input_messages.3.message.tool_call_id", string("c1")),
            ("llm.input_messages.3.message.content", string("22")),
            ("llm.output_messages.0.message.content", string("22")),
            ("output.value", string("22")),
            ("llm.finish_reason", string("stop")),
            ("llm.token_count.total", Value::from(12)),
        ],
    );
}

#[test]
fn numbers_and_texts_are_read_as_tracing_formats_them() {
    let found = translated_of(vec![
        text("gen_ai.request.model", r#""gpt-5""#),
        text("gen_ai.request.temperature", "Some(0.5)"),
        text("gen_ai.request.stop_sequences", r#"["a"]"#),
        text("gen_ai.usage.input_tokens", "Some(10)"),
        KeyValue::new("gen_ai.usage.output_tokens", 2.0),
        text("gen_ai.response.finish_reasons", r#"["stop"]"#),
    ]);
    assert_all(
        &found,
        &[
            ("llm.model_name", Value::from("gpt-5")),
            (
                "llm.invocation_parameters",
                Value::from(r#"{"temperature":0.5,"stop_sequences":["a"]}"#),
            ),
            ("llm.token_count.total", Value::from(12)),
            ("llm.finish_reason", Value::from("stop")),
        ],
    );
}

#[test]
fn a_tool_has_its_arguments_as_input_and_its_result_as_output() {
    let found = translated_of(vec![
        text("gen_ai.operation.name", "execute_tool"),
        text("gen_ai.tool.name", "add"),
        text("gen_ai.tool.call.id", "c1"),
        text("gen_ai.tool.call.arguments", r#"{"a":1}"#),
        text("gen_ai.tool.call.result", "not JSON"),
    ]);
    let string = |text: &str| Value::from(text.to_owned());
    assert_all(
        &found,
        &[
            ("tool.name", string("add")),
            ("tool.id", string("c1")),
            ("input.value", string(r#"{"a":1}"#)),
            ("input.mime_type", string("application/json")),
            ("output.value", string("not JSON")),
            ("output.mime_type", string("text/plain")),
        ],
    );
}

#[test]
fn a_retriever_has_its_query_and_documents() {
    let documents = json!([{"id": "d1", "content": "Rome", "score": 0.5}, 7]);
    let found = translated_of(vec![
        text("gen_ai.operation.name", "retrieval"),
        text("gen_ai.retrieval.query.text", "where?"),
        text("gen_ai.retrieval.documents", &documents),
    ]);
    let string = |text: &str| Value::from(text.to_owned());
    assert_all(
        &found,
        &[
            ("input.value", string("where?")),
            ("retrieval.documents.0.document.id", string("d1")),
            ("retrieval.documents.0.document.score", Value::from(0.5)),
        ],
    );
}

#[test]
fn what_a_span_says_itself_wins_and_others_are_left_alone() {
    let own = vec![
        text("gen_ai.request.model", "a"),
        text("llm.model_name", "mine"),
    ];
    assert_eq!(translated_of(own)["llm.model_name"].as_str(), "mine");
    for untouched in [
        vec![
            text("openinference.span.kind", "CHAIN"),
            text("gen_ai.request.model", "a"),
        ],
        vec![text("http.request.method", "GET")],
    ] {
        let mut same = untouched.clone();
        translate(&mut same);
        assert_eq!(same, untouched);
    }
}

#[test]
fn no_form_of_values_is_a_panic() {
    let odd = [
        "",
        "null",
        "[]",
        "[null]",
        "{",
        "[[1]]",
        r#"[{"parts":7}]"#,
        r#"[{"parts":[7,{}]}]"#,
        "7",
    ];
    for odd in odd {
        for key in [
            "gen_ai.input.messages",
            "gen_ai.output.messages",
            "gen_ai.system_instructions",
            "gen_ai.tool.definitions",
            "gen_ai.response.finish_reasons",
            "gen_ai.retrieval.documents",
            "gen_ai.prompt",
            "gen_ai.prompt.0",
            "gen_ai.prompt.x.content",
            "gen_ai.completion.0.content",
            "gen_ai.completion.0.tool_calls.0",
        ] {
            for operation in ["chat", "retrieval", "execute_tool"] {
                let found = translated_of(vec![
                    text("gen_ai.operation.name", operation),
                    text(key, odd),
                ]);
                assert!(found.contains_key("openinference.span.kind"));
            }
        }
    }
}
