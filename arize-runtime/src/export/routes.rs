//! Spans grouped by route, and whose turn it is: no I/O and no clock of its own.
//!
//! A space is a stranger's word, so nothing here lives longer than the spans that wait in it.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::batch::{Batch, Encoded, Opened};
use super::lane::Lane;
use super::spaces::SpaceKey;

/// A batch is sent when it holds this many spans.
const MAX_SPANS: u64 = 512;
/// Room for this many spaces is kept, however many there once were.
const KEPT: usize = 1024;

/// `R` is a request that was sent and is to be sent again.
#[derive(Debug)]
pub(crate) struct Routes<R> {
    spaces: Vec<Option<Box<Lane>>>,
    /// How many of these are there.
    busy: usize,
    /// Batches in the order in which they were opened. Those that were full before are gone.
    opened: VecDeque<Opened>,
    /// With more of them it is time to look for those that are gone.
    crowded: usize,
    /// Spaces with something to send and a free slot, each once: they take turns.
    ready: VecDeque<SpaceKey>,
    /// Requests that are tried again later, by time and serial number.
    later: BTreeMap<(Instant, u64), (SpaceKey, R)>,
    serial: u64,
}

impl<R> Default for Routes<R> {
    fn default() -> Self {
        Self {
            spaces: Vec::new(),
            busy: 0,
            opened: VecDeque::new(),
            crowded: KEPT,
            ready: VecDeque::new(),
            later: BTreeMap::new(),
            serial: 0,
        }
    }
}

impl<R> Routes<R> {
    /// Adds a span that came at `now`, to a batch of `most` bytes. Gives the batch that is full by it,
    /// if one is.
    pub(crate) fn push(
        &mut self,
        encoded: &Encoded<'_>,
        most: usize,
        now: Instant,
    ) -> Option<Batch> {
        let &Encoded {
            space: key,
            project_name,
            scope,
            span,
            bytes,
        } = encoded;
        let space = self.space(key);
        let (at, full) = match space.position(project_name) {
            Err(at) => (at, None),
            Ok(at) => match space.open[at].add(scope, span, bytes, most) {
                true if space.open[at].load.spans < MAX_SPANS => return None,
                true => return Some(space.close(at)),
                false => (at, Some(space.close(at))),
            },
        };
        self.serial += 1;
        let mut batch = Batch::new(key, project_name.into(), self.serial);
        let _empty_takes_any: bool = batch.add(scope, span, bytes, most);
        self.opened.push_back(batch.opened(now));
        let open = &mut self.space(key).open;
        open.reserve_exact(usize::from(open.is_empty())); // most spaces have one
        open.insert(at, batch);
        if self.opened.len() > self.crowded {
            self.forget_full();
        }
        full
    }

    /// Batches that were full are gone before their time comes, which may be far.
    fn forget_full(&mut self) {
        let mut opened = std::mem::take(&mut self.opened);
        opened.retain(|opened| {
            let space = self.known(opened.space);
            space.is_some_and(|space| space.find(opened).is_some())
        });
        self.crowded = KEPT.max(2 * opened.len());
        self.opened = opened;
    }

    fn space(&mut self, key: SpaceKey) -> &mut Lane {
        let index = key.index();
        if self.spaces.len() <= index {
            self.spaces.resize_with(index + 1, || None);
        }
        let space = &mut self.spaces[index];
        self.busy += usize::from(space.is_none());
        space.get_or_insert_default()
    }

    fn known(&mut self, key: SpaceKey) -> Option<&mut Lane> {
        self.spaces.get_mut(key.index())?.as_deref_mut()
    }

    /// Takes a batch that was opened `delay` ago or earlier; `None` for the delay takes any.
    pub(crate) fn seal(&mut self, now: Instant, delay: Option<Duration>) -> Option<Batch> {
        while let Some(oldest) = self.opened.front() {
            if delay.is_some_and(|delay| now.duration_since(oldest.at) < delay) {
                return None;
            }
            let oldest = self.opened.pop_front()?;
            if let Some(space) = self.known(oldest.space)
                && let Some(at) = space.find(&oldest)
            {
                return Some(space.close(at));
            }
        }
        None
    }

    /// When the oldest batch was opened.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.opened.front().map(|opened| opened.at)
    }

    /// Lets a batch wait for its space's turn.
    pub(crate) fn wait(&mut self, batch: Batch) {
        let key = batch.space;
        let waiting = &mut self.space(key).waiting;
        waiting.reserve_exact(usize::from(waiting.is_empty()));
        waiting.push_back(batch);
        self.update(key);
    }

    /// Whether there is something to send now.
    pub(crate) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether nothing waits to be sent, or to be sent again.
    pub(crate) fn is_idle(&self) -> bool {
        !self.is_ready() && self.later.is_empty()
    }

    /// The next batch to send; it holds a slot of its space until it is answered.
    pub(crate) fn next(&mut self) -> Option<Batch> {
        loop {
            let key = self.ready.pop_front()?;
            let Some(space) = self.known(key) else {
                continue;
            };
            space.ready = false;
            // It may have begun to fail since it was queued.
            if space.may_send()
                && let Some(batch) = space.waiting.pop_front()
            {
                space.slots += 1;
                self.update(key);
                return Some(batch);
            }
        }
    }

    /// A request was answered for good, by the collector or by giving it up.
    pub(crate) fn answered(&mut self, key: SpaceKey, healthy: bool) {
        if let Some(space) = self.known(key) {
            space.slots = space.slots.saturating_sub(1);
            space.failing = !healthy;
        }
        self.update(key);
    }

    /// A request became two, of which each holds a slot.
    pub(crate) fn split(&mut self, key: SpaceKey) {
        self.space(key).slots += 1;
    }

    /// Tries a request again at `when`. It keeps its slot of the space, though not one of the worker.
    pub(crate) fn later(&mut self, key: SpaceKey, request: R, when: Instant) {
        if let Some(space) = self.known(key) {
            space.failing = true;
        }
        self.serial += 1;
        self.later.insert((when, self.serial), (key, request));
    }

    /// When the next request is to be tried again.
    pub(crate) fn next_retry(&self) -> Option<Instant> {
        self.later.first_key_value().map(|(&(when, _), _)| when)
    }

    /// A request whose time to be tried again has come. It holds its space's slot already.
    pub(crate) fn retry(&mut self, now: Instant) -> Option<R> {
        let due = self
            .later
            .first_entry()
            .filter(|first| first.key().0 <= now)?;
        Some(due.remove().1)
    }

    /// Tries all again at the times that `when` gives.
    pub(crate) fn hasten(&mut self, when: impl Fn(&mut R) -> Instant) {
        for ((_, serial), (key, mut request)) in std::mem::take(&mut self.later) {
            let when = when(&mut request);
            self.later.insert((when, serial), (key, request));
        }
    }

    /// Queues the space for its turn, or forgets it if nothing of it is left.
    fn update(&mut self, key: SpaceKey) {
        let Some(space) = self.known(key) else {
            return;
        };
        if space.is_idle() {
            self.spaces[key.index()] = None;
            self.busy -= 1;
            if self.busy == 0 && self.spaces.capacity() > KEPT {
                self.spaces.clear();
                self.spaces.shrink_to(KEPT);
                self.opened.shrink_to(KEPT);
                self.ready.shrink_to(KEPT);
            }
        } else if !space.ready && space.may_send() {
            space.ready = true;
            self.ready.push_back(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, LazyLock};

    use opentelemetry::InstrumentationScope;

    use crate::export::lane::PER_SPACE;
    use crate::export::otlp::{Scope, Scopes};

    const MOST: usize = 1_000;
    static SCOPE: LazyLock<Arc<Scope>> =
        LazyLock::new(|| Scopes::default().find(InstrumentationScope::default()));

    fn push(
        routes: &mut Routes<u32>,
        space: u32,
        project: &str,
        span: &[u8],
        now: Instant,
    ) -> Option<Batch> {
        let (space, scope) = (SpaceKey::of_test(space), &*SCOPE);
        let (project_name, bytes) = (project, 1);
        routes.push(
            &Encoded {
                space,
                project_name,
                scope,
                span,
                bytes,
            },
            MOST,
            now,
        )
    }

    #[test]
    fn a_batch_is_taken_when_it_is_full_or_old() {
        let (mut routes, now) = (Routes::<u32>::default(), Instant::now());
        let delay = Duration::from_secs(1);
        for _ in 1..MAX_SPANS {
            assert!(push(&mut routes, 1, "p", b"", now).is_none());
        }
        assert_eq!(
            push(&mut routes, 1, "p", b"", now)
                .expect("it is full")
                .load
                .spans,
            MAX_SPANS
        );
        push(&mut routes, 1, "p", b"", now + delay);
        assert!(
            routes.seal(now + delay, Some(delay)).is_none(),
            "the first one is gone"
        );
        let old = routes.seal(now + 2 * delay, Some(delay));
        assert_eq!(old.expect("it is old").load.spans, 1);
    }

    #[test]
    fn full_batches_are_forgotten_however_far_their_time_is() {
        let (mut routes, now) = (Routes::<u32>::default(), Instant::now());
        push(&mut routes, 1, "calm", b"", now);
        let spans = 3 * KEPT as u64 * MAX_SPANS;
        let full = (0..spans).filter(|_| push(&mut routes, 1, "flood", b"", now).is_some());
        assert_eq!(full.count(), 3 * KEPT);
        assert!(routes.opened.len() <= KEPT + 1, "{}", routes.opened.len());
        assert_eq!(
            &*routes.seal(now, None).expect("it is there").project_name,
            "calm"
        );
    }

    #[test]
    fn a_batch_stays_below_the_limit_of_collectors() {
        let (mut routes, now) = (Routes::<u32>::default(), Instant::now());
        let big = vec![0; MOST - 100];
        assert!(push(&mut routes, 1, "p", &big, now).is_none());
        let full = push(&mut routes, 1, "p", &big, now).expect("both are too much");
        assert_eq!(full.load.spans, 1);
        assert!(
            full.bytes > big.len() && full.bytes <= MOST,
            "with the scope"
        );
        assert_eq!(routes.seal(now, None).expect("the second").load.spans, 1);
    }

    #[test]
    fn projects_of_a_space_are_kept_apart() {
        let (mut routes, now) = (Routes::default(), Instant::now());
        for (space, project) in [(1, "q"), (1, "p"), (2, "q"), (1, "q")] {
            push(&mut routes, space, project, b"span", now);
        }
        let mut sealed = Vec::new();
        while let Some(batch) = routes.seal(now, None) {
            sealed.push((
                batch.space.index(),
                batch.project_name.to_string(),
                batch.load.spans,
            ));
        }
        let row = |s: usize, p: &str, n| (s, p.to_owned(), n);
        assert_eq!(sealed, [row(1, "q", 2), row(1, "p", 1), row(2, "q", 1)]);
    }

    fn waiting(routes: &mut Routes<u32>, space: u32) {
        let now = Instant::now();
        push(routes, space, "p", b"span", now);
        let batch = routes.seal(now, None).expect("a batch");
        routes.wait(batch);
    }

    #[test]
    fn spaces_take_turns_and_a_failing_one_has_one_slot() {
        let (mut routes, now) = (Routes::<u32>::default(), Instant::now());
        let [flood, calm] = [1, 2].map(SpaceKey::of_test);
        (0..20).for_each(|_| waiting(&mut routes, 1));
        waiting(&mut routes, 2);
        let order: Vec<_> = std::iter::from_fn(|| routes.next())
            .map(|batch| batch.space)
            .collect();
        assert_eq!(order[..3], [flood, calm, flood]);
        assert_eq!(order.len(), 1 + PER_SPACE);
        routes.later(flood, 0, now);
        (1..8).for_each(|_| routes.answered(flood, false));
        assert!(
            routes.next().is_none(),
            "the one to be tried again has the slot"
        );
        assert_eq!(routes.retry(now), Some(0), "its time has come");
        routes.answered(flood, true);
        assert_eq!(routes.next().expect("healthy again").space, flood);
    }

    #[test]
    fn a_request_that_was_split_has_two_slots() {
        let mut routes = Routes::<u32>::default();
        let key = SpaceKey::of_test(1);
        waiting(&mut routes, 1);
        routes.next().expect("a batch");
        routes.split(key);
        routes.answered(key, true);
        assert_eq!(routes.busy, 1, "a half is under way");
        routes.answered(key, true);
        assert_eq!(routes.busy, 0);
    }

    #[test]
    fn idle_spaces_are_forgotten() {
        let mut routes = Routes::<u32>::default();
        for space in 0..20_000 {
            waiting(&mut routes, space);
        }
        while let Some(batch) = routes.next() {
            routes.answered(batch.space, true);
        }
        assert_eq!((routes.busy, routes.spaces.len()), (0, 0));
        assert!(routes.spaces.capacity() <= KEPT);
    }
}
