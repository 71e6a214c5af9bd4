//! The responses API of `OpenAI`.

use axum::response::Response;
use serde_json::{Value, json};

use super::{ANSWER, ARGUMENTS, argument_pieces, json_response, models, sse_response, text, words};

/// The tool that the model calls now.
fn called(body: &Value) -> Option<&str> {
    let is_result = |item: &Value| item["type"] == "function_call_output";
    let answered = body["input"]
        .as_array()
        .is_some_and(|items| items.iter().any(is_result));
    (!answered).then_some(())?;
    body["tools"][0]["name"].as_str()
}

fn response(body: &Value, status: &str, output: &Value) -> Value {
    let usage = json!({
        "input_tokens": 36, "input_tokens_details": {"cached_tokens": 16, "cache_write_tokens": 0},
        "output_tokens": 87, "output_tokens_details": {"reasoning_tokens": 64},
        "total_tokens": 123
    });
    let usage = if status == "completed" {
        usage
    } else {
        Value::Null
    };
    json!({
        "id": "resp_1", "object": "response", "created_at": 1_741_476_777, "status": status,
        "error": null, "incomplete_details": null, "instructions": body["instructions"],
        "max_output_tokens": null, "model": format!("{}-2026-01-01", text(body, "model")),
        "output": output, "parallel_tool_calls": true, "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null}, "store": true, "temperature": 1.0,
        "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "truncation": "disabled", "usage": usage, "user": null, "metadata": {}
    })
}

fn message(text: &str, status: &str) -> Value {
    let content = if text.is_empty() {
        json!([])
    } else {
        json!([{"type": "output_text", "text": text, "annotations": [], "logprobs": []}])
    };
    json!({
        "type": "message", "id": "msg_1", "status": status, "role": "assistant", "content": content
    })
}

fn call(tool: &str, arguments: &str, status: &str) -> Value {
    json!({
        "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": tool,
        "arguments": arguments, "status": status
    })
}

pub(super) fn responses(body: &Value) -> Response {
    if body["stream"] == true {
        return sse_response(body, &events(body));
    }
    let item = match called(body) {
        Some(tool) => call(tool, ARGUMENTS, "completed"),
        None => message(ANSWER, "completed"),
    };
    json_response(&response(body, "completed", &json!([item])))
}

fn events(body: &Value) -> String {
    let mut sequence = 0;
    let mut event = |kind: &str, mut fields: Value| {
        fields["type"] = kind.into();
        fields["sequence_number"] = sequence.into();
        sequence += 1;
        format!("event: {kind}\ndata: {fields}\n\n")
    };
    let begun = response(body, "in_progress", &json!([]));
    let mut events = event("response.created", json!({"response": begun}));
    events += &event("response.in_progress", json!({"response": begun}));
    if text(body, "model") == models::FAILS_MIDWAY {
        let mut failed = response(body, "failed", &json!([]));
        failed["error"] = json!({"code": "server_error", "message": "The server had an error."});
        return events + &event("response.failed", json!({"response": failed}));
    }
    let item = if let Some(tool) = called(body) {
        let at = json!({"item_id": "fc_1", "output_index": 0});
        let with = |key: &str, value: &str| with(&at, key, value);
        let added = json!({"output_index": 0, "item": call(tool, "", "in_progress")});
        events += &event("response.output_item.added", added);
        for piece in argument_pieces() {
            let delta = with("delta", piece);
            events += &event("response.function_call_arguments.delta", delta);
        }
        let mut done = with("arguments", ARGUMENTS);
        done["name"] = tool.into();
        events += &event("response.function_call_arguments.done", done);
        call(tool, ARGUMENTS, "completed")
    } else {
        let at = json!({"item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": []});
        let added = json!({"output_index": 0, "item": message("", "in_progress")});
        events += &event("response.output_item.added", added);
        let part =
            |text| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
        let place = json!({"item_id": "msg_1", "output_index": 0, "content_index": 0});
        let mut started = place.clone();
        started["part"] = part("");
        events += &event("response.content_part.added", started);
        for word in words() {
            events += &event("response.output_text.delta", with(&at, "delta", word));
        }
        events += &event("response.output_text.done", with(&at, "text", ANSWER));
        let mut done = place;
        done["part"] = part(ANSWER);
        events += &event("response.content_part.done", done);
        message(ANSWER, "completed")
    };
    let done = json!({"output_index": 0, "item": item});
    events += &event("response.output_item.done", done);
    let whole = response(body, "completed", &json!([item]));
    events + &event("response.completed", json!({"response": whole}))
}

fn with(fields: &Value, key: &str, value: &str) -> Value {
    let mut fields = fields.clone();
    fields[key] = value.into();
    fields
}
