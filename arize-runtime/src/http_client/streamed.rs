//! The answer that the events of a stream add up to, in the form in which it comes without streaming.

use serde_json::{Map, Value, json};

use super::api::Api;
use super::json::{list, text};
use super::pieces::{append, element, first_part, numbered, set};

/// What the end of a message says anew.
const COUNTS: [&str; 4] = [
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
];

/// An answer so far.
#[derive(Debug)]
pub(super) struct Streamed {
    api: Api,
    answer: Value,
    /// Of the responses API and of messages: what `answer` will have as `output` or `content`.
    items: Vec<Value>,
    /// Bytes that may still be kept.
    left: usize,
    is_complete: bool,
}

impl Streamed {
    /// Keeps at most so many bytes of what the model says.
    pub(super) fn new(api: Api, most: usize) -> Self {
        Self {
            api,
            answer: json!({}),
            items: Vec::new(),
            left: most,
            is_complete: false,
        }
    }

    /// Whether the stream said that it was at its end.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Takes the data of the next event.
    pub(super) fn push(&mut self, data: &str) {
        if data.trim() == "[DONE]" {
            self.is_complete = true;
            return;
        }
        let Ok(mut event) = serde_json::from_str::<Value>(data) else {
            return;
        };
        if event["error"].is_object() {
            self.answer["error"] = event["error"].take();
            return;
        }
        match self.api {
            Api::ChatCompletions => self.chat(&mut event),
            Api::Completions => self.completion(&mut event),
            Api::Responses => self.response(event, data.len()),
            Api::Messages => self.message(event, data.len()),
            Api::Embeddings => {}
        }
    }

    pub(super) fn finish(mut self) -> Value {
        match self.api {
            Api::Responses if list(&self.answer, "output").is_empty() => {
                self.answer["output"] = self.items.into();
            }
            Api::Messages if !self.items.is_empty() => {
                let blocks = self.items.into_iter().map(whole_block);
                self.answer["content"] = blocks.collect();
            }
            _ => {}
        }
        self.answer
    }

    fn head(&mut self, event: &mut Value) {
        for key in ["id", "model"] {
            if event[key].is_string() {
                self.answer[key] = event[key].take();
            }
        }
        if event["usage"].is_object() {
            self.answer["usage"] = event["usage"].take();
        }
    }

    fn chat(&mut self, event: &mut Value) {
        self.head(event);
        for choice in list(event, "choices") {
            let mut message = Map::new();
            let Some(at) = numbered(&mut self.answer["choices"], choice, 0) else {
                continue;
            };
            set(at, choice, &["finish_reason", "index"], &mut self.left);
            if let Some(Value::Object(so_far)) = at.get_mut("message") {
                message = std::mem::take(so_far);
            }
            let mut message = Value::Object(message);
            let delta = &choice["delta"];
            set(&mut message, delta, &["role"], &mut self.left);
            for key in ["content", "refusal", "reasoning_content", "reasoning"] {
                append(&mut message, key, text(delta, key), &mut self.left);
            }
            for (n, call) in list(delta, "tool_calls").iter().enumerate() {
                let Some(so_far) = numbered(&mut message["tool_calls"], call, n) else {
                    continue;
                };
                set(so_far, call, &["id", "type"], &mut self.left);
                let function = &mut so_far["function"];
                set(function, &call["function"], &["name"], &mut self.left);
                let arguments = text(&call["function"], "arguments");
                append(function, "arguments", arguments, &mut self.left);
            }
            at["message"] = message;
        }
    }

    fn completion(&mut self, event: &mut Value) {
        self.head(event);
        for choice in list(event, "choices") {
            if let Some(at) = numbered(&mut self.answer["choices"], choice, 0) {
                set(at, choice, &["finish_reason", "index"], &mut self.left);
                append(at, "text", text(choice, "text"), &mut self.left);
            }
        }
    }

    fn response(&mut self, mut event: Value, length: usize) {
        let kind = text(&event, "type").unwrap_or_default().to_owned();
        if event["response"].is_object() {
            let is_last = ["completed", "incomplete", "failed"]
                .iter()
                .any(|end| kind.ends_with(end));
            self.is_complete |= is_last;
            // it replaces the last one
            self.answer = event["response"].take();
            return;
        }
        let item = self.item(&event, "output_index");
        let delta = text(&event, "delta");
        match kind.as_str() {
            "response.output_item.added" | "response.output_item.done" => {
                if self.affords(length)
                    && event["item"].is_object()
                    && let Some(item) = self.item(&event, "output_index")
                {
                    *item.0 = event["item"].take();
                }
            }
            "response.output_text.delta" => {
                if let Some((item, left)) = item {
                    append(first_part(item), "text", delta, left);
                }
            }
            "response.function_call_arguments.delta" => {
                if let Some((item, left)) = item {
                    append(item, "arguments", delta, left);
                }
            }
            "error" => self.answer["error"] = event,
            _ => {}
        }
    }

    fn message(&mut self, mut event: Value, length: usize) {
        let kind = text(&event, "type").unwrap_or_default().to_owned();
        match kind.as_str() {
            "message_start" if event["message"].is_object() => {
                self.answer = event["message"].take();
            }
            "content_block_start" if event["content_block"].is_object() => {
                if self.affords(length)
                    && let Some((block, _)) = self.item(&event, "index")
                {
                    *block = event["content_block"].take();
                }
            }
            "content_block_delta" => {
                let delta = &event["delta"];
                if let Some((block, left)) = self.item(&event, "index") {
                    for key in ["text", "thinking", "signature", "partial_json"] {
                        append(block, key, text(delta, key), left);
                    }
                }
            }
            "message_delta" => {
                set(
                    &mut self.answer,
                    &event["delta"],
                    &["stop_reason", "stop_sequence"],
                    &mut self.left,
                );
                let usage = &mut self.answer["usage"];
                if !usage.is_object() {
                    *usage = json!({});
                }
                set(usage, &event["usage"], &COUNTS, &mut self.left);
            }
            "message_stop" => self.is_complete = true,
            _ => {}
        }
    }

    fn affords(&mut self, bytes: usize) -> bool {
        let affordable = bytes <= self.left;
        if affordable {
            self.left -= bytes;
        }
        affordable
    }

    /// The item that `event` is about, an object, and the bytes that are left.
    fn item(&mut self, event: &Value, key: &str) -> Option<(&mut Value, &mut usize)> {
        let index = usize::try_from(event.get(key)?.as_u64()?).ok()?;
        let item = element(&mut self.items, index)?;
        Some((item, &mut self.left))
    }
}

/// A block whose input came in pieces.
fn whole_block(mut block: Value) -> Value {
    let pieces = block
        .as_object_mut()
        .and_then(|block| block.remove("partial_json"));
    match pieces {
        Some(Value::String(json)) if !json.is_empty() => {
            block["input"] = serde_json::from_str(&json).unwrap_or(Value::String(json));
        }
        _ => {}
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streamed(api: Api, most: usize, events: &[Value]) -> Value {
        let mut streamed = Streamed::new(api, most);
        for event in events {
            streamed.push(&event.to_string());
        }
        streamed.finish()
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let delta = json!({"choices": [{"index": 0, "delta": {"content": "1234567890"}}]});
        let usage = json!({"choices": [], "usage": {"total_tokens": 3}});
        let answer = streamed(
            Api::ChatCompletions,
            25,
            &[delta.clone(), delta.clone(), delta, usage],
        );
        assert_eq!(
            answer["choices"][0]["message"]["content"],
            "12345678901234567890"
        );
        assert_eq!(answer["usage"]["total_tokens"], 3);
        let far = json!({"choices": [{"index": u64::MAX, "delta": {"content": "x"}}]});
        let answer = streamed(Api::ChatCompletions, 25, &[far]);
        assert_eq!(answer["choices"], json!([]));
    }

    #[test]
    fn a_response_that_breaks_off_is_what_came() {
        let item =
            json!({"type": "function_call", "name": "weather", "call_id": "c", "arguments": ""});
        let answer = streamed(
            Api::Responses,
            1000,
            &[
                json!({"type": "response.created", "response": {"model": "m", "output": []}}),
                json!({"type": "response.output_text.delta", "output_index": 0, "delta": "It"}),
                json!({"type": "response.output_text.delta", "output_index": 0, "delta": " is"}),
                json!({"type": "response.output_item.added", "output_index": 1, "item": item}),
                json!({"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "{}"}),
            ],
        );
        assert_eq!(answer["model"], "m");
        assert_eq!(answer["output"][0]["content"][0]["text"], "It is");
        assert_eq!(answer["output"][1]["arguments"], "{}");
    }

    /// Every member of every event is, in its turn, something that it should not be.
    #[test]
    fn events_of_any_shape_are_taken() {
        const APIS: [Api; 5] = [
            Api::ChatCompletions,
            Api::Completions,
            Api::Embeddings,
            Api::Messages,
            Api::Responses,
        ];
        let events = [
            json!({"model": "m", "usage": {}, "choices": [{"index": 0, "text": "x", "finish_reason": "stop",
                "delta": {"role": "a", "content": "x", "tool_calls": [{"index": 0, "function": {"arguments": "x"}}]}}]}),
            json!({"type": "message_start", "message": {"content": [], "usage": {}}}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "input": {}}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"partial_json": "x", "text": "x"}}),
            json!({"type": "message_delta", "delta": {"stop_reason": "x"}, "usage": {"output_tokens": 1}}),
            json!({"type": "response.created", "response": {"output": []}}),
            json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "content": []}}),
            json!({"type": "response.output_text.delta", "output_index": 0, "delta": "x"}),
            json!({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "x"}),
            json!({"type": "error", "message": "x"}),
        ];
        let mut taken = 0;
        for api in APIS {
            let all: Vec<_> = events.iter().flat_map(wrong).collect();
            for wrong in &all {
                // first and last of all, since what came before decides what is there
                let first = std::iter::once(wrong)
                    .chain(&events)
                    .chain([wrong])
                    .cloned();
                let answer = streamed(api, 1000, &first.collect::<Vec<_>>());
                crate::http_client::model::read(api, &answer, &answer);
                taken += 1;
            }
        }
        assert!(taken > 1000, "{taken}");
    }

    /// `value` with each of its members replaced by what it is not.
    fn wrong(value: &Value) -> Vec<Value> {
        let others = [
            json!(null),
            json!("x"),
            json!([1]),
            json!({"a": 1}),
            json!(-1),
            json!(["x", {}]),
        ];
        let mut all = others.to_vec();
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    all.extend(wrong(member).into_iter().map(|other| {
                        let mut members = members.clone();
                        members.insert(key.clone(), other);
                        Value::Object(members)
                    }));
                }
            }
            Value::Array(elements) => {
                for (n, element) in elements.iter().enumerate() {
                    all.extend(wrong(element).into_iter().map(|other| {
                        let mut elements = elements.clone();
                        elements[n] = other;
                        Value::Array(elements)
                    }));
                }
            }
            _ => {}
        }
        all
    }
}
