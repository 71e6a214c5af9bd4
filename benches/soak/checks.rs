//! What must hold.

use std::fmt;

use arize_runtime::{Loss, Stats};

use crate::collector::Arrived;
use crate::part::Load;
use crate::told::{LossCounts, REASONS};

/// What a pipeline holds unless it is told otherwise.
const QUEUE_SPANS: u64 = 32_768;
const QUEUE_BYTES: u64 = 64 << 20;
/// Spaces in the counts at most.
const SPACES: usize = 100;
/// Spans of a request at most.
const REQUEST: u64 = 512;

#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) holds: bool,
    what: String,
}

impl Check {
    pub(crate) const fn new(holds: bool, what: String) -> Self {
        Self { holds, what }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.holds { "ok  " } else { "FAIL" };
        write!(f, "{word}  {}", self.what)
    }
}

/// What everybody but the pipeline counted.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) made: u64,
    pub(crate) told: LossCounts,
    pub(crate) arrived: Arrived,
}

/// The pipeline's counts between two looks at everybody else's, which go on meanwhile.
#[derive(Debug)]
pub(crate) struct Moment {
    pub(crate) before: Seen,
    pub(crate) stats: Stats,
    pub(crate) after: Seen,
}

/// Spans that the pipeline has counted and others may not have yet. None when all stand still.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slack {
    /// Each producer adds to its count after its span has ended.
    made: u64,
    /// `on_loss` is called after the loss is counted: by each producer, and for one request.
    told: u64,
}

impl Slack {
    pub(crate) const fn of(producers: u64) -> Self {
        Self {
            made: producers,
            told: producers + REQUEST,
        }
    }
}

impl Moment {
    /// What holds at every moment.
    pub(crate) fn checks(&self, slack: Slack) -> Vec<Check> {
        let Self {
            before,
            stats,
            after,
        } = self;
        let Stats {
            ended,
            exported,
            pending,
            pending_bytes,
            ref dropped,
            ref spaces,
            ..
        } = *stats;
        let counted = exported + pending + dropped.total();
        let told = (0..REASONS.len()).all(|n| {
            let dropped = dropped.of(REASONS[n]);
            before.told[n] <= dropped && dropped <= after.told[n] + slack.told
        });
        let all_told: u64 = after.told.iter().sum();
        let misrouted = after.arrived.misrouted;
        vec![
            Check::new(
                ended == counted,
                format!("{ended} ended are {counted} exported, pending and dropped"),
            ),
            Check::new(
                before.made <= ended && ended <= after.made + slack.made,
                format!("{ended} ended of {} that the producers ended", after.made),
            ),
            Check::new(
                told && dropped.total() <= all_told + slack.told,
                format!(
                    "{} are dropped, and `on_loss` heard of {all_told}, reason by reason",
                    dropped.total()
                ),
            ),
            self.arrival(),
            Check::new(misrouted == 0, format!("{misrouted} are misrouted")),
            Check::new(
                pending <= QUEUE_SPANS && pending_bytes <= QUEUE_BYTES && spaces.len() <= SPACES,
                format!(
                    "{pending} spans of {QUEUE_SPANS} and {pending_bytes} bytes of {QUEUE_BYTES} are \
                     pending, {} spaces of {SPACES} are in the counts",
                    spaces.len()
                ),
            ),
        ]
    }

    /// What is exported has arrived, and so has what the collector rejects in a partial success.
    /// What has failed may have, where an answer was lost; nothing else has.
    fn arrival(&self) -> Check {
        let stats = &self.stats;
        let [rejected, failed] = [Loss::Rejected, Loss::Failed].map(|loss| stats.dropped.of(loss));
        let least = stats.exported + rejected;
        let most = least + failed + stats.pending;
        let distinct = self.after.arrived.distinct;
        Check::new(
            least <= distinct && self.before.arrived.distinct <= most,
            format!(
                "{distinct} different spans arrived: {} exported, {rejected} rejected, {} of {failed} \
                 that failed and {} that are pending",
                stats.exported,
                distinct.saturating_sub(least),
                stats.pending
            ),
        )
    }

    /// What holds once the pipeline is shut down.
    pub(crate) fn final_checks(&self, load: Load) -> Vec<Check> {
        let Stats {
            exported,
            pending,
            pending_bytes,
            dropped,
            ..
        } = &self.stats;
        let full = dropped.of(Loss::QueueFull);
        let wanted = match load {
            Load::Overload => full > 0,
            Load::Backpressure => full == 0,
        };
        let for_good = [Loss::QueueFull, Loss::Rejected, Loss::Failed].map(|loss| dropped.of(loss));
        let others = dropped.total() - for_good.iter().sum::<u64>();
        vec![
            Check::new(*exported > 0, format!("{exported} are exported")),
            Check::new(
                *pending == 0 && *pending_bytes == 0,
                format!("{pending} spans and {pending_bytes} bytes are pending"),
            ),
            Check::new(wanted, format!("{full} found the queue full")),
            Check::new(
                others == 0,
                format!("{others} are dropped for reasons that no fault is for"),
            ),
        ]
    }
}
