//! One export request as it was received.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use crate::decode;
use crate::protocol::Protocol;
use crate::span::{Attributes, Span};

/// The headers that name the space.
pub(crate) const SPACE_HEADERS: [&str; 2] = ["arize-space-id", "space_id"];

/// One OTLP export request. Cheap to clone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExportRequest {
    /// How it came.
    pub protocol: Protocol,
    /// The request's headers in lower case, in the order they came.
    pub metadata: Arc<[(String, String)]>,
    /// The resource attributes, one entry for each `ResourceSpans`.
    pub resources: Arc<[Arc<Attributes>]>,
    /// The spans in the order they were sent.
    pub spans: Arc<[Span]>,
}

impl ExportRequest {
    /// The first value of a header, named in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.metadata
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The space that the headers name.
    pub(crate) fn space(&self) -> Option<&str> {
        match self.spans.first() {
            Some(span) => span.space_header.as_deref(),
            None => SPACE_HEADERS.into_iter().find_map(|name| self.header(name)),
        }
    }

    pub(crate) fn decode(
        headers: &HeaderMap,
        protocol: Protocol,
        request: ExportTraceServiceRequest,
    ) -> Self {
        let space = space(headers);
        let mut resources = Vec::new();
        let mut spans = Vec::new();
        for resource_spans in request.resource_spans {
            let resource = Arc::new(decode::attributes(
                resource_spans.resource.unwrap_or_default().attributes,
            ));
            for scope_spans in resource_spans.scope_spans {
                let scope = scope_spans.scope.unwrap_or_default().name;
                spans.extend(
                    scope_spans
                        .spans
                        .into_iter()
                        .map(|span| decode::span(span, &scope, &resource, space.as_deref())),
                );
            }
            resources.push(resource);
        }
        Self {
            protocol,
            metadata: headers.iter().map(texts).collect(),
            resources: resources.into(),
            spans: spans.into(),
        }
    }
}

/// The space named by the headers; headers that disagree are joined, so that no space matches them.
pub(crate) fn space(headers: &HeaderMap) -> Option<String> {
    let named = SPACE_HEADERS.map(|name| headers.get_all(name));
    let mut values: Vec<_> = named
        .into_iter()
        .flatten()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    values.dedup();
    (!values.is_empty()).then(|| values.join(", "))
}

fn texts((name, value): (&HeaderName, &HeaderValue)) -> (String, String) {
    let value = String::from_utf8_lossy(value.as_bytes());
    (name.as_str().to_owned(), value.into_owned())
}
