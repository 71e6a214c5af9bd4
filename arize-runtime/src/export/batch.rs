//! Encoded spans of one route on their way to becoming a request.

use std::sync::Arc;
use std::time::Instant;

use opentelemetry::InstrumentationScope;

use super::otlp::ScopeSpans;

/// Spans of one route that go into one request.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) space_id: Arc<str>,
    pub(crate) project_name: Arc<str>,
    pub(crate) scopes: Vec<ScopeSpans>,
    pub(crate) spans: u64,
    pub(super) bytes: usize,
    pub(super) serial: u64,
}

/// When a batch was opened. Its serial number tells it from a later one of the same route.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) at: Instant,
    pub(super) space_id: Arc<str>,
    pub(super) project_name: Arc<str>,
    pub(super) serial: u64,
}

impl Batch {
    pub(super) fn new(space_id: Arc<str>, project_name: Arc<str>, serial: u64) -> Self {
        Self {
            space_id,
            project_name,
            scopes: Vec::with_capacity(1),
            spans: 0,
            bytes: 0,
            serial,
        }
    }

    pub(super) fn opened(&self, at: Instant) -> Opened {
        let (space_id, project_name) = (self.space_id.clone(), self.project_name.clone());
        Opened {
            at,
            space_id,
            project_name,
            serial: self.serial,
        }
    }

    pub(super) fn add(&mut self, scope: InstrumentationScope, span: &[u8]) {
        self.spans += 1;
        self.bytes += span.len();
        match self.scopes.iter_mut().find(|spans| spans.scope == scope) {
            Some(spans) => spans.encoded.extend_from_slice(span),
            None => self.scopes.push(ScopeSpans {
                scope,
                encoded: span.to_vec(),
            }),
        }
    }
}
