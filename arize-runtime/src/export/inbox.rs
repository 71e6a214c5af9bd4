//! Where callers leave ended spans and flush requests for the worker, and where all are counted.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::trace::SpanData;
use tokio::sync::Notify;

use super::flush::{FAR, Flush};
use super::ledger::{Ledger, Limits, Load};
use super::spaces::SpaceKey;
use crate::notice::{Notice, warn};
use crate::stats::{Loss, LossEvent, Losses, Stats};

/// The worker is woken when this many spans wait, and when the first one does: not for each, since
/// that would be a system call for each.
pub(crate) const WAKE_AT: usize = 512;

/// Spans are handed over in pieces of this many: what was a burst is given back as it is worked off.
const CHUNK: usize = 64;

/// What the user has called with every loss.
#[derive(Clone)]
pub(crate) struct OnLoss(pub(crate) Arc<dyn Fn(LossEvent<'_>) + Send + Sync>);

impl fmt::Debug for OnLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnLoss(..)")
    }
}

/// How the queue deals with more than it can hold.
#[derive(Debug)]
pub(crate) struct Overload {
    pub(crate) limits: Limits,
    /// How long a thread that ends a span waits for room.
    pub(crate) patience: Option<Duration>,
    pub(crate) on_loss: Option<OnLoss>,
}

#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    pub(crate) wake: Notify,
    /// There may be room again.
    room: Condvar,
    patience: Option<Duration>,
    on_loss: Option<OnLoss>,
    excluded: AtomicU64,
}

#[derive(Debug)]
struct State {
    ledger: Ledger,
    spans: Spans,
    flushes: Vec<Flush>,
    gate: Gate,
    /// A span found no room, so that there is no use in waiting for more of a batch.
    full: bool,
    /// The worker knows of it. It is told again once there was room meanwhile.
    told_full: bool,
    /// Threads that wait for room.
    waiting: usize,
}

/// Ended spans in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    /// None is empty.
    chunks: VecDeque<Vec<Ended>>,
    len: usize,
}

impl Spans {
    fn push(&mut self, ended: Ended) {
        self.len += 1;
        match self.chunks.back_mut() {
            Some(last) if last.len() < CHUNK => last.push(ended),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(ended);
                self.chunks.push_back(chunk);
            }
        }
    }

    fn append(&mut self, others: &mut Self) {
        self.len += std::mem::take(&mut others.len);
        self.chunks.append(&mut others.chunks);
    }

    pub(crate) fn pop_chunk(&mut self) -> Option<Vec<Ended>> {
        let chunk = self.chunks.pop_front()?;
        self.len -= chunk.len();
        Some(chunk)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// An ended span, which is pending.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) span: SpanData,
    pub(crate) space: SpaceKey,
    pub(crate) bytes: u64,
}

/// Whether spans are still taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Gate {
    #[default]
    Open,
    /// Shutting down: no spans, but who flushes now waits for what is still under way.
    Closing,
    /// Shut down; the worker has ended.
    Ended,
    /// The worker panicked.
    Dead,
}

/// What the worker finds.
#[derive(Debug)]
pub(crate) enum Intake {
    /// No spans.
    Empty,
    /// Some spans, which may wait until their time comes.
    Early,
    /// The spans were handed over.
    Taken {
        flushes: Vec<Flush>,
        /// Whether what is buffered should be sent at once.
        full: bool,
    },
}

/// Room for one span, which is pending from now on.
#[must_use = "the span is counted as pending"]
pub(crate) struct Place<'a> {
    inbox: &'a Inbox,
    state: MutexGuard<'a, State>,
    space: SpaceKey,
    bytes: u64,
}

impl Place<'_> {
    pub(crate) fn put(mut self, span: SpanData) {
        self.state.spans.push(Ended {
            span,
            space: self.space,
            bytes: self.bytes,
        });
        let waiting = self.state.spans.len();
        drop(self.state);
        if waiting == 1 || waiting == WAKE_AT {
            self.inbox.wake.notify_one();
        }
    }
}

impl Inbox {
    pub(crate) fn new(overload: Overload) -> Self {
        let Overload {
            limits,
            patience,
            on_loss,
        } = overload;
        Self {
            state: Mutex::new(State {
                ledger: Ledger::new(limits),
                spans: Spans::default(),
                flushes: Vec::new(),
                gate: Gate::Open,
                full: false,
                told_full: false,
                waiting: 0,
            }),
            wake: Notify::new(),
            room: Condvar::new(),
            patience,
            on_loss,
            excluded: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for a span that ended, or counts it and says why there is none.
    pub(crate) fn place(&self, space_id: &str, bytes: u64) -> Result<Place<'_>, Loss> {
        let mut state = self.lock();
        let mut patient_until = None;
        let loss = loop {
            match state.gate {
                Gate::Open => {}
                Gate::Closing | Gate::Ended => break Loss::Late,
                Gate::Dead => break Loss::Failed,
            }
            let loss = match state.ledger.admit(space_id, bytes) {
                Ok(space) => {
                    return Ok(Place {
                        inbox: self,
                        state,
                        space,
                        bytes,
                    });
                }
                Err(loss) => loss,
            };
            if loss == Loss::QueueFull && !std::mem::replace(&mut state.told_full, true) {
                state.full = true;
                self.wake.notify_one();
            }
            let Some(patience) = self.patience.filter(|_| loss == Loss::QueueFull) else {
                break loss;
            };
            let now = Instant::now();
            let left = *patient_until.get_or_insert(now + patience.min(FAR)) - now;
            if left.is_zero() {
                break loss;
            }
            state.waiting += 1;
            let (woken, _) = self
                .room
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.waiting -= 1;
        };
        state.ledger.turn_away(loss, Some(space_id));
        drop(state);
        self.report(loss, 1, Some(space_id), None);
        Err(loss)
    }

    /// Counts a span that ended and was excluded, which is no loss.
    pub(crate) fn exclude(&self) {
        self.excluded.fetch_add(1, Relaxed);
    }

    /// Counts a span that ended and is not for the queue.
    pub(crate) fn turn_away(&self, loss: Loss, space_id: Option<&str>) {
        self.lock().ledger.turn_away(loss, None);
        self.report(loss, 1, space_id, None);
    }

    /// Pending spans were taken by the collector, but for so many; `cause` is its word on these.
    pub(crate) fn exported(&self, space: SpaceKey, load: Load, rejected: u64, cause: &str) {
        let space_id = self.settle(space, |ledger| ledger.exported(space, load, rejected));
        if rejected > 0 {
            self.report(Loss::Rejected, rejected, Some(&space_id), Some(cause));
        }
    }

    /// Pending spans were given up.
    pub(crate) fn lost(&self, space: SpaceKey, load: Load, loss: Loss, cause: Option<&str>) {
        let space_id = self.settle(space, |ledger| ledger.lost(space, load, loss));
        self.report(loss, load.spans, Some(&space_id), cause);
    }

    fn settle(&self, space: SpaceKey, change: impl FnOnce(&mut Ledger)) -> Arc<str> {
        let mut state = self.lock();
        let space_id = state.ledger.space_id(space); // before it may be forgotten
        change(&mut state.ledger);
        state.told_full = false;
        let waiting = state.waiting > 0;
        drop(state);
        if waiting {
            self.room.notify_all();
        }
        space_id
    }

    /// Calls the user's hook. What it does makes no spans, which might be lost in turn.
    fn report(&self, loss: Loss, spans: u64, space_id: Option<&str>, cause: Option<&str>) {
        let Some(OnLoss(hook)) = &self.on_loss else {
            return;
        };
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        let event = LossEvent {
            loss,
            spans,
            space_id,
            cause,
        };
        if catch_unwind(AssertUnwindSafe(|| hook(event))).is_err() {
            warn(Notice::Hook, || {
                "the closure of `.on_loss(..)` panicked; the spans are counted all the same"
                    .to_owned()
            });
        }
    }

    /// Leaves a flush, unless the worker has ended: then says how.
    pub(crate) fn flush(&self, flush: Flush) -> Result<(), Gate> {
        let mut state = self.lock();
        match state.gate {
            Gate::Ended | Gate::Dead => return Err(state.gate),
            Gate::Open if flush.close => {
                state.gate = Gate::Closing;
                self.room.notify_all(); // who waits for room is late now
            }
            Gate::Open | Gate::Closing => {}
        }
        state.flushes.push(flush);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Whether somebody waits for a flush that the worker has not taken yet.
    pub(crate) fn is_flushing(&self) -> bool {
        !self.lock().flushes.is_empty()
    }

    /// Moves the waiting spans behind `spans`, if there is a reason to take them now.
    pub(crate) fn take(&self, due: bool, spans: &mut Spans) -> Intake {
        let mut state = self.lock();
        let State { full, flushes, .. } = &mut *state;
        let (full, flushes) = (std::mem::take(full), std::mem::take(flushes));
        let now = due || full || !flushes.is_empty() || state.spans.len() >= WAKE_AT;
        if !now {
            return if state.spans.is_empty() {
                Intake::Empty
            } else {
                Intake::Early
            };
        }
        spans.append(&mut state.spans);
        Intake::Taken { flushes, full }
    }

    /// The worker's last act: no span is taken any more, and what is still pending has failed.
    /// Gives the flushes that nobody will answer now.
    pub(crate) fn end(&self, gate: Gate, cause: &str) -> Vec<Flush> {
        let mut state = self.lock();
        state.gate = gate;
        let spans = std::mem::take(&mut state.spans);
        let lost = state.ledger.lose_pending(Loss::Failed);
        let flushes = std::mem::take(&mut state.flushes);
        drop(state);
        drop(spans);
        self.room.notify_all();
        for (space_id, spans) in lost {
            self.report(Loss::Failed, spans, Some(&space_id), Some(cause));
        }
        flushes
    }

    pub(crate) fn space_id(&self, space: SpaceKey) -> Arc<str> {
        self.lock().ledger.space_id(space)
    }

    pub(crate) fn losses(&self) -> Losses {
        self.lock().ledger.losses()
    }

    pub(crate) fn pending(&self) -> u64 {
        self.lock().ledger.pending()
    }

    /// How full the queue is, in words.
    pub(crate) fn fill(&self) -> String {
        self.lock().ledger.fill()
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = self.lock().ledger.stats();
        stats.excluded = self.excluded.load(Relaxed);
        stats
    }
}
