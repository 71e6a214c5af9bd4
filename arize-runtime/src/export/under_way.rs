//! Requests under way, and the slots that they hold.
//!
//! A request holds a slot until it is answered, but not longer than a second: one that takes longer
//! hangs, or its collector is slow, and the others need not wait for it.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::{Id, JoinError, JoinSet};

use super::outgoing::Outgoing;
use super::transport::{Failure, Reply};

/// Slots, of all spaces together.
const SLOTS: usize = 32;
/// Of these, for requests that are tried again, so that some are left for the first attempts.
const FOR_RETRIES: usize = SLOTS / 2;
/// A request that takes longer gives its slot back.
const SLOW: Duration = Duration::from_secs(1);
/// Requests under way with and without a slot.
const MOST: usize = 4 * SLOTS;

#[derive(Debug, Default)]
pub(super) struct UnderWay {
    replies: JoinSet<Reply>,
    requests: HashMap<Id, Outgoing>,
    /// Those that hold a slot, the oldest first.
    slots: VecDeque<Slot>,
}

#[derive(Debug)]
struct Slot {
    id: Id,
    since: Instant,
    retry: bool,
}

impl UnderWay {
    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    pub(super) fn has_slot(&self) -> bool {
        self.slots.len() < SLOTS && self.requests.len() < MOST
    }

    pub(super) fn has_slot_for_retry(&self) -> bool {
        self.has_slot() && self.slots.iter().filter(|slot| slot.retry).count() < FOR_RETRIES
    }

    /// Takes the slots of the slow.
    pub(super) fn free_slots(&mut self, now: Instant) {
        let fresh = |slot: &Slot| now < slot.since + SLOW;
        let slow = self.slots.iter().position(fresh);
        self.slots.drain(..slow.unwrap_or(self.slots.len()));
    }

    /// When a slot will be free at the latest, if none is and time alone can bring one.
    pub(super) fn next_slot(&self) -> Option<Instant> {
        let oldest = self.slots.front().filter(|_| self.requests.len() < MOST)?;
        Some(oldest.since + SLOW)
    }

    /// Sends a request, which takes a slot.
    pub(super) fn send(
        &mut self,
        request: Outgoing,
        reply: impl Future<Output = Reply> + Send + 'static,
        retry: bool,
    ) {
        let id = self.replies.spawn(reply).id();
        let since = request.sent;
        self.slots.push_back(Slot { id, since, retry });
        self.requests.insert(id, request);
    }

    /// The next request that is answered; never, if there is none. May be dropped at any time.
    pub(super) async fn answered(&mut self) -> (Outgoing, Reply) {
        loop {
            let Some(answered) = self.replies.join_next_with_id().await else {
                std::future::pending().await
            };
            if let Some(answered) = self.take(answered) {
                return answered;
            }
        }
    }

    /// A request that is answered by now.
    pub(super) fn try_answered(&mut self) -> Option<(Outgoing, Reply)> {
        let answered = self.replies.try_join_next_with_id()?;
        self.take(answered)
    }

    fn take(&mut self, answered: Result<(Id, Reply), JoinError>) -> Option<(Outgoing, Reply)> {
        let (id, reply) = match answered {
            Ok((id, reply)) => (id, reply),
            Err(error) => (error.id(), Reply::Failed(Failure::panicked())),
        };
        if let Some(slot) = self.slots.iter().position(|slot| slot.id == id) {
            self.slots.remove(slot);
        }
        Some((self.requests.remove(&id)?, reply))
    }

    pub(super) fn abort(&mut self) {
        self.replies.abort_all();
    }
}
