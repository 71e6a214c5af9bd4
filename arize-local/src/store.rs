//! What has arrived, shared by every transport of the receiver.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::answer::Answer;
use crate::contents::{Contents, Trace};
use crate::count::Counting;
use crate::faults::Faults;
use crate::forward::Forwarder;
use crate::kept::KeptRequest;
use crate::protocol::{Misdirected, Protocol};
use crate::request::ExportRequest;
use crate::span::Span;

/// How many different misdirections are kept: a sender may name any path.
const MAX_MISDIRECTED: usize = 16;

/// Everything received and not forgotten: [`Contents`] behind a lock, and those who wait for them to change.
#[derive(Debug)]
pub(crate) struct Store {
    contents: Mutex<Contents>,
    changed: watch::Sender<()>,
    forwarder: OnceLock<Forwarder>,
    counting: OnceLock<Counting>,
    faults: Faults,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            contents: Mutex::default(),
            changed: watch::Sender::new(()),
            forwarder: OnceLock::new(),
            counting: OnceLock::new(),
            faults: Faults::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        // No code that can panic runs under the lock half-way through a change.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, request: &ExportRequest) {
        self.lock().add(request, Instant::now());
        self.tell();
    }

    /// Tells those who wait that something has changed.
    pub(crate) fn tell(&self) {
        self.changed.send_replace(());
    }

    /// Keeps nothing that comes from now on, but counts it; the first call counts.
    pub(crate) fn count(&self, counting: Counting) {
        let _ = self.counting.set(counting);
    }

    pub(crate) fn counting(&self) -> Option<&Counting> {
        self.counting.get()
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// How a request with these headers is answered.
    pub(crate) fn meet(&self, headers: &HeaderMap) -> Answer {
        let answer = self.faults.meet(headers);
        if answer != Answer::Ok {
            self.tell();
        }
        answer
    }

    /// Passes on what comes from now on; the first call counts.
    pub(crate) fn forward_with(&self, forwarder: Forwarder) {
        let _ = self.forwarder.set(forwarder);
    }

    pub(crate) fn forwarder(&self) -> Option<&Forwarder> {
        self.forwarder.get()
    }

    /// Drops the spans of a trace.
    ///
    /// If an experiment asked for it, spans of it that come later are not kept, and are nobody's stray spans.
    /// Else they begin the trace anew.
    pub(crate) fn forget(&self, trace_id: &str) {
        self.lock().forget(trace_id);
    }

    /// Keeps no more than the last 10,000 spans of traces that nobody asked for, of those that come while what is
    /// given back lives.
    pub(crate) fn bound_strays(self: &Arc<Self>) -> StrayBound {
        self.lock().strays.bounds += 1;
        StrayBound(Arc::clone(self))
    }

    /// How many stray spans were too many to be kept.
    pub(crate) fn dropped_strays(&self) -> usize {
        self.lock().strays.dropped
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
        self.tell();
    }

    pub(crate) fn all_misdirected(&self) -> Vec<Misdirected> {
        self.lock().misdirected.clone()
    }

    /// The requests from the given number on, with the spans that are not forgotten.
    pub(crate) fn requests_since(&self, first: usize) -> Vec<ExportRequest> {
        let contents = self.lock();
        contents
            .requests_since(first)
            .map(KeptRequest::left)
            .collect()
    }

    /// How many requests have ever come.
    pub(crate) fn request_count(&self) -> usize {
        self.lock().request_count()
    }

    /// The spans of a trace, in arrival order.
    pub(crate) fn trace(&self, trace_id: &str) -> Vec<Span> {
        self.lock().trace(trace_id)
    }

    /// The spans of a trace and what they came by; the trace is forgotten.
    pub(crate) fn take_trace(&self, trace_id: &str) -> (Vec<Span>, Vec<Protocol>) {
        let mut contents = self.lock();
        let spans = contents.trace(trace_id);
        let protocols = contents.protocols(trace_id);
        contents.forget(trace_id);
        (spans, protocols)
    }

    /// The traces that are kept, by id, each with the time since its last span, in the order of their last spans.
    pub(crate) fn quiet_for(&self) -> Vec<(String, Duration)> {
        let now = Instant::now();
        let contents = self.lock();
        let quiet = |trace: &Trace| now.saturating_duration_since(trace.progress.last_arrival);
        let mut traces: Vec<_> = contents
            .traces
            .iter()
            .map(|(id, trace)| (id.clone(), quiet(trace)))
            .collect();
        traces.sort_by_key(|(_, quiet)| std::cmp::Reverse(*quiet));
        traces
    }

    /// Tells of every request that comes.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
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
        let mut strays = Vec::new();
        for request in contents.requests_since(first) {
            let spans = request.spans();
            strays.extend(
                spans
                    .filter(|span| !contents.expected.contains_key(&span.trace_id))
                    .cloned(),
            );
        }
        strays
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
            for request in self.requests_after(&mut seen) {
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

    /// The requests from the given number on; the number becomes that of the next one.
    fn requests_after(&self, seen: &mut usize) -> Vec<ExportRequest> {
        let contents = self.lock();
        let first = std::mem::replace(seen, contents.request_count());
        contents
            .requests_since(first)
            .map(KeptRequest::left)
            .collect()
    }
}

/// While this lives, the number of stray spans is bounded.
#[derive(Debug)]
pub(crate) struct StrayBound(Arc<Store>);

impl Drop for StrayBound {
    fn drop(&mut self) {
        self.0.lock().strays.bounds -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::tests::span;

    /// A request with a span of each of these traces.
    fn request(traces: &[&str]) -> ExportRequest {
        let spans = traces.iter().map(|trace| Span {
            trace_id: (*trace).to_owned(),
            ..span("a", "", trace, "TOOL")
        });
        ExportRequest {
            protocol: crate::Protocol::Grpc,
            metadata: Arc::default(),
            resources: Arc::default(),
            spans: spans.collect(),
        }
    }

    fn names(store: &Store) -> Vec<String> {
        let requests = store.requests_since(0);
        let spans = requests.iter().flat_map(|request| request.spans.iter());
        spans.map(|span| span.trace_id.clone()).collect()
    }

    #[test]
    fn a_forgotten_trace_leaves_the_others_and_no_memory() {
        let store = Store::new();
        let requests = [request(&["1", "2", "1", "3"]), request(&["1"])];
        let memory = requests
            .clone()
            .map(|request| Arc::downgrade(&request.spans));
        for request in &requests {
            store.add(request);
        }
        drop(requests);
        store.forget("1");
        assert_eq!(names(&store), ["2", "3"]);
        assert_eq!((store.trace("1").len(), store.trace("3").len()), (0, 1));
        assert_eq!(
            (store.requests_since(0).len(), store.request_count()),
            (1, 2)
        );
        assert!(memory[1].upgrade().is_none(), "nothing of it is left");
        store.forget("2");
        assert!(memory[0].upgrade().is_none(), "most of it is forgotten");
        assert_eq!(
            (names(&store), store.trace("3").len()),
            (vec!["3".to_owned()], 1)
        );
        store.forget("3");
        store.add(&request(&["4"]));
        assert_eq!(
            (store.requests_since(2).len(), store.request_count()),
            (1, 3)
        );
        assert_eq!(store.trace("4").len(), 1);
    }

    #[test]
    fn late_spans_of_a_judged_trace_are_nobodys_strays() {
        let store = Store::new();
        store.expect_trace("1");
        store.add(&request(&["1", "2"]));
        store.forget("1");
        store.forget("2");
        store.add(&request(&["1", "2", "1"]));
        assert_eq!(
            names(&store),
            ["2"],
            "a trace that nobody asked for begins anew"
        );
        assert_eq!(store.stray_spans_since(0).len(), 1);
    }

    #[test]
    fn strays_are_bounded_only_while_somebody_asks_for_it() {
        let store = Arc::new(Store::new());
        store.expect_trace("1");
        store.add(&request(&["before"]));
        let bound = store.bound_strays();
        store.add(&request(&["1", "oldest"]));
        store.add(&request(&vec!["2"; 9_998]));
        store.add(&request(&["3", "3", "3"]));
        assert_eq!(store.dropped_strays(), 2);
        assert_eq!(
            (store.trace("oldest").len(), store.trace("2").len()),
            (0, 9_997)
        );
        let kept = ["1", "before", "3"].map(|trace| store.trace(trace).len());
        assert_eq!(
            kept,
            [1, 1, 3],
            "those asked for, and those that came before"
        );
        drop(bound);
        store.add(&request(&vec!["4"; 20_000]));
        assert_eq!(
            (store.trace("4").len(), store.dropped_strays()),
            (20_000, 2)
        );
    }

    #[tokio::test]
    async fn waiting_goes_on_past_what_was_forgotten() {
        let store = Arc::new(Store::new());
        store.add(&request(&["1"]));
        let waiting = Arc::clone(&store);
        let wait = tokio::spawn(async move {
            let enough = |spans: &[Span]| spans.len() == 2;
            waiting.wait_until(Duration::from_secs(10), enough).await
        });
        while store.changed.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
        store.forget("1");
        store.add(&request(&["2"]));
        assert_eq!(wait.await.expect("no panic").len(), 2);
    }
}
