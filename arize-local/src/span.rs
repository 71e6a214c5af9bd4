//! Spans as they are read: strings for ids, attributes in the order they were sent.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

/// Attributes in the order they were sent. A list and not a map, so that a key sent twice stays visible.
pub type Attributes = Vec<(String, AttributeValue)>;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AttributeValue {
    /// A string.
    String(String),
    /// A boolean.
    Bool(bool),
    /// A 64 bit integer.
    Int(i64),
    /// A 64 bit floating-point number.
    Double(f64),
    /// A list of values.
    Array(Vec<AttributeValue>),
    /// Keys and values.
    Map(Attributes),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// No value at all.
    Empty,
}

impl AttributeValue {
    /// The text, where the value is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// What kind of value this is, in OpenTelemetry's words.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Bool(_) => "boolean",
            Self::Int(_) => "integer",
            Self::Double(_) => "double",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Bytes(_) => "bytes",
            Self::Empty => "empty",
        }
    }

    /// The value as JSON; bytes become a list of numbers.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::String(text) => json!(text),
            Self::Bool(value) => json!(value),
            Self::Int(value) => json!(value),
            Self::Double(value) => json!(value),
            Self::Array(values) => values.iter().map(Self::to_json).collect(),
            Self::Map(entries) => attributes_to_json(entries),
            Self::Bytes(bytes) => json!(bytes),
            Self::Empty => Value::Null,
        }
    }
}

/// Whether a span succeeded, as its instrumentation said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatusCode {
    /// Nothing was said.
    #[default]
    Unset,
    /// Success was stated.
    Ok,
    /// The operation failed.
    Error,
}

/// A span's status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Unset, Ok or Error.
    pub code: StatusCode,
    /// The error's description; empty where there is none.
    pub message: String,
}

/// OpenTelemetry's kind of a span, not to be confused with OpenInference's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpanKind {
    /// Not stated.
    #[default]
    Unspecified,
    /// Inside a process.
    Internal,
    /// Answering a request.
    Server,
    /// Making a request.
    Client,
    /// Sending a message.
    Producer,
    /// Receiving a message.
    Consumer,
}

/// Something that happened during a span.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// Its name; `exception` is the well-known one.
    pub name: String,
    /// When it happened, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// What is known of it.
    pub attributes: Attributes,
}

impl Event {
    /// The value of an attribute; the last one where a key was sent twice.
    #[must_use]
    pub fn attr(&self, key: &str) -> Option<&AttributeValue> {
        find(&self.attributes, key)
    }
}

/// A reference to a span that is not the parent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Link {
    /// 32 hex digits.
    pub trace_id: String,
    /// 16 hex digits.
    pub span_id: String,
    /// What is known of the link.
    pub attributes: Attributes,
}

/// A received span.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// 32 lower-case hex digits.
    pub trace_id: String,
    /// 16 lower-case hex digits.
    pub span_id: String,
    /// 16 lower-case hex digits, or nothing for the root of a trace.
    pub parent_span_id: Option<String>,
    /// W3C tracestate; empty where there is none.
    pub trace_state: String,
    /// W3C trace flags and OTLP's flags on remote parents, as sent.
    pub flags: u32,
    /// The span's name.
    pub name: String,
    /// OpenTelemetry's kind.
    pub otel_kind: SpanKind,
    /// Start, in nanoseconds since 1970.
    pub start_unix_nano: u64,
    /// End, in nanoseconds since 1970.
    pub end_unix_nano: u64,
    /// Attributes in the order they were sent.
    pub attributes: Attributes,
    /// Unset, Ok or Error with its message.
    pub status: Status,
    /// Events in the order they were sent.
    pub events: Vec<Event>,
    /// Links in the order they were sent.
    pub links: Vec<Link>,
    /// The name of the instrumentation scope.
    pub scope_name: String,
    /// The attributes of the resource, shared by the spans of one `ResourceSpans`.
    pub resource: Arc<Attributes>,
    /// The space that the request's headers named (`arize-space-id`, `space_id`).
    ///
    /// Two headers that disagree are both here, joined by `, `, and so are no space at all.
    pub space_header: Option<String>,
}

impl Span {
    /// The value of an attribute; the last one where a key was sent twice.
    #[must_use]
    pub fn attr(&self, key: &str) -> Option<&AttributeValue> {
        find(&self.attributes, key)
    }

    /// The text of an attribute, where it is a string.
    #[must_use]
    pub fn attr_str(&self, key: &str) -> Option<&str> {
        self.attr(key).and_then(AttributeValue::as_str)
    }

    /// `openinference.span.kind`, as sent: `CHAIN`, `TOOL`, ...
    #[must_use]
    pub fn openinference_kind(&self) -> Option<&str> {
        self.attr_str("openinference.span.kind")
    }

    /// Whether the parent is in another process, where the exporter says so.
    pub(crate) fn parent_is_remote(&self) -> Option<bool> {
        const KNOWN: u32 = 0x100;
        const REMOTE: u32 = 0x200;
        (self.flags & KNOWN != 0).then_some(self.flags & REMOTE != 0)
    }

    /// How long the span took; zero where it ends before it starts.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.end_unix_nano.saturating_sub(self.start_unix_nano))
    }

    /// Whether the span's status is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.status.code == StatusCode::Error
    }

    /// The span as JSON.
    ///
    /// `attributes` is an object with the last value of each key; keys sent more than once are listed
    /// in `duplicate_attributes`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut span = json!({
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "parent_span_id": self.parent_span_id,
            "name": self.name,
            "kind": self.openinference_kind(),
            "otel_kind": format!("{:?}", self.otel_kind).to_uppercase(),
            "start_unix_nano": self.start_unix_nano,
            "end_unix_nano": self.end_unix_nano,
            "status": {
                "code": format!("{:?}", self.status.code).to_uppercase(),
                "message": self.status.message,
            },
            "attributes": attributes_to_json(&self.attributes),
            "events": self.events.iter().map(|event| json!({
                "name": event.name,
                "time_unix_nano": event.time_unix_nano,
                "attributes": attributes_to_json(&event.attributes),
            })).collect::<Value>(),
            "links": self.links.iter().map(|link| json!({
                "trace_id": link.trace_id,
                "span_id": link.span_id,
                "attributes": attributes_to_json(&link.attributes),
            })).collect::<Value>(),
            "trace_state": self.trace_state,
            "flags": self.flags,
            "scope": self.scope_name,
            "resource": attributes_to_json(&self.resource),
            "space_header": self.space_header,
        });
        let duplicates = self.duplicate_keys();
        if !duplicates.is_empty() {
            span["duplicate_attributes"] = json!(duplicates);
        }
        span
    }

    /// Attribute keys that were sent more than once, each once.
    pub(crate) fn duplicate_keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self
            .attributes
            .iter()
            .map(|(key, _)| key.as_str())
            .collect();
        keys.sort_unstable();
        let mut duplicates: Vec<&str> = keys
            .windows(2)
            .filter(|pair| pair[0] == pair[1])
            .map(|pair| pair[0])
            .collect();
        duplicates.dedup();
        duplicates
    }
}

fn find<'a>(attributes: &'a Attributes, key: &str) -> Option<&'a AttributeValue> {
    attributes
        .iter()
        .rev()
        .find(|(name, _)| name == key)
        .map(|(_, value)| value)
}

fn attributes_to_json(attributes: &Attributes) -> Value {
    attributes
        .iter()
        .map(|(key, value)| (key.clone(), value.to_json()))
        .collect::<Map<_, _>>()
        .into()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A span of the space `S` and the project `P`, for the tests of this crate.
    pub(crate) fn span(id: &str, parent: &str, name: &str, kind: &str) -> Span {
        let mut attributes: Attributes = vec![
            ("arize.space_id".into(), AttributeValue::String("S".into())),
            (
                "arize.project.name".into(),
                AttributeValue::String("P".into()),
            ),
            ("input.value".into(), AttributeValue::String("in".into())),
            ("output.value".into(), AttributeValue::String("out".into())),
        ];
        if !kind.is_empty() {
            attributes.push((
                "openinference.span.kind".into(),
                AttributeValue::String(kind.into()),
            ));
        }
        Span {
            trace_id: "t".into(),
            span_id: id.into(),
            parent_span_id: (!parent.is_empty()).then(|| parent.into()),
            trace_state: String::new(),
            flags: 1,
            name: name.into(),
            otel_kind: SpanKind::Internal,
            start_unix_nano: 0,
            end_unix_nano: 1_500_000,
            attributes,
            status: Status::default(),
            events: Vec::new(),
            links: Vec::new(),
            scope_name: String::new(),
            resource: Arc::default(),
            space_header: Some("S".into()),
        }
    }

    #[test]
    fn a_key_sent_twice_stays_visible_and_the_last_value_counts() {
        let mut span = span("a", "", "name", "TOOL");
        span.attributes
            .push(("input.value".into(), AttributeValue::String("again".into())));
        assert_eq!(span.attr_str("input.value"), Some("again"));
        assert_eq!(span.duplicate_keys(), ["input.value"]);
        let json = span.to_json();
        assert_eq!(json["attributes"]["input.value"], "again");
        assert_eq!(json["duplicate_attributes"], json!(["input.value"]));
    }
}
