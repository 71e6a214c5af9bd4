//! The faults that a receiver shows now, and how far they are.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::answer::Answer;
use crate::fault::{Fault, Share};
use crate::request::space;

/// What every request asks how it is to be answered.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    state: Mutex<State>,
    /// Tells that the ports may have to be closed or opened.
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    /// While a restart is under way.
    down_until: Option<Instant>,
    /// How many requests have ever met a fault.
    met: usize,
}

/// A fault, and what became of it.
#[derive(Clone, Debug)]
struct Rule {
    fault: Fault,
    since: Instant,
    /// How many requests it could have been for.
    seen: usize,
    /// How many have met it.
    met: usize,
    random: fastrand::Rng,
}

/// How far a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A restart that waits for its request.
    Ahead,
    On,
    Over,
}

/// What became of a fault.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    pub(crate) fault: Fault,
    pub(crate) stage: Stage,
    pub(crate) met: usize,
}

impl Course {
    /// Whether time alone may end it.
    pub(crate) fn has_end(&self) -> bool {
        self.fault.lasting.is_some() || matches!(self.fault.answer, Answer::Restart(_))
    }
}

/// How long the ports stay closed: until then, or until somebody says otherwise.
type Outage = Option<Instant>;

/// Longer than any receiver runs.
const FOR_EVER: Duration = Duration::from_secs(31_536_000);

impl Faults {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows these faults from now on, and no others. The first that is for a request decides how it is answered.
    pub(crate) fn set(&self, faults: impl IntoIterator<Item = Fault>) {
        let rules = faults.into_iter().map(Rule::new).collect();
        let mut state = self.lock();
        state.rules = rules;
        state.down_until = None;
        drop(state);
        self.changed.send_replace(());
    }

    /// How the request with these headers is answered.
    pub(crate) fn meet(&self, headers: &HeaderMap) -> Answer {
        let now = Instant::now();
        let mut state = self.lock();
        let answer = state.answer(headers, now);
        state.met += usize::from(answer != Answer::Ok);
        if let Answer::Restart(time) = answer {
            state.down_until = Some(now + time.min(FOR_EVER));
            drop(state);
            self.changed.send_replace(());
        }
        answer
    }

    /// How many requests have met a fault.
    pub(crate) fn met(&self) -> usize {
        self.lock().met
    }

    pub(crate) fn courses(&self) -> Vec<Course> {
        let now = Instant::now();
        let state = self.lock();
        let restarting = state.restarting(now);
        let courses = state.rules.iter().map(|rule| Course {
            fault: rule.fault.clone(),
            stage: rule.stage(now, restarting),
            met: rule.met,
        });
        courses.collect()
    }

    /// Whether the ports are to be closed now.
    pub(crate) fn is_down(&self) -> bool {
        self.outage().is_some()
    }

    fn outage(&self) -> Option<Outage> {
        self.lock().outage(Instant::now())
    }

    /// Returns when the ports are to be closed.
    pub(crate) async fn outage_begins(&self) {
        let mut changes = self.changed.subscribe();
        while !self.is_down() {
            let _ = changes.changed().await; // its sender is here
        }
    }

    /// Returns when the ports are to be open.
    pub(crate) async fn outage_ends(&self) {
        let mut changes = self.changed.subscribe();
        while let Some(outage) = self.outage() {
            let until = outage.unwrap_or_else(|| Instant::now() + FOR_EVER);
            let _ = tokio::time::timeout_at(until, changes.changed()).await;
        }
    }
}

impl State {
    fn answer(&mut self, headers: &HeaderMap, now: Instant) -> Answer {
        if self.outage(now).is_some() {
            let mut rules = self.rules.iter_mut();
            if let Some(rule) = rules.find(|rule| rule.closes_ports(now)) {
                rule.met += 1;
            }
            return Answer::Down; // came while the ports were about to close
        }
        let space = space(headers);
        let mut rules = self.rules.iter_mut();
        let rule = rules.find_map(|rule| rule.meets(space.as_deref(), now).then_some(rule));
        rule.map_or(Answer::Ok, |rule| rule.fault.answer.clone())
    }

    fn restarting(&self, now: Instant) -> bool {
        self.down_until.is_some_and(|until| now < until)
    }

    fn outage(&self, now: Instant) -> Option<Outage> {
        let down = self.rules.iter().filter(|rule| rule.closes_ports(now));
        let ends = down.map(Rule::end);
        let restart = self.down_until.filter(|until| now < *until).map(Some);
        // Without an end is longer than with any.
        ends.chain(restart).max_by_key(|end| (end.is_none(), *end))
    }
}

impl Rule {
    fn new(fault: Fault) -> Self {
        let seed = match fault.share {
            Share::Random { seed, .. } => seed,
            Share::All | Share::Every(_) => 0,
        };
        Self {
            fault,
            since: Instant::now(),
            seen: 0,
            met: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    fn end(&self) -> Option<Instant> {
        Some(self.since + self.fault.lasting?.min(FOR_EVER))
    }

    fn is_out_of_time(&self, now: Instant) -> bool {
        self.end().is_some_and(|end| now >= end)
    }

    fn closes_ports(&self, now: Instant) -> bool {
        self.fault.answer == Answer::Down && !self.is_out_of_time(now)
    }

    fn is_used_up(&self) -> bool {
        self.fault.times.is_some_and(|times| self.met >= times)
    }

    /// Whether a request of this space meets the fault; it counts then.
    fn meets(&mut self, space: Option<&str>, now: Instant) -> bool {
        let other_space = self.fault.space.is_some() && self.fault.space.as_deref() != space;
        if self.fault.answer == Answer::Down
            || other_space
            || self.is_used_up()
            || self.is_out_of_time(now)
        {
            return false;
        }
        self.seen += 1;
        let meets = match self.fault.share {
            Share::All => true,
            Share::Every(n) => self.seen.is_multiple_of(n),
            Share::Random { probability, .. } => self.random.f64() < probability,
        };
        self.met += usize::from(meets);
        meets
    }

    fn stage(&self, now: Instant, restarting: bool) -> Stage {
        let is_restart = matches!(self.fault.answer, Answer::Restart(_));
        let times_count = self.fault.answer != Answer::Down;
        if is_restart && restarting && self.met > 0 {
            Stage::On
        } else if self.is_out_of_time(now) || times_count && self.is_used_up() {
            Stage::Over
        } else if is_restart && self.met == 0 {
            Stage::Ahead
        } else {
            Stage::On
        }
    }
}
