//! What of a call of a model is recorded: its request at once, its answer as it comes.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use opentelemetry::KeyValue;
use reqwest::Request;
use serde_json::Value;

use super::api::{Api, provider};
use super::json::text;
use super::sse::Events;
use super::streamed::Streamed;
use super::{anthropic, openai, responses, secrets};
use crate::attributes::{Attributes, IntoAttributes as _, Llm};
use crate::recording::guarded;
use crate::semconv::OpenInferenceSpanKind;
use crate::semconv::{
    INPUT_MIME_TYPE, INPUT_VALUE, JSON, OUTPUT_MIME_TYPE, OUTPUT_VALUE, REDACTED,
};
use crate::trace_config::{Hidden, TraceConfig};
use crate::tracer::Pipeline;

/// Bytes of a request that are parsed. A longer one is a plain request.
const MOST_OF_REQUEST: usize = 16 * 1024 * 1024;

/// Bytes of an answer that are kept while it passes. Of a longer one nothing is recorded, of a longer stream its
/// beginning.
const MOST_OF_ANSWER: usize = 4 * 1024 * 1024;

/// A call of a model.
#[derive(Debug)]
pub(super) struct ModelCall {
    api: Api,
    /// What the answer is read with; null where that needs nothing.
    request: Value,
    attributes: Vec<KeyValue>,
    config: TraceConfig,
    answer: Answer,
    /// The answer's status says that it is an error.
    is_error: bool,
}

/// What there is of the answer.
#[derive(Debug)]
enum Answer {
    /// Nothing that can be read.
    None,
    Json(Vec<u8>),
    Stream(Events, Streamed),
}

impl ModelCall {
    /// None for any other request.
    pub(super) fn of(request: &Request, pipeline: &Pipeline) -> Option<Self> {
        let url = request.url();
        let api = Api::of_path(url.path())?;
        let bytes = request.body()?.as_bytes()?;
        if bytes.len() > MOST_OF_REQUEST {
            return None;
        }
        let mut body: Value = serde_json::from_slice(bytes).ok()?;
        if !api.takes(&body) {
            return None;
        }
        let config = pipeline.trace_config.clone();
        let was_hidden = secrets::hide(&mut body, config.base64_image_max_length);
        let as_it_is = || std::str::from_utf8(bytes).ok().map(str::to_owned);
        let input = if was_hidden { None } else { as_it_is() };
        let input = input.unwrap_or_else(|| body.to_string());
        let host = url.host_str().unwrap_or_default();
        let attributes = guarded(|| request_attributes(api, &body, host, input, &config))?;
        Some(Self {
            api,
            // an answer may take long, and a request may be large
            request: match api {
                Api::Embeddings => body,
                _ => Value::Null,
            },
            attributes,
            config,
            answer: Answer::None,
            is_error: false,
        })
    }

    pub(super) fn span_kind(&self) -> OpenInferenceSpanKind {
        self.api.span_kind()
    }

    pub(super) fn span_name(&self) -> &'static str {
        self.api.span_name()
    }

    /// Gives them away.
    pub(super) fn request_attributes(&mut self) -> Vec<KeyValue> {
        std::mem::take(&mut self.attributes)
    }

    /// How the body of an answer with this head is read.
    pub(super) fn answered(&mut self, headers: &HeaderMap, is_error: bool) {
        let is_encoded = headers.contains_key(CONTENT_ENCODING);
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|line| line.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
        self.is_error = is_error;
        self.answer = if is_encoded {
            Answer::None
        } else if content_type.starts_with("text/event-stream") && !is_error {
            Answer::Stream(
                Events::new(MOST_OF_ANSWER),
                Streamed::new(self.api, MOST_OF_ANSWER),
            )
        } else if content_type.contains("json") {
            Answer::Json(Vec::new())
        } else {
            Answer::None
        };
    }

    pub(super) fn received(&mut self, bytes: &[u8]) {
        match &mut self.answer {
            Answer::Stream(events, streamed) => events.feed(bytes, &mut |data| streamed.push(data)),
            Answer::Json(so_far) if so_far.len() + bytes.len() <= MOST_OF_ANSWER => {
                so_far.extend_from_slice(bytes);
            }
            Answer::Json(_) => self.answer = Answer::None,
            Answer::None => {}
        }
    }

    /// Whether the answer said that it was at its end.
    pub(super) fn is_complete(&self) -> bool {
        matches!(&self.answer, Answer::Stream(_, streamed) if streamed.is_complete())
    }

    /// What the answer says, and the error that it tells.
    pub(super) fn finish(self: Box<Self>) -> (Vec<KeyValue>, Option<(String, String)>) {
        let Self {
            api,
            request,
            config,
            answer,
            is_error,
            ..
        } = *self;
        let (mut answer, json) = match answer {
            Answer::None => return (Vec::new(), None),
            Answer::Json(bytes) => match serde_json::from_slice::<Value>(&bytes) {
                Ok(answer) => (answer, String::from_utf8(bytes).ok()),
                Err(_) => return (Vec::new(), None),
            },
            Answer::Stream(mut events, mut streamed) => {
                events.finish(&mut |data| streamed.push(data));
                (streamed.finish(), None)
            }
        };
        let error = provider_error(&answer);
        // an error is told as one; it may quote credentials
        if is_error {
            return (Vec::new(), error);
        }
        if let Some(answer) = answer.as_object_mut().filter(|_| error.is_some()) {
            answer.remove("error");
        }
        let was_hidden = secrets::hide(&mut answer, config.base64_image_max_length);
        let json = json.filter(|_| error.is_none() && !was_hidden);
        let json = json.unwrap_or_else(|| answer.to_string());
        (
            answer_attributes(api, &request, &answer, json, &config),
            error,
        )
    }
}

fn request_attributes(
    api: Api,
    request: &Value,
    host: &str,
    input: String,
    config: &TraceConfig,
) -> Vec<KeyValue> {
    const HIDDEN: [Hidden; 8] = [
        Hidden::Inputs,
        Hidden::InputMessages,
        Hidden::InputText,
        Hidden::InputImages,
        Hidden::InvocationParameters,
        Hidden::Tools,
        Hidden::Prompts,
        Hidden::EmbeddingsText,
    ];
    let model = text(request, "model");
    let common = Llm::new().system(api.system());
    let common = match provider(host) {
        Some(provider) => common.provider(provider),
        None => common,
    };
    let said = match api {
        Api::ChatCompletions => openai::chat_request(request).into_attributes(),
        Api::Completions => openai::completion_request(request).into_attributes(),
        Api::Embeddings => openai::embedding_request(request).into_attributes(),
        Api::Messages => anthropic::request(request).into_attributes(),
        Api::Responses => responses::request(request).into_attributes(),
    };
    let models = match api {
        Api::Embeddings => Llm::new(),
        _ => Llm::new().model(model).request_model(model),
    };
    let kind = Attributes::new().span_kind(api.span_kind());
    let mut attributes = (kind, common, models).into_attributes();
    attributes.extend(said);
    attributes.extend(body([INPUT_VALUE, INPUT_MIME_TYPE], input, config, &HIDDEN));
    if let Some(keys) = &config.masked_keys {
        keys.mask_attributes(&mut attributes);
    }
    attributes
}

fn answer_attributes(
    api: Api,
    request: &Value,
    answer: &Value,
    json: String,
    config: &TraceConfig,
) -> Vec<KeyValue> {
    const HIDDEN: [Hidden; 4] = [
        Hidden::Outputs,
        Hidden::OutputMessages,
        Hidden::OutputText,
        Hidden::Choices,
    ];
    let model = text(answer, "model");
    let models = Llm::new().model(model).response_model(model);
    let output = body([OUTPUT_VALUE, OUTPUT_MIME_TYPE], json, config, &HIDDEN);
    match api {
        Api::Embeddings => {
            let with_vectors = !config.masking.hides(Hidden::EmbeddingsVectors);
            // the vectors are the output
            openai::embedding_response(request, answer, with_vectors).into_attributes()
        }
        Api::ChatCompletions => (models, openai::chat_response(answer), output).into_attributes(),
        Api::Completions => (models, openai::completion_response(answer), output).into_attributes(),
        Api::Messages => (models, anthropic::response(answer), output).into_attributes(),
        Api::Responses => (models, responses::response(answer), output).into_attributes(),
    }
}

/// A body, unless it has what is hidden elsewhere.
fn body(
    [value, mime_type]: [&'static str; 2],
    json: String,
    config: &TraceConfig,
    hidden: &[Hidden],
) -> Vec<KeyValue> {
    if hidden.iter().any(|&hidden| config.masking.hides(hidden)) {
        return vec![KeyValue::new(value, REDACTED)];
    }
    vec![KeyValue::new(value, json), KeyValue::new(mime_type, JSON)]
}

/// What a provider says of its failure: a name of its kind, and a text.
fn provider_error(answer: &Value) -> Option<(String, String)> {
    let error = answer.get("error").filter(|error| !error.is_null())?;
    let text = |key: &str| error.get(key).and_then(Value::as_str);
    let kind = text("type").or_else(|| text("code")).unwrap_or("error");
    let message = text("message")
        .or_else(|| error.as_str())
        .unwrap_or_default();
    Some((kind.to_owned(), message.to_owned()))
}

/// Reads what may be anything, as a request and as an answer.
#[cfg(test)]
pub(super) fn read(api: Api, request: &Value, answer: &Value) {
    let config = TraceConfig::default();
    request_attributes(api, request, "host", String::new(), &config);
    answer_attributes(api, request, answer, String::new(), &config);
    provider_error(answer);
}
