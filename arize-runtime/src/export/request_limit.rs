//! How large requests may be: smaller than usual for a while, once the collector refused some.

use std::time::{Duration, Instant};

/// Collectors refuse requests above 4 MiB by default.
pub(super) const MAX_REQUEST: usize = 4 * 1024 * 1024;
/// Requests do not get smaller than this, whatever a collector refuses.
const MIN_REQUEST: usize = 8 * 1024;
/// After this time without a refusal they may be larger again: the collector may be another by now.
const LASTS: Duration = Duration::from_secs(60);

/// In bytes.
#[derive(Debug)]
pub(super) struct RequestLimit {
    bytes: usize,
    since: Instant,
}

impl Default for RequestLimit {
    fn default() -> Self {
        Self {
            bytes: MAX_REQUEST,
            since: Instant::now(),
        }
    }
}

impl RequestLimit {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A request of so many bytes was too large.
    pub(super) fn refused(&mut self, bytes: usize, now: Instant) {
        self.bytes = self.bytes.min((bytes / 2).max(MIN_REQUEST));
        self.since = now;
    }

    /// To be called now and then.
    pub(super) fn relax(&mut self, now: Instant) {
        if self.bytes < MAX_REQUEST && now >= self.since + LASTS {
            self.bytes = MAX_REQUEST.min(2 * self.bytes);
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_get_smaller_with_each_refusal_and_larger_again_without() {
        let (mut limit, start) = (RequestLimit::default(), Instant::now());
        limit.refused(3_000_000, start);
        limit.refused(4_000_000, start); // was under way already
        assert_eq!(limit.bytes(), 1_500_000);
        (0..20).for_each(|_| limit.refused(limit.bytes(), start));
        assert_eq!(limit.bytes(), MIN_REQUEST);
        limit.relax(start + LASTS / 2);
        assert_eq!(limit.bytes(), MIN_REQUEST, "not yet");
        for minute in 1..12 {
            limit.relax(start + LASTS * minute);
        }
        assert_eq!(limit.bytes(), MAX_REQUEST);
    }
}
