//! What is known of a span at compile time.

use std::sync::OnceLock;

use crate::semconv::OpenInferenceSpanKind;

/// Everything that is known of a span before its function is called.
#[derive(Debug)]
pub struct SpanSpec {
    pub(crate) name: &'static str,
    pub(crate) kind: OpenInferenceSpanKind,
    pub(crate) description: Option<&'static str>,
    given_schema: Option<&'static str>,
    /// Gathered from the arguments' types at the first recorded call.
    pub(crate) derived_schema: OnceLock<String>,
    pub(crate) project_name: Option<&'static str>,
    pub(crate) automatic_input: bool,
}

macro_rules! spec_of_each_kind {
    ($($function:ident => $kind:ident,)+) => {
        impl SpanSpec {$(
            #[doc = concat!("A span of the kind `", stringify!($kind), "`.")]
            #[must_use]
            pub const fn $function(name: &'static str) -> Self {
                Self::of(name, OpenInferenceSpanKind::$kind)
            }
        )+}
    };
}

spec_of_each_kind! {
    agent => Agent,
    chain => Chain,
    decision => Decision,
    embedding => Embedding,
    evaluator => Evaluator,
    guardrail => Guardrail,
    llm => Llm,
    prompt => Prompt,
    reranker => Reranker,
    retriever => Retriever,
    tool => Tool,
    unknown => Unknown,
}

impl SpanSpec {
    const fn of(name: &'static str, kind: OpenInferenceSpanKind) -> Self {
        Self {
            name,
            kind,
            description: None,
            given_schema: None,
            derived_schema: OnceLock::new(),
            project_name: None,
            automatic_input: true,
        }
    }

    /// `tool.description`.
    #[must_use]
    pub const fn description(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    /// `tool.parameters`, instead of the schema that the arguments' types give.
    #[must_use]
    pub const fn parameters(mut self, json_schema: &'static str) -> Self {
        self.given_schema = Some(json_schema);
        self
    }

    /// The project of requests that name none and find none in the environment.
    #[must_use]
    pub const fn project_name(mut self, name: &'static str) -> Self {
        self.project_name = Some(name);
        self
    }

    /// Neither the arguments nor the body are the input.
    #[must_use]
    pub const fn without_automatic_input(mut self) -> Self {
        self.automatic_input = false;
        self
    }

    pub(crate) fn is_tool(&self) -> bool {
        matches!(self.kind, OpenInferenceSpanKind::Tool)
    }

    pub(super) fn json_schema(&'static self) -> Option<&'static str> {
        self.given_schema
            .or_else(|| self.derived_schema.get().map(String::as_str))
    }

    /// Whether this call is the first, which gathers the schema.
    pub(crate) fn wants_schema(&'static self) -> bool {
        self.is_tool() && self.json_schema().is_none()
    }
}
