//! The loop of the export thread: takes spans in, sends batches, keeps the times, answers flushes.

mod answers;

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use opentelemetry_sdk::Resource;

use super::batch::{Batch, Encoded};
use super::buffers::Buffers;
use super::flush::{Answer, Flush, Flushes, NO_ANSWER};
use super::inbox::{Ended, Gate, Inbox, Intake, Spans};
use super::ledger::Load;
use super::otlp::{EncodedResource, Scopes, encode_request};
use super::outgoing::Outgoing;
use super::request_limit::{MAX_REQUEST, RequestLimit};
use super::routes::Routes;
use super::spaces::SpaceKey;
use super::transport::{Target, Transport};
use super::under_way::UnderWay;
use crate::notice::{Notice, warn};
use crate::stats::Loss;
use crate::trace_config::TraceConfig;

/// Spans are encoded for so long at a time: between, answers are taken and deadlines kept.
const SLICE: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(super) struct Worker {
    inbox: Arc<Inbox>,
    resource: Arc<OnceLock<Resource>>,
    target: Target,
    batch_delay: Duration,
    trace_config: TraceConfig,
    transport: Transport,
    encoded_resource: OnceCell<EncodedResource>,
    scopes: Scopes,
    request_limit: RequestLimit,
    /// Taken from the inbox, and not encoded yet.
    taken: Taken,
    routes: Routes<Outgoing>,
    flushes: Flushes,
    under_way: UnderWay,
    /// A space whose requests fail, and since when: told when they do not any more.
    outage: Option<(SpaceKey, Instant)>,
    /// When the first of the spans in the inbox was noticed.
    noticed: Option<Instant>,
    buffers: Buffers,
}

#[derive(Debug)]
struct Taken {
    spans: Spans,
    at: Instant,
    /// They wait for these spans too.
    flushes: Vec<Flush>,
    full: bool,
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
            encoded_resource: OnceCell::new(),
            scopes: Scopes::default(),
            request_limit: RequestLimit::default(),
            taken: Taken {
                spans: Spans::default(),
                at: Instant::now(),
                flushes: Vec::new(),
                full: false,
            },
            routes: Routes::default(),
            flushes: Flushes::default(),
            under_way: UnderWay::default(),
            outage: None,
            noticed: None,
            buffers: Buffers::default(),
        }
    }

    /// Works until a flush closes the pipeline. Gives what is to be answered once all is put away.
    pub(super) async fn run(mut self) -> Vec<(Flush, Answer)> {
        loop {
            self.collect();
            let now = Instant::now();
            while let Some(batch) = self.routes.seal(now, Some(self.batch_delay)) {
                self.enqueue(batch);
            }
            self.dispatch();
            self.request_limit.relax(now);
            let mut finished = self.flushes.finish(Instant::now(), || self.inbox.losses());
            if finished.iter().any(|(flush, _)| flush.close) {
                self.under_way.abort();
                let mut failures = finished
                    .iter()
                    .filter_map(|(_, answer)| answer.as_ref().err());
                let cause = failures.find_map(|error| error.cause.as_deref());
                let cause = format!(
                    "the shutdown's time was over: {}",
                    cause.unwrap_or(NO_ANSWER)
                );
                for late in self.inbox.end(Gate::Ended, &cause) {
                    let answer = late.result(0, self.inbox.losses());
                    finished.push((late, answer));
                }
                return finished;
            }
            for (flush, answer) in finished {
                flush.answer(answer);
            }
            self.wait().await;
            while let Some((request, reply)) = self.under_way.try_answered() {
                self.answered(request, reply);
            }
        }
    }

    /// Waits until there is something to do.
    async fn wait(&mut self) {
        if !self.taken.spans.is_empty() {
            return tokio::task::yield_now().await;
        }
        let until = self.next_time().map_or_else(far, Into::into);
        tokio::select! {
            () = self.inbox.wake.notified() => {}
            () = tokio::time::sleep_until(until) => {}
            (request, reply) = self.under_way.answered() => {
                self.answered(request, reply);
                // Others that are answered by now come first, so that what is sent next is written
                // at once and not each by itself.
                tokio::task::yield_now().await;
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
        let retry = self.routes.next_retry();
        let slot = self.under_way.next_slot();
        let (retry, slot) = if self.under_way.has_slot_for_retry() {
            (retry, None)
        } else {
            (
                None,
                slot.filter(|_| retry.is_some() || self.routes.is_ready()),
            )
        };
        [batch, retry, slot, self.flushes.next_deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Takes the spans out of the inbox if it is time to, encodes some, and begins the flushes that
    /// came with them once all are encoded, or their time is over.
    fn collect(&mut self) {
        self.take();
        let until = Instant::now() + SLICE;
        while let Some(chunk) = self.taken.spans.pop_chunk() {
            for ended in chunk {
                self.add(ended, self.taken.at);
            }
            if Instant::now() >= until {
                break;
            }
        }
        let now = Instant::now();
        let over = self.taken.flushes.iter().any(|flush| flush.is_over(now));
        if self.taken.spans.is_empty() || over {
            let flushes = std::mem::take(&mut self.taken.flushes);
            let full = std::mem::take(&mut self.taken.full);
            // What is on its way makes room too; else nothing would before the batches' time has come.
            if !flushes.is_empty() || (full && self.under_way.is_empty() && self.routes.is_idle()) {
                self.seal_everything();
            }
            if !flushes.is_empty() {
                self.routes.hasten(Outgoing::hasten);
                self.flushes.begin(flushes, self.taken.spans.len() as u64);
            }
        }
    }

    /// Takes the next spans once those before are encoded. A flush does not wait for that: its time runs.
    fn take(&mut self) {
        if !self.taken.spans.is_empty() && !self.inbox.is_flushing() {
            return;
        }
        let due = self
            .noticed
            .is_some_and(|at| at.elapsed() >= self.batch_delay);
        match self.inbox.take(due, &mut self.taken.spans) {
            Intake::Empty => self.noticed = None,
            Intake::Early => {
                self.noticed.get_or_insert_with(Instant::now);
            }
            Intake::Taken { flushes, full } => {
                self.taken.at = self.noticed.take().unwrap_or_else(Instant::now);
                self.taken.flushes.extend(flushes);
                self.taken.full |= full;
            }
        }
    }

    fn seal_everything(&mut self) {
        while let Some(batch) = self.routes.seal(Instant::now(), None) {
            self.enqueue(batch);
        }
    }

    fn add(&mut self, ended: Ended, opened: Instant) {
        let Ended {
            mut span,
            space,
            bytes,
        } = ended;
        let load = Load { spans: 1, bytes };
        let scope = self
            .scopes
            .find(std::mem::take(&mut span.instrumentation_scope));
        let (buffers, trace_config) = (&mut self.buffers, &self.trace_config);
        let encoded = catch_unwind(AssertUnwindSafe(|| buffers.encode(span, trace_config)));
        match encoded {
            Ok(true) => {}
            Ok(false) => return self.inbox.lost(space, load, Loss::Unrouted, None),
            Err(_panic) => {
                warn(Notice::ExportFailed, || {
                    "a span could not be encoded; it was dropped".to_owned()
                });
                return self.inbox.lost(space, load, Loss::Failed, None);
            }
        }
        let Buffers {
            space_id,
            project_name,
            encoded,
        } = &self.buffers;
        let resource = &self.resource;
        let resource = self
            .encoded_resource
            .get_or_init(|| resource.get().map(Into::into).unwrap_or_default());
        let overhead = resource.overhead(project_name);
        if encoded.len() + overhead > MAX_REQUEST {
            warn(Notice::TooLarge, || too_large(space_id, encoded.len()));
            return self.inbox.lost(space, load, Loss::TooLarge, None);
        }
        let most = self.request_limit.bytes().saturating_sub(overhead);
        let encoded = Encoded {
            space,
            project_name,
            scope: &scope,
            span: encoded,
            bytes,
        };
        if let Some(full) = self.routes.push(&encoded, most, opened) {
            self.enqueue(full);
        }
    }

    /// Lets a batch wait for its turn.
    fn enqueue(&mut self, mut batch: Batch) {
        batch.generation = self.flushes.sealed(batch.load.spans);
        self.routes.wait(batch);
    }

    /// Sends while there are slots: first what is tried again, then whose turn it is.
    fn dispatch(&mut self) {
        let now = Instant::now();
        self.under_way.free_slots(now);
        while self.under_way.has_slot() {
            let due = self.under_way.has_slot_for_retry();
            let retry = due.then(|| self.routes.retry(now)).flatten();
            let is_retry = retry.is_some();
            let first = || self.routes.next().map(|batch| self.request(&batch));
            let Some(mut request) = retry.or_else(first) else {
                return;
            };
            request.begin_attempt(now);
            let reply = self.transport.send(&request.space_id, request.body.clone());
            self.under_way.send(request, reply, is_retry);
        }
    }

    /// A batch is encoded when it is sent first, so that what waits is there once.
    fn request(&self, batch: &Batch) -> Outgoing {
        let resource = self.encoded_resource.get().expect("its spans asked for it");
        let body = encode_request(resource, &batch.project_name, &batch.scopes);
        let space = (batch.space, self.inbox.space_id(batch.space));
        Outgoing::new(space, body, batch.load, batch.generation)
    }
}

/// What to do about a span that is too large.
const RECORD_LESS: &str =
    "record less of it (`.max_value_length(..)`, `skip`, `skip_output`, `output = ..`)";

#[cold]
fn too_large(space_id: &str, bytes: usize) -> String {
    format!(
        "a span of space `{space_id}` has {bytes} bytes and was dropped, since collectors refuse \
         requests above 4 MiB; {RECORD_LESS}"
    )
}

fn far() -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_secs(24 * 3600)
}
