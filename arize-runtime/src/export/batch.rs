//! Encoded spans of one route on their way to becoming a request.

use std::sync::Arc;
use std::time::Instant;

use super::ledger::Load;
use super::otlp::{Scope, ScopeSpans};
use super::spaces::SpaceKey;

/// Spans of one route that go into one request.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) space: SpaceKey,
    pub(crate) project_name: Arc<str>,
    pub(crate) scopes: Vec<ScopeSpans>,
    pub(crate) load: Load,
    /// Encoded.
    pub(super) bytes: usize,
    pub(super) serial: u64,
    /// Of the flushes that wait for it, once it is sealed.
    pub(super) generation: u64,
}

/// An encoded span and where it belongs.
#[derive(Debug)]
pub(crate) struct Encoded<'a> {
    pub(crate) space: SpaceKey,
    pub(crate) project_name: &'a str,
    pub(crate) scope: &'a Arc<Scope>,
    pub(crate) span: &'a [u8],
    /// Reckoned for it.
    pub(crate) bytes: u64,
}

/// When a batch was opened. Its serial number tells it from a later one of the same route.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) at: Instant,
    pub(super) space: SpaceKey,
    pub(super) project_name: Arc<str>,
    pub(super) serial: u64,
}

impl Batch {
    pub(super) fn new(space: SpaceKey, project_name: Arc<str>, serial: u64) -> Self {
        Self {
            space,
            project_name,
            scopes: Vec::with_capacity(1),
            load: Load::default(),
            bytes: 0,
            serial,
            generation: 0,
        }
    }

    pub(super) fn opened(&self, at: Instant) -> Opened {
        Opened {
            at,
            space: self.space,
            project_name: self.project_name.clone(),
            serial: self.serial,
        }
    }

    /// Adds an encoded span, for which `bytes` are reckoned, unless the batch would have more than `most`
    /// bytes then. An empty batch takes any.
    pub(super) fn add(&mut self, scope: &Arc<Scope>, span: &[u8], bytes: u64, most: usize) -> bool {
        let known = self
            .scopes
            .iter()
            .position(|spans| Arc::ptr_eq(&spans.scope, scope));
        let more = span.len() + known.map_or(scope.overhead(), |_| 0);
        if self.load.spans > 0 && self.bytes + more > most {
            return false;
        }
        match known {
            Some(known) => self.scopes[known].encoded.extend_from_slice(span),
            None => self.scopes.push(ScopeSpans {
                scope: scope.clone(),
                encoded: span.to_vec(),
            }),
        }
        self.load += Load { spans: 1, bytes };
        self.bytes += more;
        true
    }
}
