//! Spans grouped by route, and whose turn it is: no I/O and no clock of its own.
//!
//! A space is a stranger's word, so nothing here lives longer than the spans that wait in it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry::InstrumentationScope;

use super::batch::{Batch, Opened};

/// A batch is sent when it holds this many spans.
const MAX_SPANS: u64 = 512;
/// Collectors refuse requests above 4 MiB by default; the rest is for resource and scopes.
pub(crate) const MAX_BYTES: usize = 4_000_000;
/// A healthy space may have this many requests under way.
const PER_SPACE: usize = 8;
/// A space whose last request failed, so that it cannot take the others' slots.
const PER_FAILING_SPACE: usize = 1;

/// Room for this many spaces is kept, however many there once were.
const KEPT: usize = 1024;

/// `W` is what waits for a slot: a batch that was made into a request.
#[derive(Debug)]
pub(crate) struct Routes<W> {
    spaces: HashMap<Arc<str>, Space<W>>,
    /// Batches in the order in which they were opened. Those that were full before are gone.
    opened: VecDeque<Opened>,
    /// Spaces with something to send and a free slot, each once: they take turns.
    ready: VecDeque<Arc<str>>,
    /// Requests that are tried again later, by time and serial number.
    later: BTreeMap<(Instant, u64), (Arc<str>, W)>,
    serial: u64,
}

#[derive(Debug)]
struct Space<W> {
    open: HashMap<Arc<str>, Batch>,
    waiting: VecDeque<W>,
    /// Requests under way or to be tried again.
    slots: usize,
    failing: bool,
    ready: bool,
}

impl<W> Default for Space<W> {
    fn default() -> Self {
        Self {
            open: HashMap::new(),
            waiting: VecDeque::new(),
            slots: 0,
            failing: false,
            ready: false,
        }
    }
}

impl<W> Space<W> {
    fn is_idle(&self) -> bool {
        self.open.is_empty() && self.waiting.is_empty() && self.slots == 0
    }

    fn may_send(&self) -> bool {
        let slots = if self.failing {
            PER_FAILING_SPACE
        } else {
            PER_SPACE
        };
        !self.waiting.is_empty() && self.slots < slots
    }
}

impl<W> Default for Routes<W> {
    fn default() -> Self {
        Self {
            spaces: HashMap::new(),
            opened: VecDeque::new(),
            ready: VecDeque::new(),
            later: BTreeMap::new(),
            serial: 0,
        }
    }
}

impl<W> Routes<W> {
    /// Adds an encoded span that came at `now`. Gives the batch that is full by it, if one is.
    pub(crate) fn push(
        &mut self,
        (space_id, project_name): (&str, &str),
        scope: InstrumentationScope,
        span: &[u8],
        now: Instant,
    ) -> Option<Batch> {
        let space = match self.spaces.get_mut(space_id) {
            Some(space) => space,
            None => self.spaces.entry(space_id.into()).or_default(),
        };
        let overflow = space
            .open
            .get(project_name)
            .is_some_and(|b| b.bytes + span.len() > MAX_BYTES);
        let full = if overflow {
            space.open.remove(project_name)
        } else {
            None
        };
        if let Some(batch) = space.open.get_mut(project_name) {
            batch.add(scope, span);
            return if batch.spans < MAX_SPANS {
                None
            } else {
                space.open.remove(project_name)
            };
        }
        self.serial += 1;
        let space_id = self
            .spaces
            .get_key_value(space_id)
            .expect("it is there by now")
            .0
            .clone();
        let mut batch = Batch::new(space_id, project_name.into(), self.serial);
        batch.add(scope, span);
        self.opened.push_back(batch.opened(now));
        let space = self
            .spaces
            .get_mut(&batch.space_id)
            .expect("it is there by now");
        space.open.insert(batch.project_name.clone(), batch);
        full
    }

    /// Takes a batch that was opened `delay` ago or earlier; `None` for the delay takes any.
    pub(crate) fn seal(&mut self, now: Instant, delay: Option<Duration>) -> Option<Batch> {
        while let Some(oldest) = self.opened.front() {
            if delay.is_some_and(|delay| now < oldest.at + delay) {
                return None;
            }
            let Opened {
                space_id,
                project_name,
                serial,
                ..
            } = self.opened.pop_front()?;
            let Some(space) = self.spaces.get_mut(&space_id) else {
                continue;
            };
            if let Entry::Occupied(open) = space.open.entry(project_name)
                && open.get().serial == serial
            {
                return Some(open.remove());
            }
        }
        None
    }

    /// When the oldest batch was opened.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.opened.front().map(|opened| opened.at)
    }

    /// Lets a request wait for its space's turn.
    pub(crate) fn wait(&mut self, space_id: &Arc<str>, request: W) {
        self.spaces
            .entry(space_id.clone())
            .or_default()
            .waiting
            .push_back(request);
        self.update(space_id);
    }

    /// The next request to send; it holds a slot of its space until it is answered.
    pub(crate) fn next(&mut self) -> Option<(Arc<str>, W)> {
        loop {
            let space_id = self.ready.pop_front()?;
            let Some(space) = self.spaces.get_mut(&space_id) else {
                continue;
            };
            space.ready = false;
            // It may have begun to fail since it was queued.
            if space.may_send()
                && let Some(request) = space.waiting.pop_front()
            {
                space.slots += 1;
                self.update(&space_id);
                return Some((space_id, request));
            }
        }
    }

    /// A request was answered for good, by the collector or by giving it up.
    pub(crate) fn answered(&mut self, space_id: &Arc<str>, healthy: bool) {
        if let Some(space) = self.spaces.get_mut(space_id) {
            space.slots = space.slots.saturating_sub(1);
            space.failing = !healthy;
        }
        self.update(space_id);
    }

    /// Tries a request again at `when`. It keeps its slot of the space, though not one of the worker.
    pub(crate) fn later(&mut self, space_id: Arc<str>, request: W, when: Instant) {
        if let Some(space) = self.spaces.get_mut(&space_id) {
            space.failing = true;
        }
        self.serial += 1;
        self.later.insert((when, self.serial), (space_id, request));
    }

    /// When the next request is to be tried again.
    pub(crate) fn next_retry(&self) -> Option<Instant> {
        self.later.first_key_value().map(|(&(when, _), _)| when)
    }

    /// A request whose time to be tried again has come. It holds its space's slot already.
    pub(crate) fn retry(&mut self, now: Instant) -> Option<(Arc<str>, W)> {
        let due = self
            .later
            .first_entry()
            .filter(|first| first.key().0 <= now)?;
        Some(due.remove())
    }

    /// Makes all retries due.
    pub(crate) fn hasten(&mut self, now: Instant, change: impl Fn(&mut W)) {
        for ((_, serial), (space_id, mut request)) in std::mem::take(&mut self.later) {
            change(&mut request);
            self.later.insert((now, serial), (space_id, request));
        }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.spaces.is_empty()
    }

    /// Queues the space for its turn, or forgets it if nothing of it is left.
    fn update(&mut self, space_id: &Arc<str>) {
        let Some(space) = self.spaces.get_mut(space_id) else {
            return;
        };
        if space.is_idle() {
            self.spaces.remove(space_id);
            if self.spaces.capacity() > KEPT && self.spaces.len() < self.spaces.capacity() / 8 {
                self.spaces.shrink_to(KEPT);
                self.opened.shrink_to(KEPT);
                self.ready.shrink_to(KEPT);
            }
        } else if !space.ready && space.may_send() {
            space.ready = true;
            self.ready.push_back(space_id.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(routes: &mut Routes<u32>, space: &str, project: &str, now: Instant) -> Option<Batch> {
        routes.push(
            (space, project),
            InstrumentationScope::default(),
            b"span",
            now,
        )
    }

    #[test]
    fn a_batch_is_taken_when_it_is_full_or_old() {
        let (mut routes, now, delay) = (
            Routes::<u32>::default(),
            Instant::now(),
            Duration::from_secs(1),
        );
        for _ in 1..MAX_SPANS {
            assert!(push(&mut routes, "s", "p", now).is_none());
        }
        assert_eq!(
            push(&mut routes, "s", "p", now).expect("it is full").spans,
            MAX_SPANS
        );
        push(&mut routes, "s", "p", now + delay);
        assert!(
            routes.seal(now + delay, Some(delay)).is_none(),
            "the first one is gone"
        );
        assert_eq!(
            routes
                .seal(now + 2 * delay, Some(delay))
                .expect("it is old")
                .spans,
            1
        );
    }

    #[test]
    fn a_batch_stays_below_the_limit_of_collectors() {
        let (mut routes, now) = (Routes::<u32>::default(), Instant::now());
        let big = vec![0; MAX_BYTES - 1];
        let scope = InstrumentationScope::default;
        assert!(routes.push(("s", "p"), scope(), &big, now).is_none());
        let full = routes
            .push(("s", "p"), scope(), b"span", now)
            .expect("both are too much");
        assert_eq!((full.spans, full.bytes), (1, MAX_BYTES - 1));
        assert_eq!(routes.seal(now, None).expect("the second").spans, 1);
    }

    #[test]
    fn projects_of_a_space_are_kept_apart() {
        let (mut routes, now) = (Routes::<u32>::default(), Instant::now());
        for (space, project) in [("s", "p"), ("s", "q"), ("t", "p"), ("s", "p")] {
            push(&mut routes, space, project, now);
        }
        let mut sealed = Vec::new();
        while let Some(batch) = routes.seal(now, None) {
            sealed.push((
                batch.space_id.to_string(),
                batch.project_name.to_string(),
                batch.spans,
            ));
        }
        let row = |s: &str, p: &str, n| (s.to_owned(), p.to_owned(), n);
        assert_eq!(
            sealed,
            [row("s", "p", 2), row("s", "q", 1), row("t", "p", 1)]
        );
    }

    #[test]
    fn spaces_take_turns_and_a_failing_one_has_one_slot() {
        let (mut routes, now) = (Routes::<u32>::default(), Instant::now());
        let [flood, calm] = ["flood", "calm"].map(Arc::<str>::from);
        (0..20).for_each(|n| routes.wait(&flood, n));
        routes.wait(&calm, 100);
        let order: Vec<_> = std::iter::from_fn(|| routes.next())
            .map(|(_, n)| n)
            .collect();
        assert_eq!(order, [0, 100, 1, 2, 3, 4, 5, 6, 7]);
        routes.later(flood.clone(), 0, now);
        (1..8).for_each(|_| routes.answered(&flood, false));
        assert!(
            routes.next().is_none(),
            "the one to be tried again has the slot"
        );
        assert_eq!(routes.retry(now).expect("its time has come").1, 0);
        routes.answered(&flood, true);
        assert_eq!(routes.next().expect("healthy again").1, 8);
    }

    #[test]
    fn idle_spaces_are_forgotten() {
        let (mut routes, now) = (Routes::<u32>::default(), Instant::now());
        push(&mut routes, "s", "p", now);
        let batch = routes.seal(now, None).expect("a batch");
        routes.wait(&batch.space_id, 1);
        let (space_id, _) = routes.next().expect("a request");
        assert!(!routes.is_empty());
        routes.answered(&space_id, true);
        assert!(routes.is_empty());
    }
}
