//! The responses API of `OpenAI`: what of a request and of its answer is recorded.

use serde_json::Value;

use super::json::{Part, count, list, parameters, text, with_parts};
use crate::attributes::{Content, Document, Llm, LlmTool, Message, Role, TokenCount, ToolCall};

/// What has attributes of its own.
const ELSEWHERE: [&str; 4] = ["model", "input", "instructions", "tools"];

pub(super) fn request(request: &Value) -> Llm {
    let llm = Llm::new()
        .invocation_parameters(&parameters(request, &ELSEWHERE))
        .input_messages(text(request, "instructions").map(Message::system));
    let llm = match &request["input"] {
        Value::String(text) => llm.input_message(Message::user(text)),
        _ => llm.input_messages(list(request, "input").iter().filter_map(item)),
    };
    llm.tools(list(request, "tools").iter().map(LlmTool::of_schema))
}

pub(super) fn response(response: &Value) -> Llm {
    let reason = text(&response["incomplete_details"], "reason");
    let usage = &response["usage"];
    let (input, output) = (
        &usage["input_tokens_details"],
        &usage["output_tokens_details"],
    );
    Llm::new()
        .output_messages(list(response, "output").iter().filter_map(item))
        .finish_reason(reason.or_else(|| text(response, "status")))
        .token_count(
            TokenCount::new()
                .prompt(count(usage, "input_tokens"))
                .completion(count(usage, "output_tokens"))
                .total(count(usage, "total_tokens"))
                .cache_read(count(input, "cached_tokens"))
                .cache_write(count(input, "cache_write_tokens"))
                .reasoning(count(output, "reasoning_tokens")),
        )
}

/// None for what is neither said nor asked of a tool of ours, such as a search that the provider runs.
fn item(item: &Value) -> Option<Message> {
    let kind = text(item, "type").unwrap_or("message");
    Some(match kind {
        "message" => said(Message::new(text(item, "role")?), &item["content"]),
        "function_call" | "custom_tool_call" => {
            let arguments = item.get("arguments").or_else(|| item.get("input"));
            let call = ToolCall::new(text(item, "name")?, arguments.unwrap_or(&Value::Null));
            Message::new(Role::Assistant).tool_call(call.id(text(item, "call_id")))
        }
        "function_call_output" | "custom_tool_call_output" => {
            let result = Message::new(Role::Tool).tool_call_id(text(item, "call_id"));
            said(result, &item["output"])
        }
        "reasoning" => reasoning(item),
        _ => return None,
    })
}

fn said(message: Message, content: &Value) -> Message {
    let parts = match content {
        Value::String(text) => vec![Part::text(text)],
        Value::Array(parts) => parts.iter().filter_map(part).collect(),
        _ => Vec::new(),
    };
    with_parts(message, parts)
}

fn part(part: &Value) -> Option<Part> {
    Some(match text(part, "type")? {
        "input_image" => Part::Other(Content::image(text(part, "image_url")?)),
        "input_file" => {
            let document = Document::default()
                .id(text(part, "file_id"))
                .name(text(part, "filename"))
                .url(text(part, "file_url"));
            Part::Other(Content::document(document))
        }
        "refusal" => Part::text(text(part, "refusal")?),
        _ => Part::text(text(part, "text")?),
    })
}

/// A summary, or nothing that can be read.
fn reasoning(item: &Value) -> Message {
    let summary: Vec<_> = list(item, "summary")
        .iter()
        .filter_map(|part| text(part, "text"))
        .collect();
    let content = if summary.is_empty() {
        Content::hidden_reasoning()
    } else {
        Content::reasoning(summary.join("\n"))
    };
    let content = content
        .id(text(item, "id"))
        .encrypted_content(text(item, "encrypted_content"));
    Message::new(Role::Assistant).part(content)
}
