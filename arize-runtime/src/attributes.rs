//! What a span says of itself, by OpenInference's names: one builder for each subject, so that a wrong name or
//! type cannot be written.
//!
//! [`record`] puts it onto the current span. To say of a function's span what its arguments know, write it in
//! the function's attribute: `#[llm(session_id = session, attributes = Llm::new().model(model))]`. What every
//! span inside has in common is a [`Scope`](crate::Scope)'s.
//!
//! | builder | says |
//! |---|---|
//! | [`Attributes`] | session, user, metadata, tags, input and output, agent, graph node, any key |
//! | [`Llm`] | models, parameters, messages, tools, tokens, cost, finish reason, prompt template |
//! | [`Retriever`], [`Reranker`] | documents with id, score, content and metadata |
//! | [`Embedding`] | texts and vectors |
//! | [`Tool`] | the id of the call, and what `#[tool]` does not know |
//! | [`Prompt`] | where a prompt is kept |
//! | [`Decision`] | the model of a decision, and its tokens |
//! | [`Feedback`] | annotations and evaluations of the span, its trace or its session |
//!
//! The names are those of the OpenInference semantic conventions 0.1.42. Where an attribute is given several
//! times, the last one counts, and it goes before what a scope says and what is recorded without being told.

/// Makes a builder something that [`record`] takes.
macro_rules! into_attributes {
    ($builder:ident) => {
        impl crate::attributes::IntoAttributes for $builder {
            fn into_attributes(self) -> Vec<opentelemetry::KeyValue> {
                self.list.into_vec()
            }
        }
    };
}

mod list;
mod names;
mod usage;

mod media;
mod message;

mod common;
mod decision;
mod embedding;
mod feedback;
mod given;
mod llm;
mod prompt;
mod retrieval;
mod tool;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};

use crate::recording;

pub(crate) use given::Given;

pub use common::Attributes;
pub use decision::Decision;
pub use embedding::Embedding;
pub use feedback::{Annotation, Evaluation, Feedback};
pub use llm::{Llm, LlmTool};
pub use media::{Audio, Document};
pub use message::{Content, Message, ToolCall};
pub use names::{AnnotatorKind, Provider, Role, System};
pub use prompt::Prompt;
pub use retrieval::{Reranker, Retriever};
pub use tool::Tool;
pub use usage::{Cost, Count, TokenCount};

/// What can be said of a span: a builder of this module, a list of OpenTelemetry's own, or a closure that makes
/// one of them where a span records.
///
/// Implement it for the response of your model's client, and `record(&response)` says all of it:
///
/// ```
/// use arize_runtime::attributes::{IntoAttributes, Llm, Message};
/// use arize_runtime::opentelemetry::KeyValue;
/// use arize_runtime::record;
///
/// struct Response { model: String, text: String }
///
/// impl IntoAttributes for &Response {
///     fn into_attributes(self) -> Vec<KeyValue> {
///         Llm::new().model(&self.model).output_message(Message::assistant(&self.text)).into_attributes()
///     }
/// }
///
/// # let response = Response { model: "gpt-5".to_owned(), text: "hello".to_owned() };
/// record(&response);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded as attributes",
    label = "no builder of `arize_runtime::attributes`",
    note = "give a builder, such as `Attributes::new().attribute(\"key\", &value)` or `Llm::new().model(..)`, or \
            a closure that returns one"
)]
pub trait IntoAttributes {
    /// The names and values, in order. They can be given to a span that is not the current one as well:
    /// `span.set_attributes(Llm::new().model("gpt-5").into_attributes())`.
    fn into_attributes(self) -> Vec<KeyValue>;
}

impl IntoAttributes for Vec<KeyValue> {
    fn into_attributes(self) -> Vec<KeyValue> {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<F: FnOnce() -> A, A: IntoAttributes> IntoAttributes for F {
    fn into_attributes(self) -> Vec<KeyValue> {
        self().into_attributes()
    }
}

/// Says something of the current span, whoever started it.
///
/// Where the current span does not record (no pipeline, an unsampled request, tracing suppressed) it does
/// nothing; give a closure, and then nothing is built either. A closure that panics is told and records
/// nothing. Call it where the span is current: in an annotated function, and not in a task that was spawned
/// without its Context.
///
/// ```
/// use arize_runtime::attributes::{Llm, TokenCount};
/// use arize_runtime::{llm, record};
///
/// #[llm]
/// async fn complete(prompt: &str) -> String {
///     let (answer, tokens) = (format!("re: {prompt}"), 31_u32);
///     record(|| Llm::new().model("gpt-5").token_count(TokenCount::new().completion(tokens)));
///     answer
/// }
/// ```
pub fn record(attributes: impl IntoAttributes) {
    // cloned, since what the closure calls may attach a Context of its own
    let records = |context: &Context| {
        let records = context.span().is_recording() && !context.is_telemetry_suppressed();
        records.then(|| context.clone())
    };
    let Some(context) = Context::map_current(records) else {
        return;
    };
    if let Some(attributes) = recording::guarded(|| attributes.into_attributes()) {
        context.span().set_attributes(attributes);
    }
}
