//! What a span says of itself, by OpenInference's names: one builder for each subject, so that a wrong name or
//! type cannot be written.
//!
//! [`record`](crate::record()) puts it onto the current span. To say of a function's span what its arguments know, write it in
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

/// Makes a builder something that `record` takes.
macro_rules! into_attributes {
    ($builder:ident) => {
        #[diagnostic::do_not_recommend]
        impl crate::attributes::IntoAttributes for $builder {
            fn into_attributes(self) -> Vec<opentelemetry::KeyValue> {
                self.list.into_vec()
            }
        }
    };
}

mod list;
mod names;
mod number;
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

use opentelemetry::KeyValue;

#[doc(hidden)]
pub use given::{AsScope, GenericGiven, Given, RecordableValue};

pub use crate::text::Text;
pub use common::Attributes;
pub use decision::Decision;
pub use embedding::Embedding;
pub use feedback::{Annotation, Evaluation, Feedback};
pub use llm::{Llm, LlmTool};
pub use media::{Audio, Document};
pub use message::{Content, Message, ToolCall};
pub use names::{AnnotatorKind, Provider, Role, System};
pub use number::Number;
pub use prompt::Prompt;
pub use retrieval::{Reranker, Retriever};
pub use tool::Tool;
pub use usage::{Cost, Count, TokenCount};

/// What can be said of a span: a builder of this module, a list of OpenTelemetry's own, an `Option` of one of
/// them, two or three of them in a tuple, or a closure that makes one of all these where a span records.
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
            a closure that returns one",
    note = "a closure whose last expression ends in a `;` returns `()`, which says nothing; leave out the `;`"
)]
pub trait IntoAttributes {
    /// The names and values, in order. They can be given to a span that is not the current one as well:
    /// `span.set_attributes(Llm::new().model("gpt-5").into_attributes())`.
    fn into_attributes(self) -> Vec<KeyValue>;
}

#[diagnostic::do_not_recommend]
impl IntoAttributes for Vec<KeyValue> {
    fn into_attributes(self) -> Vec<KeyValue> {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<A: IntoAttributes> IntoAttributes for Option<A> {
    fn into_attributes(self) -> Vec<KeyValue> {
        self.map_or_else(Vec::new, A::into_attributes)
    }
}

#[diagnostic::do_not_recommend]
impl<A: IntoAttributes, B: IntoAttributes> IntoAttributes for (A, B) {
    fn into_attributes(self) -> Vec<KeyValue> {
        let mut attributes = self.0.into_attributes();
        attributes.extend(self.1.into_attributes());
        attributes
    }
}

#[diagnostic::do_not_recommend]
impl<A: IntoAttributes, B: IntoAttributes, C: IntoAttributes> IntoAttributes for (A, B, C) {
    fn into_attributes(self) -> Vec<KeyValue> {
        let (first, second, third) = self;
        ((first, second), third).into_attributes()
    }
}

#[diagnostic::do_not_recommend]
impl<F: FnOnce() -> A, A: IntoAttributes> IntoAttributes for F {
    fn into_attributes(self) -> Vec<KeyValue> {
        self().into_attributes()
    }
}
