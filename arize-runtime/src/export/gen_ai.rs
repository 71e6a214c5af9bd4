//! Spans of libraries that follow OpenTelemetry's conventions for generative AI (`gen_ai.*`, semantic conventions 1.41)
//! become OpenInference's, before anything is hidden or cut.
//!
//! Values are read leniently: what comes through `tracing` is often a text where a number or a list is meant.

mod indexed;
mod messages;

use std::borrow::Cow;

use opentelemetry::{Array, KeyValue, StringValue, Value};
use serde_json::{Map, Value as Json};

use crate::attributes::{
    Attributes, Document, Embedding, IntoAttributes as _, Llm, LlmTool, Provider, Retriever,
    System, TokenCount, Tool,
};
use crate::semconv::{self, OpenInferenceSpanKind as Kind};

pub(super) const PREFIX: &str = "gen_ai.";

/// Whether a span follows the conventions.
pub(super) fn follows(attributes: &[KeyValue]) -> bool {
    let mut keys = attributes.iter().map(|kv| kv.key.as_str());
    keys.any(|key| key.starts_with(PREFIX))
}

/// Whether it has messages for a model: as they are called now, or `gen_ai.prompt` and `gen_ai.prompt.0.content` of
/// older conventions.
pub(super) fn is_input(key: &str) -> bool {
    key == messages::INPUT || key.starts_with(indexed::PROMPT)
}

/// Whether it has messages of a model.
pub(super) fn is_output(key: &str) -> bool {
    key == messages::OUTPUT || key.starts_with(indexed::COMPLETION)
}

/// Adds what the `gen_ai.*` attributes say in OpenInference's terms. What the span says so itself stays, and one that names its
/// kind is left alone.
pub(crate) fn translate(attributes: &mut Vec<KeyValue>) {
    let names_its_kind = |kv: &KeyValue| kv.key.as_str() == semconv::SPAN_KIND;
    if attributes.iter().any(names_its_kind) || !follows(attributes) {
        return;
    }
    let mut new = translated(&Source(attributes));
    new.retain(|new| attributes.iter().all(|kv| kv.key != new.key));
    attributes.append(&mut new);
}

fn translated(source: &Source<'_>) -> Vec<KeyValue> {
    let kind = kind(source);
    let mut common = Attributes::new().span_kind(kind);
    if let Some(id) = source.text("gen_ai.conversation.id") {
        common = common.session_id(id);
    }
    if let Some(name) = source.text("gen_ai.agent.name") {
        common = common.agent_name(name);
    }
    let (about, values) = match kind {
        Kind::Tool => (tool(source).into_attributes(), tool_values(source)),
        Kind::Embedding => (embedding(source), Attributes::new()),
        Kind::Retriever => (documents(source), query(source)),
        // the tokens of an agent are its models' together, whose spans say them
        Kind::Agent | Kind::Chain => (llm(source), messages::values(source)),
        _ => {
            let usage = Llm::new().token_count(token_count(source));
            let about = (llm(source), usage).into_attributes();
            (about, messages::values(source))
        }
    };
    (common, about, values).into_attributes()
}

fn kind(source: &Source<'_>) -> Kind {
    let operation = source.text("gen_ai.operation.name");
    match operation.as_deref() {
        Some("execute_tool") => Kind::Tool,
        Some("embeddings") => Kind::Embedding,
        Some("invoke_agent" | "create_agent" | "plan") => Kind::Agent,
        Some("retrieval") => Kind::Retriever,
        Some("rerank") => Kind::Reranker,
        Some("invoke_workflow") => Kind::Chain,
        None if source.get("gen_ai.evaluation.name").is_some() => Kind::Evaluator,
        None if source.get("gen_ai.tool.name").is_some() => Kind::Tool,
        None if source.model().is_none() && source.get("gen_ai.agent.name").is_some() => {
            Kind::Agent
        }
        // `chat`, `text_completion`, `generate_content`, and what else calls a model
        _ if source.model().is_some() || operation.is_some() => Kind::Llm,
        _ => Kind::Chain,
    }
}

fn llm(source: &Source<'_>) -> Vec<KeyValue> {
    let mut llm = Llm::new();
    if let Some(model) = source.model() {
        llm = llm.model(model);
    }
    if let Some(model) = source.text("gen_ai.request.model") {
        llm = llm.request_model(model);
    }
    if let Some(model) = source.text("gen_ai.response.model") {
        llm = llm.response_model(model);
    }
    let provider = source.text("gen_ai.provider.name");
    if let Some(name) = provider.or_else(|| source.text("gen_ai.system")) {
        let (provider, system) = provider_of(&name.to_ascii_lowercase());
        llm = llm.provider(provider);
        if let Some(system) = system {
            llm = llm.system(system);
        }
    }
    let parameters = invocation_parameters(source);
    if !parameters.is_empty() {
        llm = llm.invocation_parameters(&parameters);
    }
    if let Some(Json::Array(tools)) = source.json("gen_ai.tool.definitions") {
        llm = llm.tools(tools.iter().map(LlmTool::of_schema));
    }
    llm = llm
        .input_messages(messages::input(source))
        .output_messages(messages::output(source));
    match messages::finish_reason(source) {
        Some(reason) => llm.finish_reason(reason).into_attributes(),
        None => llm.into_attributes(),
    }
}

/// The host and the product that one name stands for.
fn provider_of(name: &str) -> (Provider, Option<System>) {
    match name {
        "azure.ai.openai" | "az.ai.openai" => (Provider::Azure, Some(System::OpenAi)),
        "azure.ai.inference" | "az.ai.inference" => (Provider::Azure, None),
        "aws.bedrock" => (Provider::Aws, None),
        "gcp.vertex_ai" => (Provider::Google, Some(System::VertexAi)),
        "gcp.gen_ai" | "gcp.gemini" | "gemini" => (Provider::Google, None),
        "mistral_ai" | "mistral" => (Provider::MistralAi, Some(System::MistralAi)),
        "x_ai" => (Provider::XAi, Some(System::XAi)),
        other => {
            let system = System::from(other);
            let known = !matches!(system, System::Other(_));
            (Provider::from(other), known.then_some(system))
        }
    }
}

/// `gen_ai.request.*` without the model, under the names that requests have.
fn invocation_parameters(source: &Source<'_>) -> Map<String, Json> {
    let mut parameters = Map::new();
    for kv in source.0 {
        let Some(name) = kv.key.as_str().strip_prefix("gen_ai.request.") else {
            continue;
        };
        let name = match name {
            "model" => continue,
            "choice.count" => "n",
            name => name,
        };
        let value = match &kv.value {
            Value::String(text) => json_or_text(in_some(text.as_str())),
            value => json_of(value),
        };
        parameters.insert(name.to_owned(), value);
    }
    parameters
}

fn token_count(source: &Source<'_>) -> TokenCount {
    let first = |names: [&str; 2]| names.into_iter().find_map(|name| source.integer(name));
    let prompt = first(["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"]);
    let completion = first([
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
    ]);
    let total = source.integer("gen_ai.usage.total_tokens");
    let sum = || prompt?.checked_add(completion?);
    let reasoning = first([
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
    ]);
    TokenCount::new()
        .prompt(prompt)
        .completion(completion)
        .total(total.or_else(sum))
        .cache_read(source.integer("gen_ai.usage.cache_read.input_tokens"))
        .cache_write(source.integer("gen_ai.usage.cache_creation.input_tokens"))
        .reasoning(reasoning)
}

fn tool(source: &Source<'_>) -> Tool {
    let mut tool = Tool::new();
    if let Some(name) = source.text("gen_ai.tool.name") {
        tool = tool.name(name);
    }
    if let Some(description) = source.text("gen_ai.tool.description") {
        tool = tool.description(description);
    }
    if let Some(id) = source.text("gen_ai.tool.call.id") {
        tool = tool.id(id);
    }
    tool
}

fn tool_values(source: &Source<'_>) -> Attributes {
    let mut values = Attributes::new();
    if let Some(arguments) = source.json("gen_ai.tool.call.arguments") {
        values = values.input(&arguments);
    }
    if let Some(result) = source.json("gen_ai.tool.call.result") {
        values = values.output(&result);
    }
    values
}

fn embedding(source: &Source<'_>) -> Vec<KeyValue> {
    let mut embedding = Embedding::new();
    if let Some(model) = source.model() {
        embedding = embedding.model(model);
    }
    let parameters = invocation_parameters(source);
    if !parameters.is_empty() {
        embedding = embedding.invocation_parameters(&parameters);
    }
    // the tokens of an embedding have no name of their own
    let usage = Llm::new().token_count(token_count(source));
    (embedding, usage).into_attributes()
}

fn query(source: &Source<'_>) -> Attributes {
    match source.text("gen_ai.retrieval.query.text") {
        Some(query) => Attributes::new().input(&query),
        None => Attributes::new(),
    }
}

fn documents(source: &Source<'_>) -> Vec<KeyValue> {
    let Some(Json::Array(documents)) = source.json("gen_ai.retrieval.documents") else {
        return Vec::new();
    };
    let documents = documents.iter().map(|found| {
        let text = |names: [&str; 2]| names.into_iter().find_map(|name| found[name].as_str());
        let mut document = Document::new(text(["content", "text"]).unwrap_or_default());
        if let Some(id) = found["id"].as_str() {
            document = document.id(id);
        }
        match found["score"].as_f64() {
            Some(score) => document.score(score),
            None => document,
        }
    });
    Retriever::new().documents(documents).into_attributes()
}

/// The attributes of a span that follows the conventions.
pub(super) struct Source<'a>(&'a [KeyValue]);

impl Source<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        let mut all = self.0.iter();
        let kv = all.find(|kv| kv.key.as_str() == key)?;
        Some(&kv.value).filter(|value| !matches!(value, Value::String(s) if s.as_str().is_empty()))
    }

    fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        let value = self.get(key)?;
        if let Value::String(text) = value
            && let Some(quoted) = quoted(in_some(text.as_str()))
        {
            return Some(Cow::Owned(quoted));
        }
        Some(value.as_str())
    }

    fn integer(&self, key: &str) -> Option<i64> {
        match self.get(key)? {
            Value::I64(number) => Some(*number),
            Value::String(text) => in_some(text.as_str()).parse().ok(),
            #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
            Value::F64(number) if number.fract() == 0.0 => Some(*number as i64),
            _ => None,
        }
    }

    /// Of a text what it is the JSON of, else the text.
    fn json(&self, key: &str) -> Option<Json> {
        match self.get(key)? {
            Value::String(text) => Some(json_or_text(text.as_str())),
            value => Some(json_of(value)),
        }
    }

    fn model(&self) -> Option<Cow<'_, str>> {
        self.text("gen_ai.response.model")
            .or_else(|| self.text("gen_ai.request.model"))
    }
}

/// What `tracing` makes of an `Option` that is recorded with `?`.
fn in_some(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix("Some(");
    inner
        .and_then(|inner| inner.strip_suffix(')'))
        .unwrap_or(text)
}

/// The text that `tracing` put in quotes, as it does for `?`.
fn quoted(text: &str) -> Option<String> {
    serde_json::from_str(text).ok()
}

fn json_or_text(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|_| Json::from(text))
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Bool(bool) => Json::from(*bool),
        Value::I64(number) => Json::from(*number),
        Value::F64(number) => Json::from(*number),
        Value::Array(Array::String(texts)) => texts.iter().map(StringValue::as_str).collect(),
        Value::Array(Array::I64(numbers)) => numbers.iter().copied().collect(),
        Value::Array(Array::F64(numbers)) => numbers.iter().copied().collect(),
        Value::Array(Array::Bool(bools)) => bools.iter().copied().collect(),
        value => Json::from(value.as_str().into_owned()),
    }
}

#[cfg(test)]
mod tests;
