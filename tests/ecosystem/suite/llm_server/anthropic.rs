//! The messages API of Anthropic.

use axum::response::Response;
use serde_json::{Value, json};

use super::{ANSWER, ARGUMENTS, argument_pieces, json_response, models, sse_response, text, words};

/// The tool that the model calls now.
fn called(body: &Value) -> Option<&str> {
    let has_result = |message: &Value| {
        let blocks = message["content"].as_array();
        blocks.is_some_and(|blocks| blocks.iter().any(|block| block["type"] == "tool_result"))
    };
    let answered = body["messages"].as_array()?.iter().any(has_result);
    (!answered).then_some(())?;
    body["tools"][0]["name"].as_str()
}

fn message(body: &Value, content: &Value, reason: Option<&str>, output_tokens: u32) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": text(body, "model"),
        "content": content, "stop_reason": reason, "stop_sequence": null,
        "usage": {
            "input_tokens": 25, "cache_creation_input_tokens": 4, "cache_read_input_tokens": 11,
            "output_tokens": output_tokens, "service_tier": "standard"
        }
    })
}

pub(super) fn messages(body: &Value) -> Response {
    if body["stream"] == true {
        return sse_response(body, &events(body));
    }
    let answer = if let Some(tool) = called(body) {
        let input: Value = serde_json::from_str(ARGUMENTS).unwrap();
        let content = json!([
            {"type": "text", "text": "I look it up."},
            {"type": "tool_use", "id": "toolu_1", "name": tool, "input": input}
        ]);
        message(body, &content, Some("tool_use"), 15)
    } else {
        let content = json!([{"type": "text", "text": ANSWER}]);
        message(body, &content, Some("end_turn"), 15)
    };
    json_response(&answer)
}

fn event(kind: &str, mut fields: Value) -> String {
    fields["type"] = kind.into();
    format!("event: {kind}\ndata: {fields}\n\n")
}

fn block(index: u32, start: &Value, deltas: impl Iterator<Item = Value>) -> String {
    let start = json!({"index": index, "content_block": start});
    let mut events = event("content_block_start", start);
    for delta in deltas {
        events += &event(
            "content_block_delta",
            json!({"index": index, "delta": delta}),
        );
    }
    events + &event("content_block_stop", json!({"index": index}))
}

fn events(body: &Value) -> String {
    let begun = json!({"message": message(body, &json!([]), None, 1)});
    let mut events = event("message_start", begun) + &event("ping", json!({}));
    if text(body, "model") == models::FAILS_MIDWAY {
        let error = json!({"type": "overloaded_error", "message": "Overloaded"});
        return events + &event("error", json!({"error": error}));
    }
    let say = |text: &str| json!({"type": "text_delta", "text": text});
    let text_block = json!({"type": "text", "text": ""});
    let reason = if let Some(tool) = called(body) {
        events += &block(0, &text_block, ["I look ", "it up."].into_iter().map(say));
        let start = json!({"type": "tool_use", "id": "toolu_1", "name": tool, "input": {}});
        let delta = |piece| json!({"type": "input_json_delta", "partial_json": piece});
        events += &block(1, &start, argument_pieces().into_iter().map(delta));
        "tool_use"
    } else {
        events += &block(0, &text_block, words().map(say));
        "end_turn"
    };
    let delta = json!({"stop_reason": reason, "stop_sequence": null});
    events += &event(
        "message_delta",
        json!({"delta": delta, "usage": {"output_tokens": 15}}),
    );
    events + &event("message_stop", json!({}))
}
