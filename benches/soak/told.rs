//! What `on_loss` was called with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use arize_runtime::{Loss, LossEvent};

/// Every reason.
pub(crate) const REASONS: [Loss; 8] = [
    Loss::Unrouted,
    Loss::Denied,
    Loss::AttributeLimit,
    Loss::QueueFull,
    Loss::Rejected,
    Loss::Failed,
    Loss::TooLarge,
    Loss::Late,
];

/// Spans by reason, as [`REASONS`] has them.
pub(crate) type LossCounts = [u64; REASONS.len()];

#[derive(Clone, Debug, Default)]
pub(crate) struct Told(Arc<[AtomicU64; REASONS.len()]>);

impl Told {
    pub(crate) fn hear(&self, event: LossEvent<'_>) {
        let reason = REASONS.iter().position(|reason| *reason == event.loss);
        let reason = reason.expect("a reason that the soak knows");
        self.0[reason].fetch_add(event.spans, SeqCst);
    }

    pub(crate) fn losses(&self) -> LossCounts {
        std::array::from_fn(|reason| self.0[reason].load(SeqCst))
    }
}
