//! The loop of the export thread: takes spans in, sends batches, keeps the times, answers flushes.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use tokio::task::{Id, JoinError, JoinSet};

use super::attributes::{route_of, set_route, settle};
use super::batch::Batch;
use super::flush::{Answer, Flush, Flushes};
use super::inbox::{Gate, Inbox, Intake, WAKE_AT};
use super::masking;
use super::otlp::{EncodedResource, encode_request, encode_span};
use super::routes::{MAX_BYTES, Routes};
use super::transport::{Failure, Reply, Target, Transport};
use crate::notice::{Notice, warn};
use crate::stats::Loss;
use crate::trace_config::TraceConfig;

/// Requests under way at a time, of all spaces together.
const IN_FLIGHT: usize = 32;
/// Of these, requests that are tried again: spaces that hang, however many, leave room for the others.
const RETRYING: usize = IN_FLIGHT / 2;
/// A request that could not be sent for this long is given up. The queue is bounded, so patience
/// costs nothing but the newest spans once it is full.
const PATIENCE: Duration = Duration::from_secs(300);
/// Room for a span of this size is kept.
const KEPT_BYTES: usize = 64 * 1024;
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Worker {
    inbox: Arc<Inbox>,
    resource: Arc<OnceLock<Resource>>,
    target: Target,
    batch_delay: Duration,
    trace_config: TraceConfig,
    transport: Transport,
    encoded_resource: Option<EncodedResource>,
    routes: Routes<Outgoing>,
    flushes: Flushes,
    requests: JoinSet<Reply>,
    under_way: HashMap<Id, (Arc<str>, Outgoing)>,
    /// How many of them are tried again.
    retrying: usize,
    /// When the first of the spans in the inbox was noticed.
    noticed: Option<Instant>,
    buffers: Buffers,
}

/// Kept to be used again, so that a span in a known route costs no allocation here.
#[derive(Debug, Default)]
struct Buffers {
    spans: Vec<SpanData>,
    space_id: String,
    project_name: String,
    encoded: Vec<u8>,
}

/// An encoded request. A retry sends the same bytes.
#[derive(Debug)]
struct Outgoing {
    body: Bytes,
    spans: u64,
    generation: u64,
    attempts: u32,
    retrying: bool,
    first_sent: Option<Instant>,
    sent: Instant,
}

impl Worker {
    pub(super) fn new(
        inbox: Arc<Inbox>,
        resource: Arc<OnceLock<Resource>>,
        target: Target,
        batch_delay: Duration,
        trace_config: TraceConfig,
        transport: Transport,
    ) -> Self {
        Self {
            inbox,
            resource,
            target,
            batch_delay,
            trace_config,
            transport,
            encoded_resource: None,
            routes: Routes::default(),
            flushes: Flushes::default(),
            requests: JoinSet::new(),
            under_way: HashMap::new(),
            retrying: 0,
            noticed: None,
            buffers: Buffers::default(),
        }
    }

    /// Works until a flush closes the pipeline. Gives what is to be answered once all is put away.
    pub(super) async fn run(mut self) -> Vec<(Flush, Answer)> {
        loop {
            self.collect().await;
            let now = Instant::now();
            while let Some(batch) = self.routes.seal(now, Some(self.batch_delay)) {
                self.enqueue(&batch);
            }
            self.dispatch();
            let mut finished = self.flushes.finish(Instant::now(), &self.inbox.counters);
            if finished.iter().any(|(flush, _)| flush.close) {
                self.requests.abort_all();
                for late in self.inbox.end(Gate::Ended) {
                    let answer = late.result(0, &self.inbox.counters);
                    finished.push((late, answer));
                }
                return finished;
            }
            for (flush, answer) in finished {
                flush.answer(answer);
            }

            let inbox = self.inbox.clone();
            let until = self.next_time().map_or_else(far, Into::into);
            tokio::select! {
                () = inbox.wake.notified() => {}
                () = tokio::time::sleep_until(until) => {}
                Some(answered) = self.requests.join_next_with_id() => self.answered(answered),
            }
            while let Some(answered) = self.requests.try_join_next_with_id() {
                self.answered(answered);
            }
        }
    }

    /// When something has to be done at the latest.
    fn next_time(&self) -> Option<Instant> {
        let batch = [self.noticed, self.routes.oldest()]
            .into_iter()
            .flatten()
            .min();
        let batch = batch.and_then(|at| at.checked_add(self.batch_delay));
        let slot_free = self.requests.len() < IN_FLIGHT && self.retrying < RETRYING;
        let retry = self.routes.next_retry().filter(|_| slot_free);
        [batch, retry, self.flushes.next_deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Takes the spans out of the inbox if it is time to, and begins the flushes that came with them.
    async fn collect(&mut self) {
        let due = self
            .noticed
            .is_some_and(|at| at.elapsed() >= self.batch_delay);
        let mut spans = std::mem::take(&mut self.buffers.spans);
        match self.inbox.take(due, &mut spans) {
            Intake::Empty => self.noticed = None,
            Intake::Early => {
                self.noticed.get_or_insert_with(Instant::now);
            }
            Intake::Taken(flushes) => {
                let opened = self.noticed.take().unwrap_or_else(Instant::now);
                for (n, span) in spans.drain(..).enumerate() {
                    self.add(span, opened);
                    if n % WAKE_AT == WAKE_AT - 1 {
                        self.dispatch();
                        tokio::task::yield_now().await;
                    }
                }
                if !flushes.is_empty() {
                    self.send_everything();
                    self.flushes.begin(flushes);
                }
            }
        }
        self.buffers.spans = spans;
    }

    /// Seals all batches and makes all retries due.
    fn send_everything(&mut self) {
        while let Some(batch) = self.routes.seal(Instant::now(), None) {
            self.enqueue(&batch);
        }
        self.routes
            .hasten(Instant::now(), |outgoing| outgoing.attempts = 0);
    }

    fn add(&mut self, mut span: SpanData, opened: Instant) {
        settle(&mut span.attributes);
        let Buffers {
            space_id,
            project_name,
            encoded,
            ..
        } = &mut self.buffers;
        space_id.clear();
        project_name.clear();
        encoded.clear();
        encoded.shrink_to(KEPT_BYTES);
        let Ok((space, project)) = route_of(&span.attributes) else {
            return self.inbox.counters.lost(Loss::Unrouted, 1);
        };
        space_id.push_str(space);
        project_name.push_str(project);
        set_route(&mut span.attributes, space_id, project_name);
        masking::apply(&self.trace_config, &mut span);
        let scope = std::mem::take(&mut span.instrumentation_scope);
        if catch_unwind(AssertUnwindSafe(|| encode_span(span, encoded))).is_err() {
            warn(Notice::ExportFailed, || {
                "a span could not be encoded; it was dropped".to_owned()
            });
            return self.inbox.counters.lost(Loss::Failed, 1);
        }
        if encoded.len() > MAX_BYTES {
            warn(Notice::TooLarge, || too_large(space_id, encoded.len()));
            return self.inbox.counters.lost(Loss::TooLarge, 1);
        }
        let full = self
            .routes
            .push((space_id, project_name), scope, encoded, opened);
        if let Some(batch) = full {
            self.enqueue(&batch);
        }
    }

    /// Makes a batch into a request that waits for its turn.
    fn enqueue(&mut self, batch: &Batch) {
        let resource = self.encoded_resource.get_or_insert_with(|| {
            self.resource
                .get()
                .map(EncodedResource::from)
                .unwrap_or_default()
        });
        let outgoing = Outgoing {
            body: encode_request(resource, &batch.project_name, &batch.scopes),
            spans: batch.spans,
            generation: self.flushes.sealed(batch.spans),
            attempts: 0,
            retrying: false,
            first_sent: None,
            sent: Instant::now(),
        };
        self.routes.wait(&batch.space_id, outgoing);
    }

    /// Sends while there are slots: first what is tried again, then whose turn it is.
    fn dispatch(&mut self) {
        while self.requests.len() < IN_FLIGHT {
            let now = Instant::now();
            let retry = if self.retrying < RETRYING {
                self.routes.retry(now)
            } else {
                None
            };
            let retrying = retry.is_some();
            let next = retry.or_else(|| self.routes.next());
            let Some((space_id, mut outgoing)) = next else {
                return;
            };
            self.retrying += usize::from(retrying);
            outgoing.retrying = retrying;
            outgoing.attempts += 1;
            outgoing.sent = now;
            outgoing.first_sent.get_or_insert(now);
            let request = self.transport.send(&space_id, outgoing.body.clone());
            let id = self.requests.spawn(request).id();
            self.under_way.insert(id, (space_id, outgoing));
        }
    }

    fn answered(&mut self, answered: Result<(Id, Reply), JoinError>) {
        let (id, reply) = match answered {
            Ok((id, reply)) => (id, reply),
            Err(error) => (error.id(), Reply::Failed(Failure::panicked())),
        };
        let Some((space_id, outgoing)) = self.under_way.remove(&id) else {
            return;
        };
        self.retrying -= usize::from(outgoing.retrying);
        match reply {
            Reply::Taken { rejected, message } => {
                self.transport.observe(true, outgoing.sent);
                self.taken(&space_id, &outgoing, rejected.min(outgoing.spans), &message);
            }
            Reply::Failed(failure) => {
                self.transport.observe(failure.answered, outgoing.sent);
                self.failed(space_id, outgoing, &failure);
            }
        }
    }

    fn taken(&mut self, space_id: &Arc<str>, outgoing: &Outgoing, rejected: u64, message: &str) {
        let spans = outgoing.spans;
        self.inbox.counters.exported(spans - rejected);
        if rejected > 0 {
            self.inbox.counters.lost(Loss::Rejected, rejected);
            self.flushes
                .failed(|| format!("the collector rejected {rejected} spans: {message}"));
        }
        if rejected > 0 || !message.is_empty() {
            warn(Notice::Rejected, || {
                format!(
                    "{} took the request but rejected {rejected} of {spans} spans of space \
                     `{space_id}`: {message}",
                    self.target.uri
                )
            });
        }
        self.flushes.settled(outgoing.generation, spans);
        self.routes.answered(space_id, true);
    }

    fn failed(&mut self, space_id: Arc<str>, outgoing: Outgoing, failure: &Failure) {
        let Failure {
            code,
            message,
            remedy,
            ..
        } = failure;
        let delay = retry_delay(outgoing.attempts).max(failure.retry_after.unwrap_or_default());
        let age = outgoing
            .first_sent
            .map_or(Duration::ZERO, |first| first.elapsed());
        let again = failure.retryable && age.saturating_add(delay) < PATIENCE;
        self.flushes
            .failed(|| format!("{code}: {message}; {remedy}"));
        warn(Notice::ExportFailed, || {
            let Target { uri, source } = &self.target;
            let fate = if again {
                "will be sent again"
            } else {
                "were dropped"
            };
            format!(
                "{} spans of space `{space_id}` could not be sent to {uri} (from {source}) and \
                 {fate}: {code}: {message}; {remedy}",
                outgoing.spans
            )
        });
        if again {
            self.routes
                .later(space_id, outgoing, Instant::now() + delay);
        } else {
            self.inbox.counters.lost(Loss::Failed, outgoing.spans);
            self.flushes.settled(outgoing.generation, outgoing.spans);
            self.routes.answered(&space_id, !failure.retryable);
        }
    }
}

/// Exponential, with jitter, so that many processes do not come back at the same moment.
fn retry_delay(attempts: u32) -> Duration {
    let longest = FIRST_RETRY
        .saturating_mul(1 << attempts.saturating_sub(1).min(16))
        .min(LAST_RETRY);
    let random = RandomState::new().hash_one(attempts) % 1024;
    longest / 2 + longest.mul_f64(f64::from(u32::try_from(random).unwrap_or(0)) / 2048.0)
}

#[cold]
fn too_large(space_id: &str, bytes: usize) -> String {
    format!(
        "a span of space `{space_id}` has {bytes} bytes and was dropped, since collectors refuse \
         requests above 4 MiB; record less of it (`skip`, `skip_output`, `output = ..`)"
    )
}

fn far() -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_secs(24 * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_later_and_later_but_not_too_late() {
        for attempts in 1..40 {
            let delay = retry_delay(attempts);
            assert!(
                delay >= FIRST_RETRY / 2 && delay <= LAST_RETRY,
                "{attempts}: {delay:?}"
            );
        }
        assert!(retry_delay(1) <= FIRST_RETRY && retry_delay(9) >= LAST_RETRY / 2);
    }
}
