//! JSON that grows piece by piece, each with its number.

use serde_json::{Value, json};

/// Choices, blocks, calls and items that are kept.
const MOST_PIECES: usize = 128;

/// The element of this number, an object until it is set; none beyond what is kept.
pub(super) fn element(items: &mut Vec<Value>, index: usize) -> Option<&mut Value> {
    if index >= MOST_PIECES {
        return None;
    }
    if items.len() <= index {
        items.resize_with(index + 1, || json!({}));
    }
    items.get_mut(index)
}

/// The element of `list` that has the number of `piece`, or this one.
pub(super) fn numbered<'a>(
    list: &'a mut Value,
    piece: &Value,
    otherwise: usize,
) -> Option<&'a mut Value> {
    if !list.is_array() {
        *list = json!([]);
    }
    let index = piece["index"]
        .as_u64()
        .map_or(Ok(otherwise), usize::try_from);
    element(list.as_array_mut()?, index.ok()?)
}

/// The first part of a message's content; of what is nothing yet, a message is made.
pub(super) fn first_part(item: &mut Value) -> &mut Value {
    if item.get("type").is_none() {
        item["type"] = "message".into();
        item["role"] = "assistant".into();
    }
    let content = &mut item["content"];
    if !content[0].is_object() {
        *content = json!([{"type": "output_text"}]);
    }
    &mut content[0]
}

/// Takes the texts and numbers of these keys over, as far as bytes are left.
pub(super) fn set(target: &mut Value, from: &Value, keys: &[&str], left: &mut usize) {
    for &key in keys {
        let value = &from[key];
        let length = match value {
            Value::String(text) => text.len(),
            Value::Number(_) => 0,
            _ => continue,
        };
        if length <= *left && target.get(key) != Some(value) {
            *left -= length;
            target[key] = value.clone();
        }
    }
}

/// Lets the text of `key` go on, as far as bytes are left.
pub(super) fn append(target: &mut Value, key: &str, more: Option<&str>, left: &mut usize) {
    let Some(more) = more.filter(|more| !more.is_empty()) else {
        return;
    };
    if more.len() > *left {
        *left = 0;
        return;
    }
    *left -= more.len();
    match target.get_mut(key) {
        Some(Value::String(text)) => text.push_str(more),
        _ => target[key] = more.into(),
    }
}
