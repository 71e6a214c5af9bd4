//! Flushes under way: what each waits for, when its time is over, and what it is answered.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::error::FlushError;
use crate::stats::Losses;

/// Stands for "never": `Instant` cannot add `Duration::MAX`.
pub(super) const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// What is known of a collector that did not answer while somebody waited.
pub(super) const NO_ANSWER: &str = "the collector has not answered yet";

pub(crate) type Answer = Result<(), FlushError>;

/// A caller who waits for everything that ended before.
#[derive(Debug)]
pub(crate) struct Flush {
    /// Whether the pipeline ends with it.
    pub(crate) close: bool,
    timeout: Duration,
    deadline: Instant,
    before: Losses,
    cause: Option<String>,
    generation: u64,
    /// Spans that it waits for and that are in no batch.
    unsealed: u64,
    reply: oneshot::Sender<Answer>,
}

impl Flush {
    pub(crate) fn new(
        timeout: Duration,
        close: bool,
        before: Losses,
    ) -> (Self, oneshot::Receiver<Answer>) {
        let (reply, answer) = oneshot::channel();
        let flush = Self {
            close,
            timeout,
            deadline: Instant::now() + timeout.min(FAR),
            before,
            cause: None,
            generation: 0,
            unsealed: 0,
            reply,
        };
        (flush, answer)
    }

    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.deadline <= now
    }

    pub(crate) fn result(&self, pending: u64, losses: Losses) -> Answer {
        let lost = losses.since(&self.before);
        if pending == 0 && lost.total() == 0 {
            return Ok(());
        }
        let slow = (pending > 0).then(|| format!("{NO_ANSWER}; give it more time"));
        let cause = self.cause.clone().or(slow);
        Err(FlushError {
            lost,
            pending,
            timeout: self.timeout,
            cause,
        })
    }

    /// The caller may have gone, which is no trouble.
    pub(crate) fn answer(self, answer: Answer) {
        let _gone = self.reply.send(answer);
    }
}

/// Batches are numbered by generation: a flush begins a new one, and waits for those before it.
#[derive(Debug, Default)]
pub(crate) struct Flushes {
    waiting: Vec<Flush>,
    generation: u64,
    /// Spans in batches that are not answered, by generation; none is zero.
    outstanding: BTreeMap<u64, u64>,
}

impl Flushes {
    /// A batch of so many spans was sealed. Gives its generation.
    pub(crate) fn sealed(&mut self, spans: u64) -> u64 {
        *self.outstanding.entry(self.generation).or_default() += spans;
        self.generation
    }

    /// A batch was sent or given up.
    pub(crate) fn settled(&mut self, generation: u64, spans: u64) {
        if let Some(outstanding) = self.outstanding.get_mut(&generation) {
            *outstanding = outstanding.saturating_sub(spans);
            if *outstanding == 0 {
                self.outstanding.remove(&generation);
            }
        }
    }

    /// Waits for all batches that are sealed by now. For `unsealed` spans it is too late.
    pub(crate) fn begin(&mut self, flushes: Vec<Flush>, unsealed: u64) {
        for mut flush in flushes {
            flush.generation = self.generation;
            flush.unsealed = unsealed;
            self.waiting.push(flush);
        }
        self.generation += 1;
    }

    /// A request failed: whoever waits is told why.
    pub(crate) fn failed(&mut self, cause: impl Fn() -> String) {
        for flush in &mut self.waiting {
            flush.cause = Some(cause());
        }
    }

    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.iter().map(|flush| flush.deadline).min()
    }

    /// Removes the flushes that are through or whose time is over, with their answers. If one of
    /// them closes the pipeline, removes all.
    pub(crate) fn finish(
        &mut self,
        now: Instant,
        losses: impl Fn() -> Losses,
    ) -> Vec<(Flush, Answer)> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let oldest = self
            .outstanding
            .first_key_value()
            .map(|(&generation, _)| generation);
        let ripe = |flush: &Flush| {
            flush.is_over(now) || oldest.is_none_or(|oldest| oldest > flush.generation)
        };
        let close = self.waiting.iter().any(|flush| flush.close && ripe(flush));
        let finished: Vec<_> = self
            .waiting
            .extract_if(.., |flush| close || ripe(flush))
            .collect();
        if finished.is_empty() {
            return Vec::new();
        }
        let losses = losses();
        let answer = |mut flush: Flush| {
            if !ripe(&flush) {
                let other = "another shutdown's time was over, which ended the pipeline";
                flush.cause.get_or_insert_with(|| other.to_owned());
            }
            let sealed = self.outstanding.range(..=flush.generation);
            let pending = flush.unsealed + sealed.map(|(_, spans)| spans).sum::<u64>();
            let answer = flush.result(pending, losses);
            (flush, answer)
        };
        finished.into_iter().map(answer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Loss;

    #[test]
    fn a_flush_waits_for_what_was_sealed_before_it_and_for_nothing_later() {
        let (mut flushes, now) = (Flushes::default(), Instant::now());
        let old = flushes.sealed(3);
        let (flush, _answer) = Flush::new(Duration::from_secs(9), false, Losses::default());
        flushes.begin(vec![flush], 0);
        let new = flushes.sealed(1);
        assert!(new > old && flushes.finish(now, Losses::default).is_empty());
        flushes.settled(old, 3);
        let finished = flushes.finish(now, Losses::default);
        assert_eq!(
            finished
                .into_iter()
                .map(|(_, answer)| answer)
                .collect::<Vec<_>>(),
            [Ok(())]
        );
    }

    #[test]
    fn a_flush_tells_what_was_lost_and_what_is_pending_when_its_time_is_over() {
        let (mut losses, mut flushes) = (Losses::default(), Flushes::default());
        losses.add(Loss::Unrouted, 5);
        let (flush, _answer) = Flush::new(Duration::ZERO, true, losses);
        flushes.sealed(2);
        flushes.begin(vec![flush], 0);
        losses.add(Loss::Failed, 1);
        flushes.failed(|| "UNAVAILABLE".to_owned());
        let (_, answer) = flushes
            .finish(Instant::now(), || losses)
            .pop()
            .expect("it is over");
        let error = answer.expect_err("spans were lost");
        assert_eq!(
            (
                error.pending,
                error.lost.total(),
                error.lost.of(Loss::Failed)
            ),
            (2, 1, 1)
        );
        assert_eq!(error.cause.as_deref(), Some("UNAVAILABLE"));
    }
}
