//! Messages of older conventions: `gen_ai.prompt` as one text, or `gen_ai.prompt.0.content` and the like.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::Source;

pub(super) const PROMPT: &str = "gen_ai.prompt";
pub(super) const COMPLETION: &str = "gen_ai.completion";

/// In the form that messages have now, or the text that is there instead of them.
pub(super) fn messages(source: &Source<'_>, prefix: &str) -> Option<Json> {
    match source.json(prefix) {
        Some(list @ Json::Array(_)) => Some(list),
        Some(_) => source.text(prefix).map(Json::from),
        None => listed(source, prefix),
    }
}

#[derive(Default)]
struct Message {
    fields: Map<String, Json>,
    calls: BTreeMap<u32, Map<String, Json>>,
}

fn listed(source: &Source<'_>, prefix: &str) -> Option<Json> {
    let mut all: BTreeMap<u32, Message> = BTreeMap::new();
    for kv in source.0 {
        let rest = kv.key.as_str().strip_prefix(prefix);
        let Some((at, field)) = rest
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(indexed)
        else {
            continue;
        };
        let message = all.entry(at).or_default();
        let call = field.strip_prefix("tool_calls.").and_then(indexed);
        let (fields, field) = match call {
            Some((at, field)) => (message.calls.entry(at).or_default(), field),
            None => (&mut message.fields, field),
        };
        fields.insert(field.to_owned(), Json::from(kv.value.as_str()));
    }
    let list: Vec<_> = all.into_values().map(in_parts).collect();
    (!list.is_empty()).then_some(Json::Array(list))
}

/// `0.content`
fn indexed(key: &str) -> Option<(u32, &str)> {
    let (at, field) = key.split_once('.')?;
    Some((at.parse().ok()?, field))
}

fn in_parts(Message { mut fields, calls }: Message) -> Json {
    let mut take = |name: &str| fields.remove(name);
    let (content, id) = (take("content"), take("tool_call_id"));
    let said = content.map(|content| match &id {
        Some(id) => json!({"type": "tool_call_response", "id": id, "response": content}),
        None => json!({"type": "text", "content": content}),
    });
    let calls = calls.into_values().map(|mut call| {
        call.insert("type".to_owned(), Json::from("tool_call"));
        Json::Object(call)
    });
    let parts: Vec<_> = said.into_iter().chain(calls).collect();
    fields.insert("parts".to_owned(), Json::Array(parts));
    Json::Object(fields)
}
