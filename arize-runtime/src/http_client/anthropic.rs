//! The messages API of Anthropic: what of a request and of its answer is recorded.

use serde_json::Value;

use super::json::{Part, count, list, parameters, text, with_parts};
use crate::attributes::{Content, Document, Llm, LlmTool, Message, Role, TokenCount, ToolCall};

/// What has attributes of its own.
const ELSEWHERE: [&str; 4] = ["model", "messages", "system", "tools"];

pub(super) fn request(request: &Value) -> Llm {
    let system = request.get("system");
    let system = system.map(|system| said(Message::new(Role::System), system));
    Llm::new()
        .invocation_parameters(&parameters(request, &ELSEWHERE))
        .input_messages(system)
        .input_messages(list(request, "messages").iter().flat_map(messages))
        .tools(list(request, "tools").iter().map(LlmTool::of_schema))
}

pub(super) fn response(response: &Value) -> Llm {
    let usage = &response["usage"];
    let of = |key| count(usage, key);
    let (read, written) = (
        of("cache_read_input_tokens"),
        of("cache_creation_input_tokens"),
    );
    // cached tokens are counted apart
    let cached = read.unwrap_or(0).saturating_add(written.unwrap_or(0));
    let prompt = of("input_tokens").map(|plain| plain.saturating_add(cached));
    let completion = of("output_tokens");
    let total = prompt
        .zip(completion)
        .map(|(prompt, completion)| prompt.saturating_add(completion));
    let role = text(response, "role").unwrap_or("assistant");
    let answer = said(Message::new(role), &response["content"]);
    Llm::new()
        .output_messages(response.get("content").map(|_| answer))
        .finish_reason(text(response, "stop_reason"))
        .token_count(
            TokenCount::new()
                .prompt(prompt)
                .completion(completion)
                .total(total)
                .cache_read(read)
                .cache_write(written),
        )
}

/// Results of tools are messages of their own, as everywhere but here.
fn messages(message: &Value) -> Vec<Message> {
    let role = text(message, "role").unwrap_or("user");
    let blocks = list(message, "content");
    let is_result = |block: &&Value| text(block, "type") == Some("tool_result");
    let results = blocks.iter().filter(is_result).map(|block| {
        let result = Message::new(Role::Tool).tool_call_id(text(block, "tool_use_id"));
        said(result, &block["content"])
    });
    let mut messages: Vec<_> = results.collect();
    if messages.is_empty() || messages.len() < blocks.len() {
        messages.push(said(Message::new(role), &message["content"]));
    }
    messages
}

fn said(message: Message, content: &Value) -> Message {
    match content {
        Value::String(text) => message.content(text),
        Value::Array(blocks) => {
            let calls = blocks.iter().filter_map(tool_call);
            let parts = blocks.iter().filter_map(part).collect();
            with_parts(message.tool_calls(calls), parts)
        }
        _ => message,
    }
}

fn part(block: &Value) -> Option<Part> {
    let other = match text(block, "type")? {
        "text" => return Some(Part::text(text(block, "text")?)),
        "thinking" => {
            Content::reasoning(text(block, "thinking")?).signature(text(block, "signature"))
        }
        "redacted_thinking" => Content::hidden_reasoning().data(text(block, "data")),
        "image" => Content::image(image_url(&block["source"])?),
        "document" => {
            let document = Document::default()
                .name(text(block, "title"))
                .url(text(&block["source"], "url"))
                .mime_type(text(&block["source"], "media_type"));
            Content::document(document)
        }
        _ => return None,
    };
    Some(Part::Other(other))
}

fn image_url(source: &Value) -> Option<String> {
    if let Some(url) = text(source, "url") {
        return Some(url.to_owned());
    }
    let (media_type, data) = (text(source, "media_type")?, text(source, "data")?);
    Some(format!("data:{media_type};base64,{data}"))
}

fn tool_call(block: &Value) -> Option<ToolCall> {
    (text(block, "type")? == "tool_use").then_some(())?;
    let call = ToolCall::new(text(block, "name")?, &block["input"]);
    Some(call.id(text(block, "id")))
}
