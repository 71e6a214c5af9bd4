//! Every name that goes over the wire or comes from the environment, spelled once.
//!
//! Sources: OpenInference semantic conventions 0.1.42, W3C Trace Context level 2, W3C Baggage, and
//! what Arize's experiment runner sends. Two traps live here and are pinned by the tests below: the
//! project is `arize.project_name` in baggage but `arize.project.name` on a span, and the collector
//! address has two names in Arize's own documents.

use std::fmt;

use http::HeaderName;

/// W3C Trace Context: the parent span.
pub static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// W3C Trace Context: vendor state, carried along unchanged.
pub static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// W3C Baggage.
pub static BAGGAGE: HeaderName = HeaderName::from_static("baggage");
/// The experiment that called, for linkage and never for routing.
pub static EXPERIMENT_ID_HEADER: HeaderName = HeaderName::from_static("x-arize-experiment-id");
/// The experiment run that called, for linkage and never for routing.
pub static EXPERIMENT_RUN_ID_HEADER: HeaderName =
    HeaderName::from_static("x-arize-experiment-run-id");

/// Baggage key of the space.
pub const BAGGAGE_SPACE_ID: &str = "arize.space_id";
/// Baggage key of the project: with an underscore, unlike the attribute.
pub const BAGGAGE_PROJECT_NAME: &str = "arize.project_name";

/// Span attribute: the space that the span belongs to (string).
pub const SPACE_ID: &str = "arize.space_id";
/// Span attribute: the project that the span belongs to (string); with a dot, unlike the baggage key.
pub const PROJECT_NAME: &str = "arize.project.name";
/// Resource attribute by which Arize Phoenix chooses the project (string).
pub const RESOURCE_PROJECT_NAME: &str = "openinference.project.name";

/// Span attribute: see [`OpenInferenceSpanKind`] (string).
pub const SPAN_KIND: &str = "openinference.span.kind";
/// Span attribute (string).
pub const INPUT_VALUE: &str = "input.value";
/// Span attribute: [`TEXT`] or [`JSON`].
pub const INPUT_MIME_TYPE: &str = "input.mime_type";
/// Span attribute (string).
pub const OUTPUT_VALUE: &str = "output.value";
/// Span attribute: [`TEXT`] or [`JSON`].
pub const OUTPUT_MIME_TYPE: &str = "output.mime_type";
/// Span attribute (string).
pub const TOOL_NAME: &str = "tool.name";
/// Span attribute (string).
pub const TOOL_DESCRIPTION: &str = "tool.description";
/// Span attribute: the JSON Schema of the arguments (JSON string).
pub const TOOL_PARAMETERS: &str = "tool.parameters";
/// Span attribute (JSON string).
pub const METADATA: &str = "metadata";
/// Span attribute: the conversation that the span belongs to (string).
pub const SESSION_ID: &str = "session.id";
/// Span attribute: the user that the span belongs to (string).
pub const USER_ID: &str = "user.id";
/// Span attribute: labels (string array).
pub const TAGS: &str = "tag.tags";
/// Span attribute: the prompt before its variables are put in (string).
pub const PROMPT_TEMPLATE: &str = "llm.prompt_template.template";
/// Span attribute (string).
pub const PROMPT_TEMPLATE_VERSION: &str = "llm.prompt_template.version";
/// Span attribute (JSON string).
pub const PROMPT_TEMPLATE_VARIABLES: &str = "llm.prompt_template.variables";
/// Resource attribute: what the project is for (`application`, `harness`, `experiment`).
pub const RESOURCE_PROJECT_TYPE: &str = "arize.project.type";

/// OpenTelemetry: name of the event that an error leaves.
pub const EXCEPTION: &str = "exception";
/// Event attribute: the full type name (string).
pub const EXCEPTION_TYPE: &str = "exception.type";
/// Event attribute (string).
pub const EXCEPTION_MESSAGE: &str = "exception.message";
/// Event attribute: here the chain of `source()`s, one `caused by` a line (string).
pub const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";

/// Mime type of a recorded string, number or boolean.
pub const TEXT: &str = "text/plain";
/// Mime type of a recorded object or array.
pub const JSON: &str = "application/json";
/// What stands in the place of a redacted value.
pub const REDACTED: &str = "__REDACTED__";

/// Environment: the API key.
pub const ENV_API_KEY: &str = "ARIZE_API_KEY";
/// Environment: the collector, as the Python package reads it; wins over [`ENV_OTLP_ENDPOINT`].
pub const ENV_COLLECTOR_ENDPOINT: &str = "ARIZE_COLLECTOR_ENDPOINT";
/// Environment: the collector, as Arize's page names it.
pub const ENV_OTLP_ENDPOINT: &str = "ARIZE_OTLP_ENDPOINT";
/// Environment: the space of requests that name none.
pub const ENV_SPACE_ID: &str = "ARIZE_SPACE_ID";
/// Environment: the project of requests that name none.
pub const ENV_PROJECT_NAME: &str = "ARIZE_PROJECT_NAME";
/// Environment: what the project of [`register`](crate::register) is for.
pub const ENV_PROJECT_TYPE: &str = "ARIZE_PROJECT_TYPE";
/// Environment: which exporter sends traces.
pub const ENV_TRACES_EXPORTER: &str = "OTEL_TRACES_EXPORTER";
/// Environment: the URL that traces are sent to.
pub const ENV_TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// Environment: headers of requests with traces, values percent-encoded.
pub const ENV_TRACES_HEADERS: &str = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
/// Environment: attributes of the resource, values percent-encoded.
pub const ENV_RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
/// Environment: the protocol of OTLP; [`ENV_TRACES_PROTOCOL`] wins.
pub const ENV_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
/// Environment: the protocol of OTLP for traces.
pub const ENV_TRACES_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
/// Environment: how requests are compressed; [`ENV_TRACES_COMPRESSION`] wins.
pub const ENV_COMPRESSION: &str = "OTEL_EXPORTER_OTLP_COMPRESSION";
/// Environment: how requests with traces are compressed; wins over [`ENV_COMPRESSION`].
pub const ENV_TRACES_COMPRESSION: &str = "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION";
/// Environment: a file of root certificates; [`ENV_TRACES_CERTIFICATE`] wins.
pub const ENV_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
/// Environment: a file of root certificates for traces; wins over [`ENV_CERTIFICATE`].
pub const ENV_TRACES_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE";
/// Environment: what the names of variables that hide something begin with.
pub const ENV_HIDE: &str = "OPENINFERENCE_HIDE_";
/// How long the base64 of an image may be.
pub const ENV_BASE64_IMAGE_MAX_LENGTH: &str = "OPENINFERENCE_BASE64_IMAGE_MAX_LENGTH";

/// Arize's collector in the United States.
pub const ARIZE_ENDPOINT: &str = "https://otlp.arize.com/v1";
/// Arize's collector in Europe.
pub const ARIZE_EUROPE_ENDPOINT: &str = "https://otlp.eu-west-1a.arize.com/v1";

/// What a span stands for, as OpenInference names it (`openinference.span.kind`).
///
/// ```
/// use arize_runtime::OpenInferenceSpanKind;
/// assert_eq!(OpenInferenceSpanKind::Tool.as_str(), "TOOL");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpenInferenceSpanKind {
    /// A step that reasons and acts on its own.
    Agent,
    /// A link between steps, or the entry of an application.
    Chain,
    /// A decision of a policy or model.
    Decision,
    /// A call that turns text into vectors.
    Embedding,
    /// A judgement of an output.
    Evaluator,
    /// A check of an input or output.
    Guardrail,
    /// A call of a language model.
    Llm,
    /// The rendering of a prompt.
    Prompt,
    /// A call that orders documents anew.
    Reranker,
    /// A call that finds documents.
    Retriever,
    /// A function that the agent calls.
    Tool,
    /// Anything else.
    Unknown,
}

impl OpenInferenceSpanKind {
    /// The value of the attribute, in upper case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "AGENT",
            Self::Chain => "CHAIN",
            Self::Decision => "DECISION",
            Self::Embedding => "EMBEDDING",
            Self::Evaluator => "EVALUATOR",
            Self::Guardrail => "GUARDRAIL",
            Self::Llm => "LLM",
            Self::Prompt => "PROMPT",
            Self::Reranker => "RERANKER",
            Self::Retriever => "RETRIEVER",
            Self::Tool => "TOOL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl fmt::Display for OpenInferenceSpanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_has_an_underscore_in_baggage_and_a_dot_on_spans() {
        assert_eq!(BAGGAGE_PROJECT_NAME, "arize.project_name");
        assert_eq!(PROJECT_NAME, "arize.project.name");
    }

    #[test]
    fn the_endpoint_has_two_names() {
        assert_eq!(ENV_COLLECTOR_ENDPOINT, "ARIZE_COLLECTOR_ENDPOINT");
        assert_eq!(ENV_OTLP_ENDPOINT, "ARIZE_OTLP_ENDPOINT");
    }
}
