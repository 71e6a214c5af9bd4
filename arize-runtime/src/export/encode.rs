//! A span as OTLP protobuf (`opentelemetry/proto/trace/v1/trace.proto`), written straight from what the
//! SDK has. By way of opentelemetry-proto's structs every key and value would be copied once more.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{Event, Link, SpanContext, SpanId, SpanKind, Status};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;
use prost::encoding::encode_varint as varint;
use prost::{encode_length_delimiter, length_delimiter_len};

/// Field numbers.
mod field {
    pub(super) const SCOPE_SPANS_SPANS: u8 = 2;

    pub(super) const TRACE_ID: u8 = 1;
    pub(super) const SPAN_ID: u8 = 2;
    pub(super) const TRACE_STATE: u8 = 3;
    pub(super) const PARENT_SPAN_ID: u8 = 4;
    pub(super) const NAME: u8 = 5;
    pub(super) const KIND: u8 = 6;
    pub(super) const START_TIME: u8 = 7;
    pub(super) const END_TIME: u8 = 8;
    pub(super) const ATTRIBUTES: u8 = 9;
    pub(super) const DROPPED_ATTRIBUTES: u8 = 10;
    pub(super) const EVENTS: u8 = 11;
    pub(super) const DROPPED_EVENTS: u8 = 12;
    pub(super) const LINKS: u8 = 13;
    pub(super) const DROPPED_LINKS: u8 = 14;
    pub(super) const STATUS: u8 = 15;
    pub(super) const FLAGS: u8 = 16;

    pub(super) const EVENT_TIME: u8 = 1;
    pub(super) const EVENT_NAME: u8 = 2;
    pub(super) const EVENT_ATTRIBUTES: u8 = 3;
    pub(super) const EVENT_DROPPED_ATTRIBUTES: u8 = 4;

    // ids and state are as in a span
    pub(super) const LINK_ATTRIBUTES: u8 = 4;
    pub(super) const LINK_DROPPED_ATTRIBUTES: u8 = 5;
    pub(super) const LINK_FLAGS: u8 = 6;

    pub(super) const STATUS_MESSAGE: u8 = 2;
    pub(super) const STATUS_CODE: u8 = 3;

    pub(super) const KEY: u8 = 1;
    pub(super) const VALUE: u8 = 2;

    pub(super) const STRING_VALUE: u8 = 1;
    pub(super) const BOOL_VALUE: u8 = 2;
    pub(super) const INT_VALUE: u8 = 3;
    pub(super) const DOUBLE_VALUE: u8 = 4;
    pub(super) const ARRAY_VALUE: u8 = 5;
    pub(super) const ARRAY_VALUES: u8 = 1;
}

/// `SpanFlags`: whether the parent is remote is known, and whether it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// Appends a span, as `ScopeSpans` has it.
pub(crate) fn encode_span(span: &SpanData, buffer: &mut Vec<u8>) {
    message(field::SCOPE_SPANS_SPANS, buffer, |buffer| {
        ids(&span.span_context, buffer);
        if span.parent_span_id != SpanId::INVALID {
            bytes(
                field::PARENT_SPAN_ID,
                &span.parent_span_id.to_bytes(),
                buffer,
            );
        }
        text(field::NAME, &span.name, buffer);
        let kind = match span.span_kind {
            SpanKind::Internal => 1,
            SpanKind::Server => 2,
            SpanKind::Client => 3,
            SpanKind::Producer => 4,
            SpanKind::Consumer => 5,
        };
        number(field::KIND, kind, buffer);
        time(field::START_TIME, span.start_time, buffer);
        time(field::END_TIME, span.end_time, buffer);
        attributes(field::ATTRIBUTES, &span.attributes, buffer);
        number(
            field::DROPPED_ATTRIBUTES,
            span.dropped_attributes_count,
            buffer,
        );
        for event in &span.events.events {
            message(field::EVENTS, buffer, |buffer| encode_event(event, buffer));
        }
        number(field::DROPPED_EVENTS, span.events.dropped_count, buffer);
        for link in &span.links.links {
            message(field::LINKS, buffer, |buffer| encode_link(link, buffer));
        }
        number(field::DROPPED_LINKS, span.links.dropped_count, buffer);
        message(field::STATUS, buffer, |buffer| {
            encode_status(&span.status, buffer);
        });
        let flags = flags(&span.span_context, span.parent_span_is_remote);
        fixed32(field::FLAGS, flags, buffer);
    });
}

fn encode_event(event: &Event, buffer: &mut Vec<u8>) {
    time(field::EVENT_TIME, event.timestamp, buffer);
    text(field::EVENT_NAME, &event.name, buffer);
    attributes(field::EVENT_ATTRIBUTES, &event.attributes, buffer);
    let dropped = event.dropped_attributes_count;
    number(field::EVENT_DROPPED_ATTRIBUTES, dropped, buffer);
}

fn encode_link(link: &Link, buffer: &mut Vec<u8>) {
    ids(&link.span_context, buffer);
    attributes(field::LINK_ATTRIBUTES, &link.attributes, buffer);
    let dropped = link.dropped_attributes_count;
    number(field::LINK_DROPPED_ATTRIBUTES, dropped, buffer);
    let flags = flags(&link.span_context, link.span_context.is_remote());
    fixed32(field::LINK_FLAGS, flags, buffer);
}

fn encode_status(status: &Status, buffer: &mut Vec<u8>) {
    match status {
        Status::Unset => {}
        Status::Ok => number(field::STATUS_CODE, 1, buffer),
        Status::Error { description } => {
            text(field::STATUS_MESSAGE, description, buffer);
            number(field::STATUS_CODE, 2, buffer);
        }
    }
}

fn ids(context: &SpanContext, buffer: &mut Vec<u8>) {
    bytes(field::TRACE_ID, &context.trace_id().to_bytes(), buffer);
    bytes(field::SPAN_ID, &context.span_id().to_bytes(), buffer);
    text(field::TRACE_STATE, &context.trace_state().header(), buffer);
}

fn flags(context: &SpanContext, is_remote: bool) -> u32 {
    let is_remote = if is_remote { IS_REMOTE } else { 0 };
    u32::from(context.trace_flags().to_u8()) | HAS_IS_REMOTE | is_remote
}

fn attributes(field: u8, attributes: &[KeyValue], buffer: &mut Vec<u8>) {
    for attribute in attributes {
        message(field, buffer, |buffer| {
            text(field::KEY, attribute.key.as_str(), buffer);
            message(field::VALUE, buffer, |buffer| {
                value(&attribute.value, buffer);
            });
        });
    }
}

/// What a oneof has is written even where it is nothing, such as `false`.
fn value(value: &Value, buffer: &mut Vec<u8>) {
    match value {
        Value::Bool(value) => bool_value(*value, buffer),
        Value::I64(value) => int_value(*value, buffer),
        Value::F64(value) => double_value(*value, buffer),
        Value::String(value) => bytes(field::STRING_VALUE, value.as_str().as_bytes(), buffer),
        Value::Array(array) => message(field::ARRAY_VALUE, buffer, |buffer| match array {
            Array::Bool(values) => {
                items(values, buffer, |value, buffer| bool_value(*value, buffer));
            }
            Array::I64(values) => items(values, buffer, |value, buffer| int_value(*value, buffer)),
            Array::F64(values) => {
                items(values, buffer, |value, buffer| double_value(*value, buffer));
            }
            Array::String(values) => items(values, buffer, |value, buffer| {
                bytes(field::STRING_VALUE, value.as_str().as_bytes(), buffer);
            }),
            _ => {}
        }),
        _ => {}
    }
}

fn items<T>(items: &[T], buffer: &mut Vec<u8>, item: impl Fn(&T, &mut Vec<u8>)) {
    for one in items {
        message(field::ARRAY_VALUES, buffer, |buffer| item(one, buffer));
    }
}

fn bool_value(value: bool, buffer: &mut Vec<u8>) {
    buffer.extend_from_slice(&[key(field::BOOL_VALUE, Wire::Varint), value.into()]);
}

fn int_value(value: i64, buffer: &mut Vec<u8>) {
    buffer.push(key(field::INT_VALUE, Wire::Varint));
    varint(value.cast_unsigned(), buffer);
}

fn double_value(value: f64, buffer: &mut Vec<u8>) {
    buffer.push(key(field::DOUBLE_VALUE, Wire::Fixed64));
    buffer.extend_from_slice(&value.to_le_bytes());
}

/// Wire types of protobuf.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Len = 2,
    Fixed32 = 5,
}

/// For field numbers below 16, whose key is one byte.
const fn key(field: u8, wire: Wire) -> u8 {
    field << 3 | wire as u8
}

/// Writes a message whose length is known afterwards. Most are short, and their length is one byte; for
/// the others room is made.
fn message(field: u8, buffer: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    buffer.push(key(field, Wire::Len));
    let at = buffer.len();
    buffer.push(0);
    content(buffer);
    let end = buffer.len();
    let len = end - at - 1;
    if let Ok(len @ 0..0x80) = u8::try_from(len) {
        buffer[at] = len;
        return;
    }
    let size = length_delimiter_len(len);
    buffer.resize(end + size - 1, 0);
    buffer.copy_within(at + 1..end, at + size);
    encode_length_delimiter(len, &mut &mut buffer[at..at + size]).expect("it was measured");
}

fn bytes(field: u8, bytes: &[u8], buffer: &mut Vec<u8>) {
    buffer.push(key(field, Wire::Len));
    varint(bytes.len() as u64, buffer);
    buffer.extend_from_slice(bytes);
}

fn text(field: u8, text: &str, buffer: &mut Vec<u8>) {
    if !text.is_empty() {
        bytes(field, text.as_bytes(), buffer);
    }
}

fn number(field: u8, number: u32, buffer: &mut Vec<u8>) {
    if number > 0 {
        buffer.push(key(field, Wire::Varint));
        varint(number.into(), buffer);
    }
}

/// Nanoseconds since 1970; nothing for a time that is not after it.
fn time(field: u8, time: SystemTime, buffer: &mut Vec<u8>) {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanos = u64::try_from(since.as_nanos()).unwrap_or(0);
    if nanos > 0 {
        buffer.push(key(field, Wire::Fixed64));
        buffer.extend_from_slice(&nanos.to_le_bytes());
    }
}

/// The key of a field above 15 has two bytes.
fn fixed32(field: u8, value: u32, buffer: &mut Vec<u8>) {
    varint(u64::from(field) << 3 | Wire::Fixed32 as u64, buffer);
    buffer.extend_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{
        Span as _, SpanBuilder, SpanContext, TraceContextExt as _, TraceFlags, TraceId, TraceState,
        Tracer as _, TracerProvider as _,
    };
    use opentelemetry::{Context, StringValue};
    use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span};
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use prost::Message as _;

    fn values() -> Vec<Value> {
        let texts: Vec<StringValue> = vec!["".into(), "ü".repeat(200).into()];
        vec![
            "".into(),
            "x".repeat(127).into(),
            "x".repeat(128).into(),
            "x".repeat(20_000).into(),
            false.into(),
            true.into(),
            0.into(),
            i64::MIN.into(),
            i64::MAX.into(),
            0.0.into(),
            f64::NEG_INFINITY.into(),
            Value::Array(vec![true, false].into()),
            Value::Array(vec![0, -1, i64::MAX].into()),
            Value::Array(vec![0.0, 1.5e300].into()),
            Value::Array(texts.into()),
            Value::Array(Vec::<i64>::new().into()),
        ]
    }

    fn numbered(values: Vec<Value>) -> Vec<KeyValue> {
        let numbered = values.into_iter().enumerate();
        numbered
            .map(|(n, value)| KeyValue::new(format!("key.{n}"), value))
            .collect()
    }

    /// Spans that have something in every field, and in none.
    fn spans() -> Vec<SpanData> {
        let tracer = SdkTracerProvider::default().tracer("test");
        let state = TraceState::from_key_value([("a", "1"), ("b", "2")]).expect("a state");
        let remote = SpanContext::new(
            TraceId::from(0xabcd),
            SpanId::from(0x12),
            TraceFlags::SAMPLED,
            true,
            state,
        );
        let kinds = [
            SpanKind::Internal,
            SpanKind::Server,
            SpanKind::Client,
            SpanKind::Producer,
            SpanKind::Consumer,
        ];
        let statuses = [
            Status::Unset,
            Status::Ok,
            Status::error(""),
            Status::error("no"),
        ];
        let mut spans = Vec::new();
        for (kind, status) in kinds.into_iter().zip(statuses.iter().cycle()) {
            let parent = Context::new().with_remote_span_context(remote.clone());
            let builder = SpanBuilder::from_name("a span")
                .with_kind(kind)
                .with_attributes(numbered(values()));
            let mut span = tracer.build_with_context(builder, &parent);
            span.add_event("", Vec::new());
            span.add_event("event", numbered(values()));
            span.add_link(remote.clone(), numbered(values()));
            span.add_link(SpanContext::NONE, Vec::new());
            let mut data = span.exported_data().expect("it records");
            data.status = status.clone();
            data.dropped_attributes_count = 300;
            data.events.dropped_count = 1;
            data.links.dropped_count = u32::MAX;
            spans.push(data);
        }
        let mut bare = tracer.start("").exported_data().expect("it records");
        bare.start_time = UNIX_EPOCH;
        spans.push(bare);
        spans
    }

    #[test]
    fn a_span_is_written_as_opentelemetry_proto_has_it() {
        let (mut buffer, spans) = (Vec::new(), spans());
        for span in &spans {
            encode_span(span, &mut buffer);
        }
        let decoded = ScopeSpans::decode(&*buffer).expect("it is protobuf");
        let expected: Vec<_> = spans.into_iter().map(Span::from).collect();
        assert_eq!(decoded.spans, expected);
        let scope = ScopeSpans {
            spans: expected,
            ..ScopeSpans::default()
        };
        assert_eq!(scope.encode_to_vec().len(), buffer.len(), "no byte more");
    }
}
