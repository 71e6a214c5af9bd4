//! Counts: every span that ends is exported, pending, or dropped for a reason that has a name.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Why a span was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// It named no space, or no project.
    Unrouted,
    /// Its space is not among the allowed ones.
    Denied,
    /// It had more attributes than its tracer provider keeps, and no route is left among those.
    AttributeLimit,
    /// The queue was full.
    QueueFull,
    /// The collector took the request but refused this many of its spans (OTLP partial success).
    Rejected,
    /// The request failed for good, or its time was over. A span may have arrived all the same.
    Failed,
    /// It alone is larger than what collectors take in one request (4 MiB).
    TooLarge,
    /// It ended after the pipeline was shut down.
    Late,
}

impl Loss {
    const ALL: [Self; 8] = [
        Self::Unrouted,
        Self::Denied,
        Self::AttributeLimit,
        Self::QueueFull,
        Self::Rejected,
        Self::Failed,
        Self::TooLarge,
        Self::Late,
    ];

    /// The reason in lower case, as messages have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unrouted => "unrouted",
            Self::Denied => "denied",
            Self::AttributeLimit => "attribute limit",
            Self::QueueFull => "queue full",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::TooLarge => "too large",
            Self::Late => "late",
        }
    }
}

/// Dropped spans, by reason.
///
/// ```
/// use arize_runtime::{Loss, Losses};
/// let losses = Losses::default();
/// assert_eq!(losses.of(Loss::Unrouted), 0);
/// assert_eq!(losses.total(), 0);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses([u64; Loss::ALL.len()]);

impl Losses {
    /// Spans dropped for this reason.
    #[must_use]
    pub const fn of(&self, loss: Loss) -> u64 {
        self.0[loss as usize]
    }

    /// Spans dropped for any reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] - earlier.0[i]))
    }
}

/// Those that are not zero.
impl fmt::Debug for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let some = Loss::ALL.into_iter().filter(|&loss| self.of(loss) > 0);
        f.debug_map()
            .entries(some.map(|loss| (loss, self.of(loss))))
            .finish()
    }
}

/// `3 failed, 1 unrouted`
impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for loss in Loss::ALL.into_iter().filter(|&loss| self.of(loss) > 0) {
            write!(f, "{separator}{} {}", self.of(loss), loss.as_str())?;
            separator = ", ";
        }
        Ok(())
    }
}

/// What became of the spans of a pipeline, from [`Arize::stats`](crate::Arize::stats).
///
/// `ended = exported + pending + dropped.total()`, always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Spans that ended.
    pub ended: u64,
    /// Spans that the collector took.
    pub exported: u64,
    /// Spans that are queued or under way.
    pub pending: u64,
    /// Spans that were dropped, by reason.
    pub dropped: Losses,
    /// Requests that came with an unsampled parent: no span starts in them, so none ends.
    pub unsampled_requests: u64,
}

/// `12 ended: 9 exported, 0 pending, 3 dropped (3 failed)`
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ended,
            exported,
            pending,
            dropped,
            ..
        } = self;
        write!(
            f,
            "{ended} ended: {exported} exported, {pending} pending, {} dropped",
            dropped.total()
        )?;
        if dropped.total() > 0 {
            write!(f, " ({dropped})")?;
        }
        Ok(())
    }
}

/// The live counts behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    exported: AtomicU64,
    pending: AtomicU64,
    dropped: [AtomicU64; Loss::ALL.len()],
    unsampled_requests: AtomicU64,
}

impl Counters {
    /// Takes a place among the pending spans, of which there may be `capacity`.
    pub(crate) fn enqueue(&self, capacity: u64) -> bool {
        let free = self.pending.fetch_add(1, Relaxed) < capacity;
        if !free {
            self.pending.fetch_sub(1, Relaxed);
        }
        free
    }

    /// `spans` pending ones were taken by the collector.
    pub(crate) fn exported(&self, spans: u64) {
        self.exported.fetch_add(spans, Relaxed);
        self.pending.fetch_sub(spans, Relaxed);
    }

    /// `spans` pending ones were given up.
    pub(crate) fn lost(&self, loss: Loss, spans: u64) {
        self.dropped(loss, spans);
        self.pending.fetch_sub(spans, Relaxed);
    }

    /// All pending ones are given up.
    pub(crate) fn lose_pending(&self, loss: Loss) {
        self.dropped(loss, self.pending.swap(0, Relaxed));
    }

    /// `spans` were dropped before they became pending.
    pub(crate) fn dropped(&self, loss: Loss, spans: u64) {
        self.dropped[loss as usize].fetch_add(spans, Relaxed);
    }

    pub(crate) fn unsampled_request(&self) {
        self.unsampled_requests.fetch_add(1, Relaxed);
    }

    pub(crate) fn losses(&self) -> Losses {
        Losses(std::array::from_fn(|i| self.dropped[i].load(Relaxed)))
    }

    pub(crate) fn stats(&self) -> Stats {
        let exported = self.exported.load(Relaxed);
        let pending = self.pending.load(Relaxed);
        let dropped = self.losses();
        Stats {
            ended: exported + pending + dropped.total(),
            exported,
            pending,
            dropped,
            unsampled_requests: self.unsampled_requests.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ended_span_is_in_one_count() {
        let counters = Counters::default();
        assert!(counters.enqueue(2) && counters.enqueue(2) && !counters.enqueue(2));
        counters.dropped(Loss::QueueFull, 1);
        counters.exported(1);
        counters.lost(Loss::Failed, 1);
        let stats = counters.stats();
        assert_eq!((stats.ended, stats.exported, stats.pending), (3, 1, 0));
        assert_eq!(
            stats.to_string(),
            "3 ended: 1 exported, 0 pending, 2 dropped (1 queue full, 1 failed)"
        );
    }
}
