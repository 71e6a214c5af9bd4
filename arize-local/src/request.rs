//! One export request as it was received.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use crate::decode;
use crate::protocol::Protocol;
use crate::span::{Attributes, Span};

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

    pub(crate) fn decode(
        metadata: Vec<(String, String)>,
        protocol: Protocol,
        request: ExportTraceServiceRequest,
    ) -> Self {
        let space = space_header(&metadata);
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
            metadata: metadata.into(),
            resources: resources.into(),
            spans: spans.into(),
        }
    }
}

/// The space named by the headers; headers that disagree are joined, so that no space matches them.
fn space_header(metadata: &[(String, String)]) -> Option<String> {
    let mut values: Vec<&str> = metadata
        .iter()
        .filter(|(key, _)| key == "arize-space-id" || key == "space_id")
        .map(|(_, value)| value.as_str())
        .collect();
    values.dedup();
    (!values.is_empty()).then(|| values.join(", "))
}
