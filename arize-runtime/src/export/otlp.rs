//! Requests as OTLP protobuf, put together from pieces.
//!
//! A request is put together from spans that were encoded as they came: protobuf lets an embedded
//! message be its length and its bytes, so nothing is parsed, cloned or measured again.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::Resource;
use prost::{DecodeError, Message, length_delimiter_len};

use crate::semconv::RESOURCE_PROJECT_NAME;

/// The key and the length of a field take no more bytes.
const MAX_PREFIX: usize = 8;

/// Field numbers of `opentelemetry/proto/trace/v1/trace.proto` and its neighbours.
mod field {
    pub(super) const REQUEST_RESOURCE_SPANS: u8 = 1;
    pub(super) const RESOURCE_SPANS_RESOURCE: u8 = 1;
    pub(super) const RESOURCE_SPANS_SCOPE_SPANS: u8 = 2;
    pub(super) const RESOURCE_SPANS_SCHEMA_URL: u8 = 3;
    pub(super) const RESOURCE_ATTRIBUTES: u8 = 1;
    pub(super) const SCOPE_SPANS_SCOPE: u8 = 1;
    pub(super) const SCOPE_SPANS_SCHEMA_URL: u8 = 3;
}

/// An instrumentation scope, encoded once.
#[derive(Debug)]
pub(crate) struct Scope {
    name: InstrumentationScope,
    head: Vec<u8>,
    schema_url: Vec<u8>,
}

impl Scope {
    fn new(scope: InstrumentationScope) -> Self {
        let mut head = Vec::new();
        let message = common::InstrumentationScope::from((&scope, None));
        put_message(field::SCOPE_SPANS_SCOPE, &message, &mut head);
        let schema_url = scope.schema_url().unwrap_or_default();
        Self {
            schema_url: text_field(field::SCOPE_SPANS_SCHEMA_URL, schema_url),
            name: scope,
            head,
        }
    }

    /// Not less than what a request has of it, in bytes.
    pub(crate) fn overhead(&self) -> usize {
        self.head.len() + self.schema_url.len() + MAX_PREFIX
    }
}

/// The scopes of late. A program has few, as a rule.
#[derive(Debug, Default)]
pub(crate) struct Scopes(Vec<Arc<Scope>>);

impl Scopes {
    const MOST: usize = 64;

    pub(crate) fn find(&mut self, scope: InstrumentationScope) -> Arc<Scope> {
        let Self(known) = self;
        if let Some(at) = known.iter().position(|known| known.name == scope) {
            return known[at].clone();
        }
        if known.len() == Self::MOST {
            known.clear(); // those in use are kept by their batches
        }
        let scope = Arc::new(Scope::new(scope));
        known.push(scope.clone());
        scope
    }
}

/// Spans of one instrumentation scope, encoded one behind the other.
#[derive(Debug)]
pub(crate) struct ScopeSpans {
    pub(crate) scope: Arc<Scope>,
    pub(crate) encoded: Vec<u8>,
}

impl ScopeSpans {
    fn parts(&self) -> [&[u8]; 3] {
        [&self.scope.head, &self.encoded, &self.scope.schema_url]
    }
}

/// The provider's resource without the project, encoded.
#[derive(Debug, Default)]
pub(crate) struct EncodedResource {
    attributes: Vec<u8>,
    schema_url: String,
}

impl EncodedResource {
    /// Not less than what a request with this resource has besides its spans and scopes, in bytes.
    pub(crate) fn overhead(&self, project_name: &str) -> usize {
        self.attributes.len()
            + self.schema_url.len()
            + RESOURCE_PROJECT_NAME.len()
            + project_name.len()
            + 8 * MAX_PREFIX
    }
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

/// A whole request: one `ResourceSpans`, whose resource names the project.
pub(crate) fn encode_request(
    resource: &EncodedResource,
    project_name: &str,
    scopes: &[ScopeSpans],
) -> Bytes {
    let mut project = Vec::new();
    let attribute = string_attribute(RESOURCE_PROJECT_NAME, project_name);
    put_message(field::RESOURCE_ATTRIBUTES, &attribute, &mut project);
    let resource_parts = [&*resource.attributes, &*project];
    let resource_url = text_field(field::RESOURCE_SPANS_SCHEMA_URL, &resource.schema_url);
    // Lengths stand before what they measure; known first, they spare a copy of it all.
    let spans: usize = scopes.iter().map(|spans| field_len(&spans.parts())).sum();
    let body_len = field_len(&resource_parts) + spans + resource_url.len();
    let mut request = Vec::with_capacity(1 + length_delimiter_len(body_len) + body_len);
    put_key(field::REQUEST_RESOURCE_SPANS, body_len, &mut request);
    put_bytes(
        field::RESOURCE_SPANS_RESOURCE,
        &resource_parts,
        &mut request,
    );
    for spans in scopes {
        put_bytes(
            field::RESOURCE_SPANS_SCOPE_SPANS,
            &spans.parts(),
            &mut request,
        );
    }
    request.extend_from_slice(&resource_url);
    request.into()
}

/// Cuts a request in two that have half of the spans each, with how many these are. `None` if it has
/// one span only.
pub(crate) fn split_request(request: &Bytes) -> Option<[(Bytes, u64); 2]> {
    let mut first = ExportTraceServiceRequest::decode(request.clone()).ok()?;
    let resource = first.resource_spans.first_mut()?;
    let count = |resource: &ResourceSpans| -> usize {
        resource
            .scope_spans
            .iter()
            .map(|scope| scope.spans.len())
            .sum()
    };
    let spans = count(resource);
    if spans < 2 {
        return None;
    }
    let mut rest = resource.clone();
    let (mut keep, mut skip) = (spans / 2, spans / 2);
    for scope in &mut resource.scope_spans {
        let kept = keep.min(scope.spans.len());
        scope.spans.truncate(kept);
        keep -= kept;
    }
    for scope in &mut rest.scope_spans {
        let skipped = skip.min(scope.spans.len());
        scope.spans.drain(..skipped);
        skip -= skipped;
    }
    let half = |mut resource: ResourceSpans| {
        resource.scope_spans.retain(|scope| !scope.spans.is_empty());
        let spans = count(&resource) as u64;
        let request = ExportTraceServiceRequest {
            resource_spans: vec![resource],
        };
        (Bytes::from(request.encode_to_vec()), spans)
    };
    Some([half(first.resource_spans.swap_remove(0)), half(rest)])
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

fn put_key(field: u8, len: usize, buffer: &mut Vec<u8>) {
    buffer.push(key(field));
    prost::encode_length_delimiter(len, buffer).expect("a `Vec` has room");
}

fn put_message(field: u8, message: &impl Message, buffer: &mut Vec<u8>) {
    buffer.push(key(field));
    message
        .encode_length_delimited(buffer)
        .expect("a `Vec` has room");
}

fn put_bytes(field: u8, parts: &[&[u8]], buffer: &mut Vec<u8>) {
    put_key(field, parts.iter().map(|part| part.len()).sum(), buffer);
    for part in parts {
        buffer.extend_from_slice(part);
    }
}

/// What [`put_bytes`] appends, in bytes.
fn field_len(parts: &[&[u8]]) -> usize {
    let len = parts.iter().map(|part| part.len()).sum();
    1 + length_delimiter_len(len) + len
}

/// Nothing for an empty text.
fn text_field(field: u8, text: &str) -> Vec<u8> {
    let mut buffer = Vec::new();
    if !text.is_empty() {
        put_bytes(field, &[text.as_bytes()], &mut buffer);
    }
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::KeyValue;
    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
    use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData};

    use crate::export::encode::encode_span;

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
                .for_each(|span| encode_span(span, &mut encoded));
            scopes.push(ScopeSpans {
                scope: Arc::new(Scope::new(scope)),
                encoded,
            });
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
    fn a_request_is_split_until_it_has_one_span() {
        let scopes = ["a", "b"].map(|name| {
            let (scope, mut encoded) = (InstrumentationScope::builder(name).build(), Vec::new());
            encode_span(&span(&scope), &mut encoded);
            encode_span(&span(&scope), &mut encoded);
            ScopeSpans {
                scope: Arc::new(Scope::new(scope)),
                encoded,
            }
        });
        let whole = encode_request(&EncodedResource::default(), "project", &scopes);
        let decode = |bytes: &Bytes| {
            let request = ExportTraceServiceRequest::decode(bytes.clone()).expect("it is protobuf");
            request.resource_spans[0].clone()
        };
        let [(first, n), (second, m)] = split_request(&whole).expect("it has four");
        assert_eq!((n, m), (2, 2));
        let (whole, first_half, second_half) = (decode(&whole), decode(&first), decode(&second));
        assert_eq!(first_half.resource, whole.resource);
        assert_eq!(first_half.scope_spans[..], whole.scope_spans[..1]);
        assert_eq!(second_half.scope_spans[..], whole.scope_spans[1..]);
        let [(quarter, 1), (_, 1)] = split_request(&first).expect("it has two") else {
            panic!("a span each")
        };
        assert!(split_request(&quarter).is_none());
    }

    #[test]
    fn an_empty_answer_rejects_nothing() {
        assert_eq!(decode_response(Bytes::new()), Ok((0, String::new())));
    }
}
