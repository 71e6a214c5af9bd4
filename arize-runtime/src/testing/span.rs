//! A captured span, as a test reads it.

use opentelemetry::trace::{Event, Link, SpanContext, SpanId, Status, TraceId};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::export::attributes::route_of;
use crate::routing::Routing;
use crate::semconv::{INPUT_VALUE, OUTPUT_VALUE, SPAN_KIND};

/// A span that was captured, as Arize would see it. From [`Capture::span`](super::Capture::span).
///
/// ```
/// use arize_runtime::{Routing, set_routing_context, testing, tool};
///
/// #[tool]
/// fn double(n: u32) -> u32 {
///     n * 2
/// }
///
/// let capture = testing::capture();
/// let routing = Routing::new("space", "project")?;
/// capture.run(|| set_routing_context(routing.clone(), || double(21)));
///
/// let span = capture.span("double");
/// assert_eq!(span.kind(), Some("TOOL"));
/// assert_eq!((span.input(), span.output()), (Some(r#"{"n":21}"#), Some("42")));
/// assert_eq!(span.text("tool.name"), Some("double"));
/// assert_eq!((span.error(), span.parent_span_id()), (None, None));
/// assert_eq!(span.routing(), Some(routing));
/// # Ok::<(), arize_runtime::RoutingError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CapturedSpan {
    pub(super) data: SpanData,
    pub(super) ended: bool,
}

impl CapturedSpan {
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.data.name
    }

    /// The OpenInference kind (`openinference.span.kind`), in upper case.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.text(SPAN_KIND)
    }

    /// `input.value`.
    #[must_use]
    pub fn input(&self) -> Option<&str> {
        self.text(INPUT_VALUE)
    }

    /// `output.value`.
    #[must_use]
    pub fn output(&self) -> Option<&str> {
        self.text(OUTPUT_VALUE)
    }

    /// The attribute of this key, if it is a string.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.attribute(key)? {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The attribute of this key, of whatever type.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        let of_key = |kv: &&KeyValue| kv.key.as_str() == key;
        Some(&self.attributes().iter().find(of_key)?.value)
    }

    /// All attributes, each key once.
    #[must_use]
    pub fn attributes(&self) -> &[KeyValue] {
        &self.data.attributes
    }

    /// The status: OK where an annotated function returned and recorded no error.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.data.status
    }

    /// The description of the status where that is an error, such as `SoldOut: no room left`.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match &self.data.status {
            Status::Error { description } => Some(description),
            _ => None,
        }
    }

    /// The events, such as the `exception` that an error leaves.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.data.events.events
    }

    /// The links, such as a handler's to the span of a server's middleware.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.data.links.links
    }

    /// The trace.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.data.span_context.trace_id()
    }

    /// The id.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.data.span_context.span_id()
    }

    /// The parent, wherever that is; none for the root of a trace.
    #[must_use]
    pub fn parent_span_id(&self) -> Option<SpanId> {
        Some(self.data.parent_span_id).filter(|id| *id != SpanId::INVALID)
    }

    /// Whether the parent is another process's, named by a request's `traceparent`.
    #[must_use]
    pub fn has_remote_parent(&self) -> bool {
        self.data.parent_span_is_remote
    }

    /// Ids, flags and trace state.
    #[must_use]
    pub fn span_context(&self) -> &SpanContext {
        &self.data.span_context
    }

    /// The space and project that the span would go to; without, it would be dropped.
    #[must_use]
    pub fn routing(&self) -> Option<Routing> {
        let (space_id, project_name) = route_of(self.attributes()).ok()?;
        Some(Routing::join(space_id, project_name))
    }
}
