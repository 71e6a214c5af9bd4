//! The batches and the slots of one space.

use std::collections::VecDeque;

use super::batch::{Batch, Opened};

/// A healthy space may have this many requests under way.
pub(super) const PER_SPACE: usize = 8;
/// A space whose last request failed, so that it cannot take the others' slots.
const PER_FAILING_SPACE: usize = 1;

/// What waits for one space, and what of it is under way.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// By project name. Few, so that a table would cost more than it saves.
    pub(super) open: Vec<Batch>,
    pub(super) waiting: VecDeque<Batch>,
    /// Requests under way or to be tried again.
    pub(super) slots: usize,
    pub(super) failing: bool,
    pub(super) ready: bool,
}

impl Lane {
    pub(super) fn is_idle(&self) -> bool {
        self.open.is_empty() && self.waiting.is_empty() && self.slots == 0
    }

    pub(super) fn may_send(&self) -> bool {
        let slots = if self.failing {
            PER_FAILING_SPACE
        } else {
            PER_SPACE
        };
        !self.waiting.is_empty() && self.slots < slots
    }

    pub(super) fn position(&self, project_name: &str) -> Result<usize, usize> {
        self.open
            .binary_search_by(|batch| (*batch.project_name).cmp(project_name))
    }

    pub(super) fn close(&mut self, at: usize) -> Batch {
        let batch = self.open.remove(at);
        if self.open.is_empty() {
            self.open = Vec::new(); // what waits is to cost no more than itself
        }
        batch
    }

    /// Where the batch is, unless it was full meanwhile.
    pub(super) fn find(&self, opened: &Opened) -> Option<usize> {
        let at = self.position(&opened.project_name).ok()?;
        (self.open[at].serial == opened.serial).then_some(at)
    }
}
