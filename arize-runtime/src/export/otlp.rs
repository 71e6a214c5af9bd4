//! Spans and requests as OTLP protobuf, written once and in pieces.
//!
//! A request is put together from spans that were encoded as they came: protobuf lets an embedded
//! message be its length and its bytes, so nothing is parsed, cloned or measured again.

use bytes::Bytes;
use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::{DecodeError, Message};

use crate::semconv::RESOURCE_PROJECT_NAME;

/// Field numbers of `opentelemetry/proto/trace/v1/trace.proto` and its neighbours.
mod field {
    pub(super) const REQUEST_RESOURCE_SPANS: u8 = 1;
    pub(super) const RESOURCE_SPANS_RESOURCE: u8 = 1;
    pub(super) const RESOURCE_SPANS_SCOPE_SPANS: u8 = 2;
    pub(super) const RESOURCE_SPANS_SCHEMA_URL: u8 = 3;
    pub(super) const RESOURCE_ATTRIBUTES: u8 = 1;
    pub(super) const SCOPE_SPANS_SCOPE: u8 = 1;
    pub(super) const SCOPE_SPANS_SPANS: u8 = 2;
    pub(super) const SCOPE_SPANS_SCHEMA_URL: u8 = 3;
}

/// Spans of one instrumentation scope, encoded one behind the other.
#[derive(Debug)]
pub(crate) struct ScopeSpans {
    pub(crate) scope: InstrumentationScope,
    pub(crate) encoded: Vec<u8>,
}

/// The provider's resource without the project, encoded.
#[derive(Debug, Default)]
pub(crate) struct EncodedResource {
    attributes: Vec<u8>,
    schema_url: String,
}

impl From<&Resource> for EncodedResource {
    fn from(resource: &Resource) -> Self {
        let resource = ResourceAttributesWithSchema::from(resource);
        let mut attributes = Vec::new();
        for attribute in &resource.attributes.0 {
            if attribute.key != RESOURCE_PROJECT_NAME {
                put_message(field::RESOURCE_ATTRIBUTES, attribute, &mut attributes);
            }
        }
        Self {
            attributes,
            schema_url: resource.schema_url.unwrap_or_default(),
        }
    }
}

/// Appends a span, as `ScopeSpans` has it.
pub(crate) fn encode_span(span: SpanData, buffer: &mut Vec<u8>) {
    put_message(field::SCOPE_SPANS_SPANS, &Span::from(span), buffer);
}

/// A whole request: one `ResourceSpans`, whose resource names the project.
pub(crate) fn encode_request(
    resource: &EncodedResource,
    project_name: &str,
    scopes: &[ScopeSpans],
) -> Bytes {
    let mut resource_attributes = resource.attributes.clone();
    let project = string_attribute(RESOURCE_PROJECT_NAME, project_name);
    put_message(
        field::RESOURCE_ATTRIBUTES,
        &project,
        &mut resource_attributes,
    );

    let spans: usize = scopes.iter().map(|scope| scope.encoded.len() + 256).sum();
    let mut body = Vec::with_capacity(spans + resource_attributes.len());
    put_bytes(
        field::RESOURCE_SPANS_RESOURCE,
        &[&resource_attributes],
        &mut body,
    );
    for ScopeSpans { scope, encoded } in scopes {
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        put_message(
            field::SCOPE_SPANS_SCOPE,
            &common::InstrumentationScope::from((scope, None)),
            &mut head,
        );
        put_text(
            field::SCOPE_SPANS_SCHEMA_URL,
            scope.schema_url().unwrap_or_default(),
            &mut tail,
        );
        put_bytes(
            field::RESOURCE_SPANS_SCOPE_SPANS,
            &[&head, encoded, &tail],
            &mut body,
        );
    }
    put_text(
        field::RESOURCE_SPANS_SCHEMA_URL,
        &resource.schema_url,
        &mut body,
    );

    let mut request = Vec::with_capacity(body.len() + 8);
    put_bytes(field::REQUEST_RESOURCE_SPANS, &[&body], &mut request);
    request.into()
}

/// What the collector said of a request that it took: how many spans it rejected, and its message.
pub(crate) fn decode_response(body: impl bytes::Buf) -> Result<(u64, String), DecodeError> {
    let response = ExportTraceServiceResponse::decode(body)?;
    let partial = response.partial_success.unwrap_or_default();
    Ok((
        u64::try_from(partial.rejected_spans).unwrap_or(0),
        partial.error_message,
    ))
}

fn string_attribute(key: &str, value: &str) -> common::KeyValue {
    let value = common::any_value::Value::StringValue(value.to_owned());
    common::KeyValue {
        key: key.to_owned(),
        value: Some(common::AnyValue { value: Some(value) }),
        ..common::KeyValue::default()
    }
}

/// The key of a length-delimited field.
const fn key(field: u8) -> u8 {
    field << 3 | 2
}

fn put_message(field: u8, message: &impl Message, buffer: &mut Vec<u8>) {
    buffer.push(key(field));
    message
        .encode_length_delimited(buffer)
        .expect("a `Vec` has room");
}

fn put_bytes(field: u8, parts: &[&[u8]], buffer: &mut Vec<u8>) {
    buffer.push(key(field));
    let len = parts.iter().map(|part| part.len()).sum();
    prost::encode_length_delimiter(len, buffer).expect("a `Vec` has room");
    for part in parts {
        buffer.extend_from_slice(part);
    }
}

fn put_text(field: u8, text: &str, buffer: &mut Vec<u8>) {
    if !text.is_empty() {
        put_bytes(field, &[text.as_bytes()], buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::KeyValue;
    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
    use opentelemetry_sdk::trace::SdkTracerProvider;

    fn span(scope: &InstrumentationScope) -> SpanData {
        let tracer = SdkTracerProvider::default().tracer_with_scope(scope.clone());
        let mut span = tracer.start("a span");
        span.set_attribute(KeyValue::new("text", "ü".repeat(300)));
        span.add_event("event", vec![KeyValue::new("n", 1)]);
        span.exported_data().expect("it records")
    }

    #[test]
    fn a_request_in_pieces_is_the_request_of_opentelemetry_proto() {
        let resource = Resource::builder_empty()
            .with_schema_url([KeyValue::new(RESOURCE_PROJECT_NAME, "other")], "https://r")
            .build();
        let plain = InstrumentationScope::builder("plain").build();
        let rich = InstrumentationScope::builder("rich")
            .with_version("1")
            .with_schema_url("https://s")
            .with_attributes([KeyValue::new("k", "v")])
            .build();
        let spans = [span(&plain), span(&rich), span(&rich)];

        let mut scopes = Vec::new();
        for (scope, range) in [(plain, 0..1), (rich, 1..3)] {
            let mut encoded = Vec::new();
            spans[range]
                .iter()
                .for_each(|span| encode_span(span.clone(), &mut encoded));
            scopes.push(ScopeSpans { scope, encoded });
        }
        let body = encode_request(&EncodedResource::from(&resource), "project", &scopes);

        let mut expected = group_spans_by_resource_and_scope(spans.to_vec(), &(&resource).into());
        expected[0]
            .resource
            .as_mut()
            .expect("a resource")
            .attributes = vec![string_attribute(RESOURCE_PROJECT_NAME, "project")];
        let decoded = ExportTraceServiceRequest::decode(body).expect("it is protobuf");
        assert_eq!(decoded.resource_spans, expected);
    }

    #[test]
    fn an_empty_answer_rejects_nothing() {
        assert_eq!(decode_response(Bytes::new()), Ok((0, String::new())));
    }
}
