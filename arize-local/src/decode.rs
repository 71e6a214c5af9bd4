//! From OTLP messages to spans.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1 as proto;

use crate::span::{AttributeValue, Attributes, Event, Link, Span, SpanKind, Status, StatusCode};

/// Decodes one span of a request.
pub(crate) fn span(
    span: proto::Span,
    scope_name: &str,
    resource: &Arc<Attributes>,
    space_header: Option<&str>,
) -> Span {
    let status = span.status.unwrap_or_default();
    Span {
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        // An absent parent is an empty string of bytes; some exporters send eight zeros instead.
        parent_span_id: span
            .parent_span_id
            .iter()
            .any(|byte| *byte != 0)
            .then(|| hex(&span.parent_span_id)),
        trace_state: span.trace_state,
        flags: span.flags,
        name: span.name,
        otel_kind: span_kind(span.kind),
        start_unix_nano: span.start_time_unix_nano,
        end_unix_nano: span.end_time_unix_nano,
        attributes: attributes(span.attributes),
        status: Status {
            code: match status.code {
                1 => StatusCode::Ok,
                2 => StatusCode::Error,
                _ => StatusCode::Unset,
            },
            message: status.message,
        },
        events: span
            .events
            .into_iter()
            .map(|event| Event {
                name: event.name,
                time_unix_nano: event.time_unix_nano,
                attributes: attributes(event.attributes),
            })
            .collect(),
        links: span
            .links
            .into_iter()
            .map(|link| Link {
                trace_id: hex(&link.trace_id),
                span_id: hex(&link.span_id),
                attributes: attributes(link.attributes),
            })
            .collect(),
        scope_name: scope_name.to_owned(),
        resource: Arc::clone(resource),
        space_header: space_header.map(str::to_owned),
    }
}

/// Decodes attributes, keeping their order and duplicates.
pub(crate) fn attributes(attributes: Vec<KeyValue>) -> Attributes {
    attributes
        .into_iter()
        .map(|entry| (entry.key, attribute_value(entry.value)))
        .collect()
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
            text
        })
}

fn attribute_value(value: Option<AnyValue>) -> AttributeValue {
    match value.and_then(|any| any.value) {
        Some(Value::StringValue(text)) => AttributeValue::String(text),
        Some(Value::BoolValue(value)) => AttributeValue::Bool(value),
        Some(Value::IntValue(value)) => AttributeValue::Int(value),
        Some(Value::DoubleValue(value)) => AttributeValue::Double(value),
        Some(Value::ArrayValue(array)) => AttributeValue::Array(
            array
                .values
                .into_iter()
                .map(|any| attribute_value(Some(any)))
                .collect(),
        ),
        Some(Value::KvlistValue(list)) => AttributeValue::Map(attributes(list.values)),
        Some(Value::BytesValue(bytes)) => AttributeValue::Bytes(bytes),
        // An index into a table that only profiles have: OTLP asks receivers to read it as empty.
        Some(Value::StringValueStrindex(_)) | None => AttributeValue::Empty,
    }
}

fn span_kind(kind: i32) -> SpanKind {
    match kind {
        1 => SpanKind::Internal,
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_of_zeros_is_no_parent() {
        let zeros = proto::Span {
            parent_span_id: vec![0; 8],
            ..Default::default()
        };
        let span = span(zeros, "", &Arc::default(), None);
        assert_eq!(span.parent_span_id, None);
    }
}
