//! What has arrived.

use std::collections::HashSet;

use http::HeaderMap;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde::{Deserialize, Serialize};

/// The header that names the space of a request.
pub(crate) const SPACE_HEADER: &str = "space_id";

/// What a collector has seen so far.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Spans with different ids.
    pub(crate) spans: u64,
    pub(crate) requests: u64,
    pub(crate) connections: u64,
    /// Different spaces named by requests.
    pub(crate) spaces: u64,
    /// Spans that name another space than their request.
    pub(crate) misrouted: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Counts,
    span_ids: HashSet<Vec<u8>>,
    spaces: HashSet<String>,
}

impl Tally {
    pub(super) fn connected(&mut self) {
        self.counts.connections += 1;
    }

    pub(super) fn count(&mut self, headers: &HeaderMap, message: &ExportTraceServiceRequest) {
        let space = headers.get(SPACE_HEADER).and_then(|id| id.to_str().ok());
        let space = space.unwrap_or_default();
        self.counts.requests += 1;
        if !self.spaces.contains(space) {
            self.spaces.insert(space.to_owned());
        }
        let scopes = message.resource_spans.iter().flat_map(|r| &r.scope_spans);
        for span in scopes.flat_map(|scope| &scope.spans) {
            self.counts.misrouted += u64::from(space_of(span) != Some(space));
            self.span_ids.insert(span.span_id.clone());
        }
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            spans: self.span_ids.len() as u64,
            spaces: self.spaces.len() as u64,
            ..self.counts
        }
    }
}

fn space_of(span: &Span) -> Option<&str> {
    let attribute = span.attributes.iter().find(|a| a.key == "arize.space_id")?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(id) => Some(id),
        _ => None,
    }
}
