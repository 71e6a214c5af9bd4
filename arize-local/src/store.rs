//! What has arrived, shared by every transport of the receiver.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::answer::Answer;
use crate::decode;
use crate::protocol::{Misdirected, Protocol};
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

/// What is known of one trace without looking at its spans again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TraceProgress {
    pub(crate) last_arrival: Instant,
    pub(crate) has_chain: bool,
}

#[derive(Debug)]
struct Trace {
    /// (request, span in it)
    spans: Vec<(usize, usize)>,
    progress: TraceProgress,
}

impl Trace {
    fn new(now: Instant) -> Self {
        let progress = TraceProgress {
            last_arrival: now,
            has_chain: false,
        };
        Self {
            spans: Vec::new(),
            progress,
        }
    }
}

#[derive(Debug, Default)]
struct Contents {
    requests: Vec<ExportRequest>,
    traces: HashMap<String, Trace>,
    /// Traces that experiments have asked for: nobody else's stray spans. Each wakes its own waiter only, for
    /// thousands of rows may wait at once.
    expected: HashMap<String, Arc<Notify>>,
    connections: usize,
    misdirected: Vec<Misdirected>,
    answer: Answer,
}

/// How many different misdirections are kept: a sender may name any path.
const MAX_MISDIRECTED: usize = 16;

/// Everything received so far. The only place that keeps spans, so bounding them means changing this type only.
#[derive(Debug)]
pub(crate) struct Store {
    contents: Mutex<Contents>,
    changed: watch::Sender<()>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            contents: Mutex::default(),
            changed: watch::Sender::new(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        // No code that can panic runs under the lock half-way through a change.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, request: ExportRequest) {
        let now = Instant::now();
        let mut guard = self.lock();
        let contents = &mut *guard;
        let number = contents.requests.len();
        for (index, span) in request.spans.iter().enumerate() {
            let trace = contents
                .traces
                .entry(span.trace_id.clone())
                .or_insert_with(|| Trace::new(now));
            trace.spans.push((number, index));
            trace.progress.last_arrival = now;
            trace.progress.has_chain |= crate::openinference::is_chain(span);
            if let Some(waiter) = contents.expected.get(&span.trace_id) {
                waiter.notify_one();
            }
        }
        contents.requests.push(request);
        drop(guard);
        self.changed.send_replace(());
    }

    pub(crate) fn connected(&self) {
        self.lock().connections += 1;
    }

    pub(crate) fn connections(&self) -> usize {
        self.lock().connections
    }

    /// Remembers an export request that came to the wrong port or path.
    pub(crate) fn misdirected(&self, request: Misdirected) {
        // Other signals than traces are none of our business.
        if request.path.ends_with("/metrics") || request.path.ends_with("/logs") {
            return;
        }
        let all = &mut self.lock().misdirected;
        let same = |known: &Misdirected| {
            (known.protocol, known.addr, &known.path)
                == (request.protocol, request.addr, &request.path)
        };
        match all.iter().position(same) {
            Some(known) => all[known].count += 1,
            None if all.len() < MAX_MISDIRECTED => all.push(request),
            None => {}
        }
    }

    pub(crate) fn all_misdirected(&self) -> Vec<Misdirected> {
        self.lock().misdirected.clone()
    }

    pub(crate) fn set_answer(&self, answer: Answer) {
        self.lock().answer = answer;
    }

    pub(crate) fn answer(&self) -> Answer {
        self.lock().answer.clone()
    }

    /// The requests from the given number on.
    pub(crate) fn requests_since(&self, first: usize) -> Vec<ExportRequest> {
        self.lock()
            .requests
            .get(first..)
            .unwrap_or_default()
            .to_vec()
    }

    pub(crate) fn request_count(&self) -> usize {
        self.lock().requests.len()
    }

    /// The spans of a trace, in arrival order.
    pub(crate) fn trace(&self, trace_id: &str) -> Vec<Span> {
        let contents = self.lock();
        let places = contents
            .traces
            .get(trace_id)
            .map(|trace| trace.spans.as_slice())
            .unwrap_or_default();
        places
            .iter()
            .map(|(request, index)| contents.requests[*request].spans[*index].clone())
            .collect()
    }

    /// Remembers that an experiment asked for this trace.
    pub(crate) fn expect_trace(&self, trace_id: &str) {
        self.expected(trace_id);
    }

    fn expected(&self, trace_id: &str) -> Arc<Notify> {
        Arc::clone(self.lock().expected.entry(trace_id.to_owned()).or_default())
    }

    /// Spans that came since the given request and belong to no experiment.
    pub(crate) fn stray_spans_since(&self, first: usize) -> Vec<Span> {
        let contents = self.lock();
        let requests = contents.requests.get(first..).unwrap_or_default();
        let spans = requests.iter().flat_map(|request| request.spans.iter());
        spans
            .filter(|span| !contents.expected.contains_key(&span.trace_id))
            .cloned()
            .collect()
    }

    /// Waits until nothing more is to be expected of a trace: `settle` after its last span once its CHAIN
    /// is there, and never longer than `wait`.
    pub(crate) async fn trace_settled(&self, trace_id: &str, settle: Duration, wait: Duration) {
        let deadline = Instant::now() + wait;
        let arrived = self.expected(trace_id);
        loop {
            let progress = self.lock().traces.get(trace_id).map(|trace| trace.progress);
            let until = match progress {
                Some(progress) if progress.has_chain => {
                    deadline.min(progress.last_arrival + settle)
                }
                _ => deadline,
            };
            if tokio::time::timeout_at(until, arrived.notified())
                .await
                .is_err()
            {
                return;
            }
        }
    }

    /// Waits until `enough` holds for all spans or the time is over.
    pub(crate) async fn wait_until(
        &self,
        timeout: Duration,
        enough: impl Fn(&[Span]) -> bool,
    ) -> Vec<Span> {
        let deadline = Instant::now() + timeout;
        let mut changed = self.changed.subscribe();
        let mut seen = 0;
        let mut spans = Vec::new();
        loop {
            // `enough` runs outside the lock: it may ask the receiver.
            for request in self.requests_since(seen) {
                seen += 1;
                spans.extend(request.spans.iter().cloned());
            }
            if enough(&spans)
                || tokio::time::timeout_at(deadline, changed.changed())
                    .await
                    .is_err()
            {
                return spans;
            }
        }
    }
}
