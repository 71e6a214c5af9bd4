//! Counts: every span that ends is exported, pending, or dropped for a reason that has a name.

use std::fmt;
use std::sync::Arc;
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
    /// The queue was full, or its space's share of it was.
    QueueFull,
    /// The collector took the request but refused this many of its spans (OTLP partial success).
    Rejected,
    /// The request failed for good, or its time was over. A span may have arrived all the same.
    Failed,
    /// It alone is larger than what the collector takes in one request (4 MiB unless it says less).
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

    pub(crate) fn add(&mut self, loss: Loss, spans: u64) {
        self.0[loss as usize] += spans;
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
/// `ended = exported + pending + dropped.total()`, always: all of it is read at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Spans that ended, and were not excluded.
    pub ended: u64,
    /// Spans that the collector took.
    pub exported: u64,
    /// Spans that are queued or under way.
    pub pending: u64,
    /// Memory that is reckoned for the pending spans, in bytes.
    pub pending_bytes: u64,
    /// Spans that were dropped, by reason.
    pub dropped: Losses,
    /// Spans that [`exclude_spans_if`](crate::Registration::exclude_spans_if) kept out when they ended; they are in no
    /// other count.
    pub excluded: u64,
    /// Requests that came with an unsampled parent: no span starts in them, so none ends.
    pub unsampled_requests: u64,
    /// Calls of annotated functions after the shutdown, for which no span was started.
    pub unstarted_calls: u64,
    /// The spaces that spans went to last, those with pending spans first: at most 100.
    pub spaces: Vec<SpaceStats>,
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

/// What became of the spans of one space, as far as it is remembered: a space without pending spans is
/// forgotten when many others came after it, and then begins at zero again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpaceStats {
    /// The id of the space.
    pub space_id: Arc<str>,
    /// Spans that the collector took.
    pub exported: u64,
    /// Spans that are queued or under way.
    pub pending: u64,
    /// Spans that were dropped, by reason. Those of spaces that are not allowed are only in the total.
    pub dropped: Losses,
}

/// Spans that were dropped just now: what [`on_loss`](crate::Registration::on_loss) is called with.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct LossEvent<'a> {
    /// Why.
    pub loss: Loss,
    /// How many.
    pub spans: u64,
    /// Their space, unless they had none.
    pub space_id: Option<&'a str>,
    /// What the collector or the network said of it, without the API key.
    pub cause: Option<&'a str>,
}

/// Requests and calls for which no span was started, so that none ends.
#[derive(Debug, Default)]
pub(crate) struct Untraced {
    unsampled_requests: AtomicU64,
    unstarted_calls: AtomicU64,
}

impl Untraced {
    pub(crate) fn unsampled_request(&self) {
        self.unsampled_requests.fetch_add(1, Relaxed);
    }

    pub(crate) fn unstarted_call(&self) {
        self.unstarted_calls.fetch_add(1, Relaxed);
    }

    pub(crate) fn add_to(&self, stats: &mut Stats) {
        stats.unsampled_requests = self.unsampled_requests.load(Relaxed);
        stats.unstarted_calls = self.unstarted_calls.load(Relaxed);
    }
}
