//! What is pending, in all and by space, what there is room for, and what became of the rest.
//!
//! It changes under one lock together with the queue, so its counts are exact at every moment.

use std::ops::{AddAssign, SubAssign};
use std::sync::Arc;

use super::spaces::{SpaceKey, Spaces};
use crate::stats::{Loss, Losses, Stats};

/// How much more than it leaves free a space may hold.
const SHARE: u64 = 7;

/// Spans, and the bytes that are reckoned for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) spans: u64,
    pub(crate) bytes: u64,
}

impl AddAssign for Load {
    fn add_assign(&mut self, other: Self) {
        self.spans += other.spans;
        self.bytes += other.bytes;
    }
}

impl SubAssign for Load {
    fn sub_assign(&mut self, other: Self) {
        self.spans -= other.spans;
        self.bytes -= other.bytes;
    }
}

/// What may be pending at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) all: Load,
    /// Whether spaces have to leave room for each other.
    pub(crate) shared: bool,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    limits: Limits,
    ended: u64,
    exported: u64,
    pending: Load,
    dropped: Losses,
    spaces: Spaces,
}

impl Ledger {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            ended: 0,
            exported: 0,
            pending: Load::default(),
            dropped: Losses::default(),
            spaces: Spaces::default(),
        }
    }

    /// Makes a span pending that has just ended, if there is room for it.
    ///
    /// A space may hold [`SHARE`] times what it leaves free: alone seven eighths of the queue, two
    /// 7/15 each. So there is always room for one more space, however the others flood.
    pub(crate) fn admit(&mut self, space_id: &str, bytes: u64) -> Result<SpaceKey, Loss> {
        let Limits { all, shared } = self.limits;
        if bytes > all.bytes {
            return Err(Loss::TooLarge);
        }
        let free = Load {
            spans: all.spans.saturating_sub(self.pending.spans),
            bytes: all.bytes.saturating_sub(self.pending.bytes),
        };
        if free.spans == 0 || free.bytes < bytes {
            return Err(Loss::QueueFull);
        }
        let space = self.spaces.find(space_id);
        if shared && let Some(space) = space {
            let theirs = self.spaces.of(space).pending;
            if theirs.spans > free.spans.saturating_mul(SHARE)
                || theirs.bytes > free.bytes.saturating_mul(SHARE)
            {
                return Err(Loss::QueueFull);
            }
        }
        let space = space.unwrap_or_else(|| self.spaces.add(space_id));
        let load = Load { spans: 1, bytes };
        self.ended += 1;
        self.pending += load;
        self.spaces.of(space).pending += load;
        Ok(space)
    }

    /// A span ended and is not taken.
    pub(crate) fn turn_away(&mut self, loss: Loss, space_id: Option<&str>) {
        self.ended += 1;
        self.dropped.add(loss, 1);
        if let Some(space) = space_id.and_then(|id| self.spaces.find(id)) {
            self.spaces.of(space).dropped.add(loss, 1);
        }
    }

    /// Pending spans were taken by the collector, but for so many.
    pub(crate) fn exported(&mut self, space: SpaceKey, load: Load, rejected: u64) {
        self.exported += load.spans - rejected;
        self.spaces.of(space).exported += load.spans - rejected;
        self.settle(space, load, (Loss::Rejected, rejected));
    }

    /// Pending spans were given up.
    pub(crate) fn lost(&mut self, space: SpaceKey, load: Load, loss: Loss) {
        self.settle(space, load, (loss, load.spans));
    }

    fn settle(&mut self, space: SpaceKey, load: Load, (loss, dropped): (Loss, u64)) {
        self.pending -= load;
        self.dropped.add(loss, dropped);
        let theirs = self.spaces.of(space);
        theirs.dropped.add(loss, dropped);
        theirs.pending -= load;
        if theirs.pending.spans == 0 {
            self.spaces.idle(space);
        }
    }

    /// Gives up all that is pending. Says how many of which space.
    pub(crate) fn lose_pending(&mut self, loss: Loss) -> Vec<(Arc<str>, u64)> {
        let pending = self.spaces.pending();
        for (key, _, load) in &pending {
            self.lost(*key, *load, loss);
        }
        let spans = pending.into_iter();
        spans.map(|(_, id, load)| (id, load.spans)).collect()
    }

    pub(crate) fn space_id(&mut self, space: SpaceKey) -> Arc<str> {
        self.spaces.of(space).id.clone()
    }

    pub(crate) fn losses(&self) -> Losses {
        self.dropped
    }

    pub(crate) fn pending(&self) -> u64 {
        self.pending.spans
    }

    pub(crate) fn fill(&self) -> String {
        let (held, most) = (self.pending, self.limits.all);
        format!(
            "{} of `max_queue_size` {}, {} of `max_queue_bytes` {}",
            held.spans, most.spans, held.bytes, most.bytes
        )
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            ended: self.ended,
            exported: self.exported,
            pending: self.pending.spans,
            pending_bytes: self.pending.bytes,
            dropped: self.dropped,
            spaces: self.spaces.shown(),
            ..Stats::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(spans: u64, bytes: u64) -> Ledger {
        Ledger::new(Limits {
            all: Load { spans, bytes },
            shared: true,
        })
    }

    fn fill(ledger: &mut Ledger, space: &str) -> u64 {
        let admitted = std::iter::from_fn(|| ledger.admit(space, 1).ok());
        u64::try_from(admitted.count()).expect("few")
    }

    #[test]
    fn every_ended_span_is_in_one_count() {
        let mut ledger = ledger(3, 100);
        let space = ledger.admit("s", 10).expect("there is room");
        ledger.admit("s", 10).expect("there is room");
        ledger.admit("s", 10).expect("there is room");
        assert_eq!(ledger.admit("s", 10), Err(Loss::QueueFull));
        ledger.turn_away(Loss::QueueFull, Some("s"));
        ledger.exported(
            space,
            Load {
                spans: 2,
                bytes: 20,
            },
            1,
        );
        let load = Load {
            spans: 1,
            bytes: 10,
        };
        ledger.lost(space, load, Loss::Failed);
        let stats = ledger.stats();
        assert_eq!(
            (stats.ended, stats.exported, stats.pending_bytes),
            (4, 1, 0)
        );
        assert_eq!(
            stats.to_string(),
            "4 ended: 1 exported, 0 pending, 3 dropped (1 queue full, 1 rejected, 1 failed)"
        );
        let shown = &stats.spaces[0];
        assert_eq!((&*shown.space_id, shown.exported), ("s", 1));
        assert_eq!(shown.dropped, stats.dropped);
    }

    #[test]
    fn spaces_leave_room_for_each_other_and_one_alone_in_a_pipeline_need_not() {
        let mut shared = ledger(800, u64::MAX);
        assert_eq!(fill(&mut shared, "flood"), 701);
        assert_eq!(fill(&mut shared, "flood 2"), 87);
        assert!(fill(&mut shared, "calm") > 8 && fill(&mut shared, "late") > 0);
        let mut bytes = ledger(u64::MAX, 800);
        assert_eq!(fill(&mut bytes, "flood"), 701);
        let mut one = ledger(90, 90);
        one.limits.shared = false;
        assert_eq!(fill(&mut one, "only"), 90);
    }

    #[test]
    fn a_span_that_never_fits_is_too_large() {
        assert_eq!(ledger(9, 10).admit("s", 11), Err(Loss::TooLarge));
    }

    #[test]
    fn what_is_left_at_the_end_is_lost_by_space() {
        let mut ledger = ledger(9, 9);
        ledger.admit("a", 1).expect("there is room");
        ledger.admit("b", 1).expect("there is room");
        let mut lost = ledger.lose_pending(Loss::Failed);
        lost.sort();
        assert_eq!(lost, [("a".into(), 1), ("b".into(), 1)]);
        assert_eq!((ledger.pending(), ledger.losses().total()), (0, 2));
    }
}
