//! Chat completions, completions and embeddings of `OpenAI`: what of a request and of its answer is recorded.

use serde_json::Value;

use super::json::{Part, count, list, parameters, text, with_parts};
use crate::attributes::{
    Audio, Content, Document, Embedding, Llm, LlmTool, Message, TokenCount, ToolCall,
};

/// What has attributes of its own.
const ELSEWHERE: [&str; 6] = ["model", "messages", "tools", "functions", "prompt", "input"];

pub(super) fn chat_request(request: &Value) -> Llm {
    Llm::new()
        .invocation_parameters(&parameters(request, &ELSEWHERE))
        .input_messages(list(request, "messages").iter().map(message))
        .tools(list(request, "tools").iter().map(LlmTool::of_schema))
}

pub(super) fn chat_response(response: &Value) -> Llm {
    let choices = list(response, "choices");
    let messages = choices.iter().filter_map(|choice| choice.get("message"));
    Llm::new()
        .output_messages(messages.map(message))
        .finish_reason(
            choices
                .first()
                .and_then(|choice| text(choice, "finish_reason")),
        )
        .token_count(tokens(response))
}

/// Of chat completions, completions and embeddings.
fn tokens(response: &Value) -> TokenCount {
    let usage = &response["usage"];
    let (prompt, completion) = (
        &usage["prompt_tokens_details"],
        &usage["completion_tokens_details"],
    );
    TokenCount::new()
        .prompt(count(usage, "prompt_tokens"))
        .completion(count(usage, "completion_tokens"))
        .total(count(usage, "total_tokens"))
        .cache_read(count(prompt, "cached_tokens"))
        .prompt_audio(count(prompt, "audio_tokens"))
        .reasoning(count(completion, "reasoning_tokens"))
        .completion_audio(count(completion, "audio_tokens"))
}

fn message(message: &Value) -> Message {
    let said = Message::new(text(message, "role").unwrap_or("assistant"))
        .name(text(message, "name"))
        .tool_call_id(text(message, "tool_call_id"))
        .tool_calls(list(message, "tool_calls").iter().map(tool_call));
    let reasoning = text(message, "reasoning_content").or_else(|| text(message, "reasoning"));
    let reasoning = reasoning.map(|text| Part::Other(Content::reasoning(text)));
    let refusal = text(message, "refusal").map(Part::text);
    let mut parts: Vec<_> = reasoning.into_iter().collect();
    match &message["content"] {
        Value::String(text) => parts.push(Part::text(text)),
        Value::Array(contents) => parts.extend(contents.iter().filter_map(part)),
        _ => {}
    }
    parts.extend(refusal);
    with_parts(said, parts)
}

fn part(part: &Value) -> Option<Part> {
    Some(match text(part, "type")? {
        "image_url" => Part::Other(Content::image(text(&part["image_url"], "url")?)),
        "input_audio" => {
            let format = text(&part["input_audio"], "format")?;
            let audio = Audio::new().mime_type(format!("audio/{format}"));
            Part::Other(Content::audio(audio))
        }
        "file" => {
            let file = &part["file"];
            let document = Document::default()
                .id(text(file, "file_id"))
                .name(text(file, "filename"));
            Part::Other(Content::document(document))
        }
        "refusal" => Part::text(text(part, "refusal")?),
        _ => Part::text(text(part, "text")?),
    })
}

fn tool_call(call: &Value) -> ToolCall {
    // `custom` tools take a text
    let (function, arguments) = match call.get("custom") {
        Some(custom) => (custom, &custom["input"]),
        None => (&call["function"], &call["function"]["arguments"]),
    };
    ToolCall::new(text(function, "name").unwrap_or_default(), arguments).id(text(call, "id"))
}

pub(super) fn completion_request(request: &Value) -> Llm {
    let llm = Llm::new().invocation_parameters(&parameters(request, &ELSEWHERE));
    texts(&request["prompt"]).into_iter().fold(llm, Llm::prompt)
}

pub(super) fn completion_response(response: &Value) -> Llm {
    let choices = list(response, "choices");
    let llm = Llm::new()
        .finish_reason(
            choices
                .first()
                .and_then(|choice| text(choice, "finish_reason")),
        )
        .token_count(tokens(response));
    let texts = choices.iter().filter_map(|choice| text(choice, "text"));
    texts.fold(llm, Llm::choice)
}

/// A text, or several; tokens are none.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn embedding_request(request: &Value) -> Embedding {
    Embedding::new()
        .model(text(request, "model"))
        .invocation_parameters(&parameters(request, &ELSEWHERE))
}

/// The texts of the request with the vectors that the answer has for them, if it has them as numbers.
pub(super) fn embedding_response(
    request: &Value,
    response: &Value,
    with_vectors: bool,
) -> (Embedding, Llm) {
    let vectors = list(response, "data");
    let embedding = Embedding::new().model(text(response, "model"));
    let texts = texts(&request["input"]).into_iter().enumerate();
    let embedding = texts.fold(embedding, |all, (n, text)| {
        let vector = vectors.get(n).filter(|_| with_vectors);
        let vector = vector.map(|entry| list(entry, "embedding"));
        match vector {
            Some(vector) if !vector.is_empty() => {
                let vector: Vec<f64> = vector.iter().filter_map(Value::as_f64).collect();
                all.vector(text, &vector)
            }
            _ => all.text(text),
        }
    });
    (embedding, Llm::new().token_count(tokens(response)))
}
