//! What is hidden or cut short before a span leaves: by OpenInference's rules, on every span of the pipeline,
//! whoever made it.

use std::borrow::Cow;

use opentelemetry::trace::Status;
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::gen_ai;
use crate::masked_keys::MaskedKeys;
use crate::semconv::{
    EXCEPTION, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, INPUT_MIME_TYPE, INPUT_VALUE,
    OUTPUT_MIME_TYPE, OUTPUT_VALUE, PROJECT_NAME, REDACTED, SPACE_ID, SPAN_KIND, TEXT,
};
use crate::trace_config::{Hidden, Masking, TraceConfig, cut as shortened};

/// What is done to every span before it is encoded.
pub(crate) fn apply(config: &TraceConfig, span: &mut SpanData) {
    hide(config.masking, span);
    if let Some(keys) = &config.masked_keys {
        keys.mask_attributes(&mut span.attributes);
        for event in &mut span.events.events {
            keys.mask_attributes(&mut event.attributes);
            mask_log(keys, &mut event.name);
        }
    }
    for attribute in &mut span.attributes {
        if is_embedded_image(attribute, |length| length > config.base64_image_max_length) {
            attribute.value = Value::from(REDACTED);
        }
    }
    cut_texts(span, config.max_value_length);
}

/// What becomes of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Redacted,
    Removed,
}

fn hide(masking: Masking, span: &mut SpanData) {
    if masking == Masking::default() {
        return;
    }
    hide_logs(span);
    masking.hide_values_of_messages(&mut span.attributes);
    span.attributes
        .retain_mut(|kv| match masking.fate(kv.key.as_str()) {
            Fate::Kept => true,
            Fate::Redacted => {
                kv.value = Value::from(REDACTED);
                true
            }
            Fate::Removed => false,
        });
    for event in &mut span.events.events {
        let shown = |kv: &KeyValue| masking.fate(kv.key.as_str()) == Fate::Kept;
        event.attributes.retain(shown);
    }
    if masking.hides(Hidden::Inputs) {
        hide_error_texts(span);
    }
}

impl Masking {
    fn fate(self, key: &str) -> Fate {
        let hides = |hidden| self.hides(hidden);
        let (inputs, outputs) = (hides(Hidden::Inputs), hides(Hidden::Outputs));
        let redacted = |when| if when { Fate::Redacted } else { Fate::Kept };
        let removed = |when| if when { Fate::Removed } else { Fate::Kept };
        match key {
            INPUT_VALUE => redacted(inputs),
            INPUT_MIME_TYPE => removed(inputs),
            OUTPUT_VALUE => redacted(outputs),
            OUTPUT_MIME_TYPE => removed(outputs),
            "llm.invocation_parameters" => removed(hides(Hidden::InvocationParameters)),
            "reranker.query" => redacted(inputs),
            _ => self.fate_in_list(key),
        }
    }

    /// Of attributes of lists: `llm.input_messages.0.message.content`.
    fn fate_in_list(self, key: &str) -> Fate {
        let hides = |hidden| self.hides(hidden);
        let (inputs, outputs) = (hides(Hidden::Inputs), hides(Hidden::Outputs));
        let removed = |when| if when { Fate::Removed } else { Fate::Kept };
        let is = |prefix: &str| key.starts_with(prefix);
        let document = key.ends_with(".document.content") || key.ends_with(".document.metadata");
        let documents = hides(Hidden::RetrievalDocuments);
        let redacted = if is("llm.input_messages.") {
            if inputs || hides(Hidden::InputMessages) {
                return Fate::Removed;
            }
            if hides(Hidden::InputImages) && key.contains(".message_content.image") {
                return Fate::Removed;
            }
            hides(Hidden::InputText) && is_message_text(key)
        } else if is("llm.output_messages.") {
            if outputs || hides(Hidden::OutputMessages) {
                return Fate::Removed;
            }
            hides(Hidden::OutputText) && is_message_text(key)
        } else if is("input.images.") {
            return removed(inputs || hides(Hidden::InputImages));
        } else if is("output.images.") {
            return removed(outputs);
        } else if is("llm.tools.") {
            return removed(inputs || hides(Hidden::Tools));
        } else if is("llm.prompts.") {
            inputs || hides(Hidden::Prompts)
        } else if is("llm.choices.") {
            outputs || hides(Hidden::Choices)
        } else if is("retrieval.documents.") || is("reranker.output_documents.") {
            document && (outputs || documents)
        } else if is("reranker.input_documents.") {
            document && (inputs || documents)
        } else if is(gen_ai::PREFIX) {
            return removed(self.hides_gen_ai(key));
        } else {
            key.ends_with(".embedding.vector") && hides(Hidden::EmbeddingsVectors)
                || key.ends_with(".embedding.text") && hides(Hidden::EmbeddingsText)
        };
        if redacted { Fate::Redacted } else { Fate::Kept }
    }
}

/// The same content in the words of OpenTelemetry, which is there besides; it cannot be hidden in parts.
impl Masking {
    fn hides_gen_ai(self, key: &str) -> bool {
        let any = |hidden: &[Hidden]| hidden.iter().any(|&hidden| self.hides(hidden));
        let input = || {
            any(&[
                Hidden::Inputs,
                Hidden::InputMessages,
                Hidden::InputText,
                Hidden::InputImages,
                Hidden::Prompts,
            ])
        };
        let output = || {
            any(&[
                Hidden::Outputs,
                Hidden::OutputMessages,
                Hidden::OutputText,
                Hidden::Choices,
            ])
        };
        match key.trim_start_matches(gen_ai::PREFIX) {
            "system_instructions" => input(),
            "tool.definitions" => any(&[Hidden::Inputs, Hidden::Tools]),
            "tool.call.arguments" | "retrieval.query.text" => any(&[Hidden::Inputs]),
            "tool.call.result" => any(&[Hidden::Outputs]),
            "retrieval.documents" => any(&[Hidden::Outputs, Hidden::RetrievalDocuments]),
            "request.model" => false,
            name if name.starts_with("request.") => any(&[Hidden::InvocationParameters]),
            _ if gen_ai::is_input(key) => input(),
            _ if gen_ai::is_output(key) => output(),
            // quotes what it judges
            "evaluation.explanation" => any(&[Hidden::Inputs, Hidden::Outputs]),
            _ => false,
        }
    }

    /// The same messages once more, in `input.value` and `output.value`.
    fn hide_values_of_messages(self, attributes: &mut Vec<KeyValue>) {
        for (value, mime_type, is_source) in [
            (INPUT_VALUE, INPUT_MIME_TYPE, gen_ai::is_input as IsSource),
            (OUTPUT_VALUE, OUTPUT_MIME_TYPE, gen_ai::is_output),
        ] {
            let is_hidden = |kv: &KeyValue| {
                let key = kv.key.as_str();
                is_source(key) && self.hides_gen_ai(key)
            };
            if !attributes.iter().any(is_hidden) {
                continue;
            }
            attributes.retain(|kv| kv.key.as_str() != mime_type);
            for kv in attributes.iter_mut().filter(|kv| kv.key.as_str() == value) {
                kv.value = Value::from(REDACTED);
            }
        }
    }
}

type IsSource = fn(&str) -> bool;

/// A library that calls models logs whole requests and answers, with `tracing` as the name of an event. What is hidden
/// cannot be told from the rest of them.
fn hide_logs(span: &mut SpanData) {
    let follows = gen_ai::follows(&span.attributes);
    for event in &mut span.events.events {
        if event.name.starts_with(gen_ai::PREFIX) {
            event.attributes.clear();
        } else if follows && event.name != EXCEPTION {
            event.attributes.clear();
            event.name = Cow::Borrowed(REDACTED);
        }
    }
}

/// `request: {"card": ..}`
fn mask_log(keys: &MaskedKeys, name: &mut Cow<'static, str>) {
    let Some(json) = name.find(['{', '[']) else {
        return;
    };
    if let Some(masked) = keys.mask("", &name[json..]) {
        *name = Cow::Owned(format!("{}{masked}", &name[..json]));
    }
}

fn is_message_text(key: &str) -> bool {
    key.ends_with(".message.content") || key.ends_with(".message_content.text")
}

/// Errors quote what they do not like.
fn hide_error_texts(span: &mut SpanData) {
    if let Status::Error { description } = &mut span.status
        && !description.is_empty()
    {
        // The type's name alone is ours; what follows is the error's.
        let kind = description.split(':').next().unwrap_or_default();
        let is_name = kind
            .chars()
            .all(|c| c.is_alphanumeric() || "_:<>&".contains(c));
        let kind = if is_name { kind } else { "" };
        *description = match kind {
            "" => Cow::Borrowed(REDACTED),
            kind => Cow::Owned(format!("{kind}: {REDACTED}")),
        };
    }
    let events = span.events.events.iter_mut();
    for event in events.filter(|event| event.name == EXCEPTION) {
        for kv in &mut event.attributes {
            if [EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE].contains(&kv.key.as_str()) {
                kv.value = Value::from(REDACTED);
            }
        }
    }
}

/// Whether it is the URL of an image that is its own base64, of a length that `limit` asks for.
fn is_embedded_image(attribute: &KeyValue, limit: impl FnOnce(usize) -> bool) -> bool {
    attribute.key.as_str().ends_with("image.url")
        && matches!(&attribute.value, Value::String(url)
            if limit(url.as_str().len())
                && url.as_str().starts_with("data:image/")
                && url.as_str().contains("base64"))
}

/// What says how the rest is read.
const NEVER_CUT: [&str; 5] = [
    SPACE_ID,
    PROJECT_NAME,
    SPAN_KIND,
    INPUT_MIME_TYPE,
    OUTPUT_MIME_TYPE,
];

/// Cuts texts that are longer than `most` bytes, and says how long they were.
fn cut_texts(span: &mut SpanData, most: usize) {
    let mut cut = [false, false];
    // half an image is none, and images have a limit of their own
    let is_whole = |kv: &&mut KeyValue| {
        NEVER_CUT.contains(&kv.key.as_str()) || is_embedded_image(kv, |_| true)
    };
    for kv in span.attributes.iter_mut().filter(|kv| !is_whole(kv)) {
        if cut_value(&mut kv.value, most) {
            cut[0] |= kv.key.as_str() == INPUT_VALUE;
            cut[1] |= kv.key.as_str() == OUTPUT_VALUE;
        }
    }
    for event in &mut span.events.events {
        for kv in &mut event.attributes {
            cut_value(&mut kv.value, most);
        }
        if let Some(shorter) = shortened(&event.name, most) {
            event.name = Cow::Owned(shorter);
        }
    }
    // Half a JSON value is none.
    for (key, cut) in [INPUT_MIME_TYPE, OUTPUT_MIME_TYPE].into_iter().zip(cut) {
        let named = |kv: &&mut KeyValue| cut && kv.key.as_str() == key;
        for kv in span.attributes.iter_mut().filter(named) {
            kv.value = Value::from(TEXT);
        }
    }
}

fn cut_value(value: &mut Value, most: usize) -> bool {
    let Value::String(text) = &*value else {
        return false;
    };
    let Some(shorter) = shortened(text.as_str(), most) else {
        return false;
    };
    *value = Value::from(shorter);
    true
}

#[cfg(test)]
mod tests;
