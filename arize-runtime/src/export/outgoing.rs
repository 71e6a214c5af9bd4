//! A request from its first attempt to its last. A retry sends the same bytes.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::ledger::Load;
use super::spaces::SpaceKey;

/// A request that could not be sent for this long is given up. The queue is bounded, so patience
/// costs nothing but the newest spans once it is full.
const PATIENCE: Duration = Duration::from_secs(300);
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(5);
/// While somebody waits for a flush: a collector that comes back is found within its time.
const LAST_RETRY_OF_FLUSH: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) space: SpaceKey,
    pub(super) space_id: Arc<str>,
    pub(super) body: Bytes,
    pub(super) load: Load,
    /// Of the flushes that wait for it.
    pub(super) generation: u64,
    attempts: u32,
    first_sent: Option<Instant>,
    /// The collector does not want to be asked again before.
    not_before: Option<Instant>,
    pub(super) sent: Instant,
}

impl Outgoing {
    pub(super) fn new(
        (space, space_id): (SpaceKey, Arc<str>),
        body: Bytes,
        load: Load,
        generation: u64,
    ) -> Self {
        Self {
            space,
            space_id,
            body,
            load,
            generation,
            attempts: 0,
            first_sent: None,
            not_before: None,
            sent: Instant::now(),
        }
    }

    /// Two requests in the place of this one. They are as old as it is.
    pub(super) fn split(&self, halves: [(Bytes, u64); 2]) -> [Self; 2] {
        let [(first, few), (second, rest)] = halves;
        let (all, bytes) = (self.load.bytes, self.load.bytes / 2);
        let half = |body, spans, bytes| Self {
            space_id: self.space_id.clone(),
            body,
            load: Load { spans, bytes },
            ..*self
        };
        [half(first, few, bytes), half(second, rest, all - bytes)]
    }

    pub(super) fn begin_attempt(&mut self, now: Instant) {
        self.attempts += 1;
        self.sent = now;
        self.first_sent.get_or_insert(now);
    }

    /// Lets the times between attempts be short again. Gives the collector's time, if it named one.
    pub(super) fn begin_anew(&mut self) -> Option<Instant> {
        self.attempts = 0;
        self.not_before
    }

    /// How long to wait before the next attempt, if there is to be one. `asked` is what the collector
    /// wants.
    pub(super) fn retry_delay(
        &mut self,
        asked: Option<Duration>,
        flushing: bool,
    ) -> Option<Duration> {
        self.not_before = asked.and_then(|asked| Instant::now().checked_add(asked));
        let most = if flushing {
            LAST_RETRY_OF_FLUSH
        } else {
            LAST_RETRY
        };
        let delay = backoff(self.attempts, most).max(asked.unwrap_or_default());
        let age = self.first_sent.map_or(Duration::ZERO, |at| at.elapsed());
        (age.saturating_add(delay) < PATIENCE).then_some(delay)
    }
}

/// Exponential, with jitter, so that many processes do not come back at the same moment.
fn backoff(attempts: u32, most: Duration) -> Duration {
    let longest = FIRST_RETRY
        .saturating_mul(1 << attempts.saturating_sub(1).min(16))
        .min(most);
    let random = RandomState::new().hash_one(attempts) % 1024;
    longest / 2 + longest.mul_f64(f64::from(u32::try_from(random).unwrap_or(0)) / 2048.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_later_and_later_but_not_too_late() {
        for attempts in 1..40 {
            let delay = backoff(attempts, LAST_RETRY);
            assert!(
                delay >= FIRST_RETRY / 2 && delay <= LAST_RETRY,
                "{attempts}: {delay:?}"
            );
        }
        assert!(backoff(1, LAST_RETRY) <= FIRST_RETRY);
        assert!(backoff(9, LAST_RETRY) >= LAST_RETRY / 2);
    }

    #[test]
    fn a_request_has_its_patience_and_obeys_the_collector_within_it() {
        let ledger_key = (SpaceKey::of_test(0), "s".into());
        let mut outgoing = Outgoing::new(ledger_key, Bytes::new(), Load::default(), 0);
        (0..20).for_each(|_| outgoing.begin_attempt(Instant::now()));
        let mut delay = |asked, flushing| outgoing.retry_delay(asked, flushing);
        assert!(delay(None, true).is_some_and(|delay| delay <= LAST_RETRY_OF_FLUSH));
        let asked = Duration::from_secs(60);
        assert_eq!(delay(Some(asked), true), Some(asked));
        assert_eq!(delay(Some(PATIENCE), false), None);
    }
}
