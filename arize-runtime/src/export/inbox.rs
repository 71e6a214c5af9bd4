//! Where callers leave ended spans and flush requests for the worker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_sdk::trace::SpanData;
use tokio::sync::Notify;

use super::flush::Flush;
use crate::stats::{Counters, Loss};

/// The worker is woken when this many spans wait, and when the first one does: not for each, since
/// that would be a system call for each.
pub(crate) const WAKE_AT: usize = 512;

/// Room for this many spans is kept for the next time, not what a burst once needed.
const KEPT: usize = 4 * WAKE_AT;

#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    pub(crate) wake: Notify,
    pub(crate) counters: Arc<Counters>,
    capacity: u64,
}

#[derive(Debug, Default)]
struct State {
    spans: Vec<SpanData>,
    flushes: Vec<Flush>,
    gate: Gate,
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
    /// The spans were handed over, and these flushes.
    Taken(Vec<Flush>),
}

impl Inbox {
    pub(crate) fn new(counters: Arc<Counters>, capacity: u64) -> Self {
        Self {
            state: Mutex::default(),
            wake: Notify::new(),
            counters,
            capacity,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a span, or says why it cannot be taken.
    pub(crate) fn push(&self, span: SpanData) -> Result<(), Loss> {
        let mut state = self.lock();
        match state.gate {
            Gate::Open => {}
            Gate::Closing | Gate::Ended => return Err(Loss::Late),
            Gate::Dead => return Err(Loss::Failed),
        }
        // Under the lock, so that nothing becomes pending once the gate is closed.
        if !self.counters.enqueue(self.capacity) {
            return Err(Loss::QueueFull);
        }
        state.spans.push(span);
        let waiting = state.spans.len();
        drop(state);
        if waiting == 1 || waiting == WAKE_AT {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Leaves a flush, unless the worker has ended: then says how.
    pub(crate) fn flush(&self, flush: Flush) -> Result<(), Gate> {
        let mut state = self.lock();
        match state.gate {
            Gate::Ended | Gate::Dead => return Err(state.gate),
            Gate::Open if flush.close => state.gate = Gate::Closing,
            Gate::Open | Gate::Closing => {}
        }
        state.flushes.push(flush);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Swaps the waiting spans into `spans`, which is empty, if there is a reason to take them now.
    pub(crate) fn take(&self, due: bool, spans: &mut Vec<SpanData>) -> Intake {
        if spans.capacity() > KEPT {
            spans.shrink_to(KEPT);
        }
        let mut state = self.lock();
        let now = due || state.spans.len() >= WAKE_AT || !state.flushes.is_empty();
        if !now {
            return if state.spans.is_empty() {
                Intake::Empty
            } else {
                Intake::Early
            };
        }
        std::mem::swap(&mut state.spans, spans);
        Intake::Taken(std::mem::take(&mut state.flushes))
    }

    /// The worker's last act: no span is taken any more, and what is still pending has failed.
    /// Gives the flushes that nobody will answer now.
    pub(crate) fn end(&self, gate: Gate) -> Vec<Flush> {
        let mut state = self.lock();
        state.gate = gate;
        state.spans = Vec::new();
        self.counters.lose_pending(Loss::Failed);
        std::mem::take(&mut state.flushes)
    }
}
