//! Reading JSON that may be anything.

use serde_json::Value;

use crate::attributes::{Content, Message};

pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

pub(super) fn count(value: &Value, key: &str) -> Option<u64> {
    value.get(key)?.as_u64()
}

/// The elements of a list, none of what is no list.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    let list = value.get(key).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// The request without what has attributes of its own; none where nothing is left.
pub(super) fn parameters(request: &Value, elsewhere: &[&str]) -> Option<Value> {
    let fields = request.as_object()?.iter();
    let rest: serde_json::Map<_, _> = fields
        .filter(|(key, _)| !elsewhere.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    (!rest.is_empty()).then(|| rest.into())
}

/// One part of a message.
pub(super) enum Part {
    Text(String),
    Other(Content),
}

impl Part {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// `message` with these parts; a text alone is its content.
pub(super) fn with_parts(message: Message, mut parts: Vec<Part>) -> Message {
    if let [Part::Text(_)] = parts[..]
        && let Some(Part::Text(text)) = parts.pop()
    {
        return message.content(text);
    }
    message.parts(parts.into_iter().map(|part| match part {
        Part::Text(text) => Content::text(text),
        Part::Other(content) => content,
    }))
}
