//! The loop of the export thread: takes spans in, sends batches, keeps the times, answers flushes.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use opentelemetry_sdk::Resource;

use super::batch::Batch;
use super::buffers::Buffers;
use super::flush::{Answer, Flush, Flushes};
use super::inbox::{Ended, Gate, Inbox, Intake};
use super::ledger::Load;
use super::otlp::{EncodedResource, encode_request, split_request};
use super::outgoing::Outgoing;
use super::routes::{Encoded, Routes};
use super::transport::{Failure, Reply, Target, Transport};
use super::under_way::UnderWay;
use crate::notice::{Notice, warn};
use crate::stats::Loss;
use crate::trace_config::TraceConfig;

/// Collectors refuse requests above 4 MiB by default.
const MAX_REQUEST: usize = 4 * 1024 * 1024;
/// Requests do not get smaller than this, whatever a collector refuses.
const MIN_REQUEST: usize = 64 * 1024;
/// Spans that are encoded at a time: between, answers are taken and deadlines kept.
const SLICE: usize = 512;

#[derive(Debug)]
pub(super) struct Worker {
    inbox: Arc<Inbox>,
    resource: Arc<OnceLock<Resource>>,
    target: Target,
    batch_delay: Duration,
    trace_config: TraceConfig,
    transport: Transport,
    encoded_resource: OnceCell<EncodedResource>,
    /// Bytes that batches stay below, less than [`MAX_REQUEST`] once the collector refused some.
    request_limit: usize,
    /// Taken from the inbox, and not encoded yet.
    taken: Taken,
    routes: Routes<Outgoing>,
    flushes: Flushes,
    under_way: UnderWay,
    /// When the first of the spans in the inbox was noticed.
    noticed: Option<Instant>,
    buffers: Buffers,
}

#[derive(Debug)]
struct Taken {
    spans: VecDeque<Ended>,
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
            request_limit: MAX_REQUEST,
            taken: Taken {
                spans: VecDeque::new(),
                at: Instant::now(),
                flushes: Vec::new(),
                full: false,
            },
            routes: Routes::default(),
            flushes: Flushes::default(),
            under_way: UnderWay::default(),
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
            let mut finished = self.flushes.finish(Instant::now(), || self.inbox.losses());
            if finished.iter().any(|(flush, _)| flush.close) {
                self.under_way.abort();
                let cause = "the shutdown's time was over";
                for late in self.inbox.end(Gate::Ended, cause) {
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
            (request, reply) = self.under_way.answered() => self.answered(request, reply),
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
    /// came with them once they are all encoded.
    fn collect(&mut self) {
        if self.taken.spans.is_empty() {
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
                    self.taken.flushes = flushes;
                    self.taken.full = full;
                }
            }
        }
        for _ in 0..SLICE {
            let Some(ended) = self.taken.spans.pop_front() else {
                break;
            };
            self.add(ended, self.taken.at);
        }
        let now = Instant::now();
        let over = self.taken.flushes.iter().any(|flush| flush.is_over(now));
        if self.taken.spans.is_empty() || over {
            let flushes = std::mem::take(&mut self.taken.flushes);
            if std::mem::take(&mut self.taken.full) || !flushes.is_empty() {
                self.seal_everything();
            }
            if !flushes.is_empty() {
                // Not where the queue is full: that is when collectors are overloaded.
                self.routes.hasten(Instant::now(), Outgoing::begin_anew);
                self.flushes.begin(flushes, self.taken.spans.len() as u64);
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
        let scope = std::mem::take(&mut span.instrumentation_scope);
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
        let most = MAX_REQUEST.saturating_sub(resource.overhead(project_name));
        if encoded.len() > most {
            warn(Notice::TooLarge, || too_large(space_id, encoded.len()));
            return self.inbox.lost(space, load, Loss::TooLarge, None);
        }
        let most = most.min(self.request_limit);
        let encoded = Encoded {
            space,
            project_name,
            scope,
            span: encoded,
            bytes,
        };
        if let Some(full) = self.routes.push(encoded, most, opened) {
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

    fn answered(&mut self, request: Outgoing, reply: Reply) {
        match reply {
            Reply::Taken { rejected, message } => {
                self.transport.observe(true, request.sent);
                self.taken(&request, rejected.min(request.load.spans), &message);
            }
            Reply::Failed(failure) => {
                self.transport.observe(failure.answered, request.sent);
                if failure.too_large {
                    self.too_large(&request, &failure);
                } else {
                    self.failed(request, &failure);
                }
            }
        }
    }

    fn taken(&mut self, request: &Outgoing, rejected: u64, message: &str) {
        let &Outgoing {
            space,
            ref space_id,
            load,
            ..
        } = request;
        if rejected > 0 {
            self.flushes
                .failed(|| format!("the collector rejected {rejected} spans: {message}"));
        }
        if rejected > 0 || !message.is_empty() {
            warn(Notice::Rejected, || {
                format!(
                    "{} took the request but rejected {rejected} of {} spans of space \
                     `{space_id}`: {message}",
                    self.target.uri, load.spans
                )
            });
        }
        self.flushes.settled(request.generation, load.spans);
        self.routes.answered(space, true);
        self.inbox.exported(space, load, rejected, message);
    }

    /// Sends the halves of a request that the collector finds too large, and smaller ones from now on.
    fn too_large(&mut self, request: &Outgoing, failure: &Failure) {
        let &Outgoing {
            space,
            ref space_id,
            ref body,
            load,
            ..
        } = request;
        let Some(halves) = split_request(body) else {
            self.told(request, failure, "was dropped");
            return self.give_up(request, failure, Loss::TooLarge);
        };
        let smaller = (body.len() / 2).max(MIN_REQUEST);
        self.request_limit = self.request_limit.min(smaller);
        warn(Notice::TooLarge, || {
            format!(
                "{} refused a request of {} bytes ({} spans of space `{space_id}`) as too large; it is sent \
                 in halves, and batches are made smaller: {}",
                self.target.uri,
                body.len(),
                load.spans,
                failure.message
            )
        });
        self.routes.split(space);
        let now = Instant::now();
        for half in request.split(halves) {
            self.routes.later(space, half, now);
        }
    }

    fn failed(&mut self, mut request: Outgoing, failure: &Failure) {
        let again = request
            .retry_delay(failure.retry_after, self.flushes.is_waiting())
            .filter(|_| failure.retryable);
        let fate = match again {
            Some(_) => "will be sent again",
            None => "were dropped",
        };
        self.told(&request, failure, fate);
        match again {
            Some(delay) => {
                let space = request.space;
                self.routes.later(space, request, Instant::now() + delay);
            }
            None => self.give_up(&request, failure, Loss::Failed),
        }
    }

    fn told(&mut self, request: &Outgoing, failure: &Failure, fate: &str) {
        let Failure {
            code,
            message,
            remedy,
            ..
        } = failure;
        self.flushes
            .failed(|| format!("{code}: {message}; {remedy}"));
        warn(Notice::ExportFailed, || {
            let Target { uri, source } = &self.target;
            format!(
                "{} spans of space `{}` could not be sent to {uri} (from {source}) and {fate}: \
                 {code}: {message}; {remedy}",
                request.load.spans, request.space_id
            )
        });
    }

    fn give_up(&mut self, request: &Outgoing, failure: &Failure, loss: Loss) {
        let &Outgoing {
            space,
            load,
            generation,
            ..
        } = request;
        self.flushes.settled(generation, load.spans);
        self.routes.answered(space, !failure.retryable);
        let cause = format!("{}: {}", failure.code, failure.message);
        self.inbox.lost(space, load, loss, Some(&cause));
    }
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
