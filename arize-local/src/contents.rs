//! The spans that are kept, by request and by trace. The only place that keeps them, so that bounding them means
//! changing this type only.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::kept::KeptRequest;
use crate::protocol::{Misdirected, Protocol};
use crate::request::ExportRequest;
use crate::span::Span;

/// What is known of one trace without looking at its spans again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TraceProgress {
    pub(crate) last_arrival: Instant,
    pub(crate) has_chain: bool,
}

/// A span's request, counted from the first that ever came, and its place there.
pub(crate) type Place = (usize, usize);

#[derive(Debug)]
pub(crate) struct Trace {
    /// In arrival order.
    pub(crate) spans: VecDeque<Place>,
    pub(crate) progress: TraceProgress,
}

impl Trace {
    fn new(now: Instant) -> Self {
        let progress = TraceProgress {
            last_arrival: now,
            has_chain: false,
        };
        Self {
            spans: VecDeque::new(),
            progress,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Nothing where all spans of a request are forgotten.
    requests: VecDeque<Option<Box<KeptRequest>>>,
    /// How many requests were before the first of `requests`.
    gone: usize,
    pub(crate) traces: HashMap<String, Trace>,
    /// Traces that experiments have asked for: nobody else's stray spans. Each wakes its own waiter only, for
    /// thousands of rows may wait at once.
    pub(crate) expected: HashMap<String, Arc<Notify>>,
    /// The expected traces that were forgotten, as numbers: what still comes of them is nobody's stray span either.
    judged: HashSet<u128>,
    pub(crate) strays: Strays,
    pub(crate) connections: usize,
    pub(crate) misdirected: Vec<Misdirected>,
}

/// Spans of unexpected traces that came while their number was bounded.
#[derive(Debug, Default)]
pub(crate) struct Strays {
    /// How many ask for the bound.
    pub(crate) bounds: usize,
    /// In arrival order.
    pub(crate) spans: VecDeque<Place>,
    pub(crate) dropped: usize,
}

/// How many stray spans are kept while their number is bounded.
const MAX_STRAYS: usize = 10_000;

impl Contents {
    pub(crate) fn add(&mut self, request: &ExportRequest, now: Instant) {
        let number = self.request_count();
        let mut kept = KeptRequest::new(request.clone());
        for (index, span) in request.spans.iter().enumerate() {
            if !self.judged.is_empty() && self.judged.contains(&key(&span.trace_id)) {
                kept.forget(index);
                continue;
            }
            let trace = self.traces.entry(span.trace_id.clone());
            let trace = trace.or_insert_with(|| Trace::new(now));
            trace.spans.push_back((number, index));
            trace.progress.last_arrival = now;
            trace.progress.has_chain |= crate::openinference::is_chain(span);
            if let Some(waiter) = self.expected.get(&span.trace_id) {
                waiter.notify_one();
            } else if self.strays.bounds > 0 {
                self.strays.spans.push_back((number, index));
            }
        }
        // Without spans a request says nothing, except to a library's user who counts requests.
        let is_worth_it = !kept.is_empty() || request.spans.is_empty() && self.strays.bounds == 0;
        self.requests.push_back(is_worth_it.then(|| Box::new(kept)));
        while self.strays.spans.len() > MAX_STRAYS {
            self.drop_oldest_stray();
        }
        self.drop_empty_front();
    }

    pub(crate) fn request_count(&self) -> usize {
        self.gone + self.requests.len()
    }

    pub(crate) fn requests_since(&self, first: usize) -> impl Iterator<Item = &KeptRequest> {
        let requests = self.requests.iter().skip(first.saturating_sub(self.gone));
        requests.flatten().map(Box::as_ref)
    }

    fn span(&self, (number, index): Place) -> Option<&Span> {
        self.request(number)?.span(index)
    }

    /// The spans of a trace, in arrival order.
    pub(crate) fn trace(&self, trace_id: &str) -> Vec<Span> {
        let trace = self.traces.get(trace_id).into_iter();
        let places = trace.flat_map(|trace| &trace.spans);
        places
            .filter_map(|place| self.span(*place).cloned())
            .collect()
    }

    /// What the spans of a trace came by.
    pub(crate) fn protocols(&self, trace_id: &str) -> Vec<Protocol> {
        let mut protocols = Vec::new();
        let trace = self.traces.get(trace_id).into_iter();
        for (number, _) in trace.flat_map(|trace| &trace.spans) {
            let protocol = self.request(*number).map(KeptRequest::protocol);
            if let Some(protocol) = protocol
                && !protocols.contains(&protocol)
            {
                protocols.push(protocol);
            }
        }
        protocols
    }

    fn request(&self, number: usize) -> Option<&KeptRequest> {
        let slot = self.requests.get(number.checked_sub(self.gone)?)?;
        slot.as_deref()
    }

    /// See `Store::forget`.
    pub(crate) fn forget(&mut self, trace_id: &str) {
        let was_expected = self.expected.remove(trace_id).is_some();
        if was_expected {
            self.judged.insert(key(trace_id));
        }
        let trace = self.traces.remove(trace_id);
        for place in trace.into_iter().flat_map(|trace| trace.spans) {
            self.forget_span(place);
        }
        if !was_expected {
            let mut strays = std::mem::take(&mut self.strays.spans);
            strays.retain(|place| self.span(*place).is_some());
            self.strays.spans = strays;
        }
        self.drop_empty_front();
    }

    fn drop_oldest_stray(&mut self) {
        let Some(place) = self.strays.spans.pop_front() else {
            return;
        };
        self.strays.dropped += 1;
        if let Some(trace_id) = self.span(place).map(|span| span.trace_id.clone())
            && let Some(trace) = self.traces.get_mut(&trace_id)
        {
            // It is the first, unless others of the trace came before strays were bounded.
            let at = trace.spans.iter().position(|other| *other == place);
            at.map(|at| trace.spans.remove(at));
            if trace.spans.is_empty() {
                self.traces.remove(&trace_id);
            }
        }
        self.forget_span(place);
    }

    fn forget_span(&mut self, (number, index): Place) {
        if let Some(slot) = self.requests.get_mut(number - self.gone)
            && let Some(request) = slot
        {
            request.forget(index);
            if request.is_empty() {
                *slot = None;
            }
        }
    }

    fn drop_empty_front(&mut self) {
        while let Some(None) = self.requests.front() {
            self.requests.pop_front();
            self.gone += 1;
        }
    }
}

/// The ids that experiments ask for are 32 hex digits; others are nobody's.
fn key(trace_id: &str) -> u128 {
    u128::from_str_radix(trace_id, 16).unwrap_or_default()
}
