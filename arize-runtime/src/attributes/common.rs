//! What a span of any kind may say.

use opentelemetry::{Array, Key, Value};
use serde::Serialize;

use super::list::{List, setters};
use super::media::{Audio, Document};
use crate::recording::Recorded;
use crate::semconv::{self, OpenInferenceSpanKind};

/// What a span of any kind may say: session, user, metadata, tags, its place in a graph, any key.
///
/// It is said of one span. What every span inside has in common is a [`Scope`](crate::Scope)'s.
///
/// ```
/// use arize_runtime::attributes::Attributes;
/// use arize_runtime::record;
///
/// record(Attributes::new().session_id("conversation-7").tags(["beta"]).attribute("shop.items", &3));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes {
    list: List,
    input_images: usize,
    output_images: usize,
    input_documents: usize,
    output_documents: usize,
}

into_attributes!(Attributes);

impl Attributes {
    /// Nothing said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// The conversation that the span belongs to: `session.id`.
        session_id: text semconv::SESSION_ID;
        /// The user that the span belongs to: `user.id`.
        user_id: text semconv::USER_ID;
        /// Anything else, as a JSON object: `metadata`. Given several times, it is merged key by key and the
        /// last one wins; of a handler also with what the request says of its experiment.
        ///
        /// What is no object, or cannot be serialised, is left out and told once a minute.
        metadata: object semconv::METADATA;
        /// The agent that the span stands for: `agent.name`.
        agent_name: text "agent.name";
        /// The span's node in a graph of steps: `graph.node.id`.
        graph_node_id: text "graph.node.id";
        /// That node as people call it: `graph.node.name`.
        graph_node_name: text "graph.node.name";
        /// The node that comes before it; none for the root: `graph.node.parent_id`.
        graph_node_parent_id: text "graph.node.parent_id";
    }

    /// What a span that no attribute made stands for: `openinference.span.kind`.
    ///
    /// ```
    /// use arize_runtime::attributes::Attributes;
    /// use arize_runtime::opentelemetry::Context;
    /// use arize_runtime::opentelemetry::trace::{TraceContextExt, Tracer};
    /// use arize_runtime::{OpenInferenceSpanKind, record};
    ///
    /// fn by_hand(tracer: &impl Tracer<Span: Send + Sync + 'static>) {
    ///     let _guard = Context::current_with_span(tracer.start("plan")).attach();
    ///     record(Attributes::new().span_kind(OpenInferenceSpanKind::Agent).input("to Rome"));
    /// }
    /// ```
    #[must_use]
    pub fn span_kind(mut self, kind: OpenInferenceSpanKind) -> Self {
        self.list.put(semconv::SPAN_KIND, kind.as_str());
        self
    }

    /// Labels: `tag.tags`.
    #[must_use]
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let tags = tags.into_iter().map(|tag| tag.into().into()).collect();
        self.list
            .put(semconv::TAGS, Value::Array(Array::String(tags)));
        self
    }

    /// The input, in the place of the recorded one: `input.value` and `input.mime_type`.
    #[must_use]
    pub fn input(self, value: &(impl Serialize + ?Sized)) -> Self {
        self.value(semconv::INPUT_VALUE, semconv::INPUT_MIME_TYPE, value)
    }

    /// The output, in the place of the recorded one: `output.value` and `output.mime_type`.
    #[must_use]
    pub fn output(self, value: &(impl Serialize + ?Sized)) -> Self {
        self.value(semconv::OUTPUT_VALUE, semconv::OUTPUT_MIME_TYPE, value)
    }

    fn value(
        mut self,
        key: &'static str,
        mime_type_key: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> Self {
        if let Some((value, mime_type)) = Recorded::of(value).map(Recorded::into_parts) {
            self.list.put(key, value);
            if let Some(mime_type) = mime_type {
                self.list.put(mime_type_key, mime_type);
            }
        }
        self
    }

    /// Another image of the input, by its URL or a data URL: `input.images`.
    #[must_use]
    pub fn input_image(mut self, url: impl Into<String>) -> Self {
        let count = &mut self.input_images;
        self.list.element("input.images", count, image(url));
        self
    }

    /// Another image of the output, by its URL or a data URL: `output.images`.
    #[must_use]
    pub fn output_image(mut self, url: impl Into<String>) -> Self {
        let count = &mut self.output_images;
        self.list.element("output.images", count, image(url));
        self
    }

    /// Another file of the input: `input.documents`.
    #[must_use]
    pub fn input_document(mut self, document: Document) -> Self {
        let count = &mut self.input_documents;
        self.list.element("input.documents", count, document.list);
        self
    }

    /// Another file of the output: `output.documents`.
    #[must_use]
    pub fn output_document(mut self, document: Document) -> Self {
        let count = &mut self.output_documents;
        self.list.element("output.documents", count, document.list);
        self
    }

    /// What was heard, where it is no message: `input.audio.*`.
    #[must_use]
    pub fn input_audio(mut self, audio: Audio) -> Self {
        self.list.nest("input", audio.list);
        self
    }

    /// What was said, where it is no message: `output.audio.*`.
    #[must_use]
    pub fn output_audio(mut self, audio: Audio) -> Self {
        self.list.nest("output", audio.list);
        self
    }

    /// An attribute of any key. A string, boolean, integer or float stays one, and a list of one of these a
    /// list; anything else becomes JSON, and null or `None` is left out.
    ///
    /// A name of OpenInference is safer with its own method, here or of [`Llm`](super::Llm) and the others.
    #[must_use]
    pub fn attribute(mut self, key: impl Into<Key>, value: &(impl Serialize + ?Sized)) -> Self {
        self.list.any(key, value);
        self
    }
}

fn image(url: impl Into<String>) -> List {
    let mut image = List::default();
    image.put("image.url", url.into());
    image
}
