//! Chat completions, completions and embeddings of `OpenAI`.

use axum::response::Response;
use serde_json::{Value, json};

use super::{ANSWER, ARGUMENTS, argument_pieces, json_response, models, sse_response, text, words};

/// The tool that the model calls now.
fn called(body: &Value) -> Option<&str> {
    let answered = body["messages"]
        .as_array()?
        .iter()
        .any(|m| m["role"] == "tool");
    (!answered).then_some(())?;
    body["tools"][0]["function"]["name"].as_str()
}

fn usage() -> Value {
    json!({
        "prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29,
        "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 3, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0
        }
    })
}

pub(super) fn chat(body: &Value) -> Response {
    if body["stream"] == true {
        return sse_response(body, &chat_events(body));
    }
    let (message, reason) = match called(body) {
        Some(tool) => {
            let function = json!({"name": tool, "arguments": ARGUMENTS});
            let call = json!({"id": "call_1", "type": "function", "function": function});
            let message = json!({
                "role": "assistant", "content": null, "tool_calls": [call], "refusal": null
            });
            (message, "tool_calls")
        }
        None => (
            json!({"role": "assistant", "content": ANSWER, "refusal": null}),
            "stop",
        ),
    };
    json_response(&json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_741_569_952,
        "model": answering(body), "service_tier": "default", "system_fingerprint": null,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": reason}],
        "usage": usage()
    }))
}

/// The model that answers has a date, unlike the one that was asked.
fn answering(body: &Value) -> String {
    format!("{}-2026-01-01", text(body, "model"))
}

fn chat_events(body: &Value) -> String {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_741_569_952,
            "model": answering(body), "system_fingerprint": null, "choices": choices, "usage": usage
        });
        format!("data: {chunk}\n\n")
    };
    let delta = |delta: Value| {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": null});
        chunk(json!([choice]), Value::Null)
    };
    let mut events = delta(json!({"role": "assistant", "content": ""}));
    if text(body, "model") == models::FAILS_MIDWAY {
        events += &delta(json!({"content": "It is "}));
        let error = json!({"message": "The server had an error.", "type": "server_error"});
        return events + &format!("data: {}\n\n", json!({"error": error}));
    }
    let reason = if let Some(tool) = called(body) {
        for (n, piece) in argument_pieces().into_iter().enumerate() {
            let mut call = json!({"index": 0, "function": {"arguments": piece}});
            if n == 0 {
                call["id"] = "call_1".into();
                call["type"] = "function".into();
                call["function"]["name"] = tool.into();
            }
            events += &delta(json!({"tool_calls": [call]}));
        }
        "tool_calls"
    } else {
        events.extend(words().map(|word| delta(json!({"content": word}))));
        "stop"
    };
    let last = json!({"index": 0, "delta": {}, "logprobs": null, "finish_reason": reason});
    events += &chunk(json!([last]), Value::Null);
    if body["stream_options"]["include_usage"] == true {
        events += &chunk(json!([]), usage());
    }
    events + "data: [DONE]\n\n"
}

pub(super) fn completions(body: &Value) -> Response {
    json_response(&json!({
        "id": "cmpl-1", "object": "text_completion", "created": 1_741_569_952,
        "model": answering(body), "system_fingerprint": null,
        "choices": [{"text": ANSWER, "index": 0, "logprobs": null, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    }))
}

/// A vector for each text.
pub(super) fn embeddings(body: &Value) -> Response {
    let texts = body["input"].as_array().map_or(1, Vec::len);
    let vector = |index| json!({"object": "embedding", "index": index, "embedding": [0.5, -0.25]});
    let data: Vec<_> = (0..texts).map(vector).collect();
    json_response(&json!({
        "object": "list", "data": data, "model": text(body, "model"),
        "usage": {"prompt_tokens": 8, "total_tokens": 8}
    }))
}
