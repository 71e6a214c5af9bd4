//! Messages of a model: `{role, parts: [{type, ..}], finish_reason}` in JSON.

use serde_json::Value as Json;

use super::{Source, indexed};
use crate::attributes::{Attributes, Content, Message, Role, ToolCall};

pub(super) const INPUT: &str = "gen_ai.input.messages";
pub(super) const OUTPUT: &str = "gen_ai.output.messages";

/// What the model was told and asked, its instructions first. Some libraries have them among the messages as well.
pub(super) fn input(source: &Source<'_>) -> Vec<Message> {
    let asked = asked(source);
    let told = asked.as_ref().and_then(Json::as_array).is_some_and(|all| {
        let mut roles = all.iter().map(|message| &message["role"]);
        roles.any(|role| role == "system")
    });
    let instructions = match source.json("gen_ai.system_instructions").filter(|_| !told) {
        Some(Json::Array(parts)) => message(Role::System, &parts),
        Some(Json::String(text)) => vec![Message::system(text)],
        _ => Vec::new(),
    };
    let asked = of(asked, &Role::User);
    instructions.into_iter().chain(asked).collect()
}

/// What the model answered.
pub(super) fn output(source: &Source<'_>) -> Vec<Message> {
    of(answered(source), &Role::Assistant)
}

fn asked(source: &Source<'_>) -> Option<Json> {
    let asked = source.json(INPUT);
    asked.or_else(|| indexed::messages(source, indexed::PROMPT))
}

fn answered(source: &Source<'_>) -> Option<Json> {
    let answered = source.json(OUTPUT);
    answered.or_else(|| indexed::messages(source, indexed::COMPLETION))
}

/// Why the model stopped: one reason, of the first choice.
pub(super) fn finish_reason(source: &Source<'_>) -> Option<String> {
    let reason = match source.json("gen_ai.response.finish_reasons") {
        Some(Json::Array(reasons)) => reasons.first().and_then(Json::as_str).map(str::to_owned),
        Some(Json::String(reason)) => Some(reason),
        _ => None,
    };
    let of_message = || {
        let messages = answered(source)?;
        Some(messages[0]["finish_reason"].as_str()?.to_owned())
    };
    reason.or_else(of_message)
}

/// The messages as they are; an answer that is one text is that text.
pub(super) fn values(source: &Source<'_>) -> Attributes {
    let mut values = Attributes::new();
    if let Some(asked) = asked(source) {
        values = values.input(&asked);
    }
    if let Some(answer) = answered(source) {
        values = match only_text(&answer) {
            Some(text) => values.output(text),
            None => values.output(&answer),
        };
    }
    values
}

fn only_text(messages: &Json) -> Option<&str> {
    let [message] = messages.as_array()?.as_slice() else {
        return None;
    };
    match parts(message) {
        [part] if part["type"] == "text" => part["content"].as_str(),
        _ => message["content"].as_str(),
    }
}

fn of(messages: Option<Json>, role: &Role) -> Vec<Message> {
    match messages {
        Some(Json::Array(messages)) => messages
            .iter()
            .flat_map(|said| {
                let role = said["role"].as_str().map_or(role.clone(), Role::from);
                match said["content"].as_str() {
                    Some(text) => vec![Message::new(role).content(text)],
                    None => message(role, parts(said)),
                }
            })
            .collect(),
        Some(Json::String(text)) => vec![Message::new(role.clone()).content(text)],
        _ => Vec::new(),
    }
}

fn parts(message: &Json) -> &[Json] {
    message["parts"].as_array().map_or(&[], Vec::as_slice)
}

/// One message, or one for each result of a tool, since a message names one call.
fn message(role: Role, parts: &[Json]) -> Vec<Message> {
    let is = |part: &Json, kind: &str| part["type"] == kind;
    let mut results = Vec::new();
    for part in parts.iter().filter(|part| is(part, "tool_call_response")) {
        let result = [&part["response"], &part["result"]];
        let result = result.into_iter().find(|result| !result.is_null());
        let id = part["id"].as_str().unwrap_or_default();
        results.push(Message::tool(id, result.map_or_else(String::new, text_of)));
    }
    let calls = parts.iter().filter(|part| is(part, "tool_call")).map(call);
    let said: Vec<&Json> = parts
        .iter()
        .filter(|part| !is(part, "tool_call") && !is(part, "tool_call_response"))
        .collect();
    let mut message = Message::new(role).tool_calls(calls);
    message = match said.as_slice() {
        [text] if is(text, "text") => message.content(text_of(&text["content"])),
        said => message.parts(said.iter().copied().filter_map(content)),
    };
    let only_results = !results.is_empty() && results.len() == parts.len();
    if !only_results {
        results.insert(0, message);
    }
    results
}

fn call(part: &Json) -> ToolCall {
    let name = part["name"].as_str().unwrap_or_default();
    let call = ToolCall::new(name, &part["arguments"]);
    match part["id"].as_str() {
        Some(id) => call.id(id),
        None => call,
    }
}

/// One of several parts; of kinds that OpenInference has no word for, its JSON.
fn content(part: &Json) -> Option<Content> {
    let text = |name: &str| part[name].as_str();
    Some(match text("type")? {
        "text" => Content::text(text_of(&part["content"])),
        "reasoning" => Content::reasoning(text_of(&part["content"])),
        "blob" if is_image(part) => {
            let mime_type = text("mime_type").unwrap_or("image/png");
            let data = text("content").or_else(|| text("data"))?;
            Content::image(format!("data:{mime_type};base64,{data}"))
        }
        "uri" if is_image(part) => Content::image(text("uri")?),
        _ => Content::text(part.to_string()),
    })
}

fn is_image(part: &Json) -> bool {
    let image_type = |name: &str| part[name].as_str().is_some_and(|t| t.starts_with("image"));
    image_type("modality") || image_type("mime_type")
}

/// A text as it is, anything else as JSON.
fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        value => value.to_string(),
    }
}
