//! The spaces that have pending spans, or had some not long ago, and what became of theirs.
//!
//! A space is a stranger's word: one without pending spans is remembered for a while and then forgotten.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use super::ledger::Load;
use crate::stats::{Losses, SpaceStats};

/// Spaces without pending spans that are remembered.
const REMEMBERED: usize = 256;
/// Spaces in [`Stats`](crate::Stats).
const SHOWN: usize = 100;
/// Room for this many spaces is kept, however many there once were.
const KEPT: usize = 1024;

/// Stands for a space. Another one gets the key once this one is forgotten, which is not before its last
/// pending span has been settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpaceKey(u32);

impl SpaceKey {
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }

    #[cfg(test)]
    pub(super) fn of_test(n: u32) -> Self {
        Self(n)
    }
}

/// A space that has pending spans, or had some not long ago.
#[derive(Debug)]
pub(super) struct Space {
    /// Empty where nothing is behind the key.
    pub(super) id: Arc<str>,
    pub(super) pending: Load,
    pub(super) exported: u64,
    pub(super) dropped: Losses,
    /// When it became idle, among all times that a space did.
    idle_since: u64,
}

impl Space {
    fn shown(&self) -> SpaceStats {
        SpaceStats {
            space_id: self.id.clone(),
            exported: self.exported,
            pending: self.pending.spans,
            dropped: self.dropped,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Spaces {
    keys: HashMap<Arc<str>, SpaceKey>,
    slots: Vec<Space>,
    /// Keys below the end that nothing is behind, the lowest first, so that the end can come down. Some
    /// may be beyond it by now.
    free: BinaryHeap<Reverse<u32>>,
    /// Spaces by the time at which they became idle. Those that were not idle all the time since are
    /// in it with an outdated time.
    idle: VecDeque<(SpaceKey, u64)>,
    time: u64,
    /// The one that was asked for last, since spans of one request follow each other.
    last: usize,
}

impl Spaces {
    pub(super) fn find(&mut self, id: &str) -> Option<SpaceKey> {
        if self
            .slots
            .get(self.last)
            .is_some_and(|last| *last.id == *id)
        {
            return u32::try_from(self.last).ok().map(SpaceKey);
        }
        let key = *self.keys.get(id)?;
        self.last = key.index();
        Some(key)
    }

    pub(super) fn add(&mut self, id: &str) -> SpaceKey {
        let id: Arc<str> = id.into();
        let space = Space {
            id: id.clone(),
            pending: Load::default(),
            exported: 0,
            dropped: Losses::default(),
            idle_since: 0,
        };
        let free = self
            .free
            .pop()
            .filter(|free| (free.0 as usize) < self.slots.len());
        let key = if let Some(Reverse(free)) = free {
            self.slots[free as usize] = space;
            SpaceKey(free)
        } else {
            self.free.clear(); // the lowest is beyond the end, so all are
            self.slots.push(space);
            SpaceKey(u32::try_from(self.slots.len() - 1).expect("fewer than pending spans"))
        };
        self.keys.insert(id, key);
        key
    }

    pub(super) fn of(&mut self, key: SpaceKey) -> &mut Space {
        &mut self.slots[key.index()]
    }

    /// The space has nothing pending any more. Forgets the ones that have been so for the longest time.
    pub(super) fn idle(&mut self, key: SpaceKey) {
        self.time += 1;
        self.of(key).idle_since = self.time;
        self.idle.push_back((key, self.time));
        while self.idle.len() > REMEMBERED {
            if let Some((key, since)) = self.idle.pop_front() {
                self.forget(key, since);
            }
        }
    }

    fn forget(&mut self, key: SpaceKey, since: u64) {
        let Some(space) = self.slots.get_mut(key.index()) else {
            return;
        };
        if space.pending.spans > 0 || space.idle_since != since {
            return;
        }
        self.keys.remove(&space.id);
        space.id = Arc::default();
        space.idle_since = 0;
        self.free.push(Reverse(key.0));
        while self.slots.pop_if(|space| space.id.is_empty()).is_some() {}
        if self.keys.capacity() > KEPT && self.keys.len() < self.keys.capacity() / 8 {
            self.keys.shrink_to(KEPT);
            self.slots.shrink_to(KEPT);
            self.free.shrink_to(KEPT);
        }
    }

    pub(super) fn pending(&self) -> Vec<(SpaceKey, Arc<str>, Load)> {
        let keys = self.keys.iter();
        keys.map(|(id, &key)| (key, id.clone(), self.slots[key.index()].pending))
            .filter(|(_, _, load)| load.spans > 0)
            .collect()
    }

    pub(super) fn shown(&self) -> Vec<SpaceStats> {
        let busy = self.slots.iter().filter(|space| space.pending.spans > 0);
        let idle = self.idle.iter().rev().filter_map(|&(key, since)| {
            let space = self.slots.get(key.index())?;
            (space.pending.spans == 0 && space.idle_since == since).then_some(space)
        });
        busy.chain(idle).take(SHOWN).map(Space::shown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_spaces_are_forgotten_and_their_room_is_given_back() {
        let mut spaces = Spaces::default();
        let keys: Vec<_> = (0..20_000)
            .map(|n| {
                let key = spaces.add(&format!("space-{n}"));
                spaces.of(key).pending.spans = 1;
                key
            })
            .collect();
        for key in keys {
            spaces.of(key).pending.spans = 0;
            spaces.idle(key);
        }
        assert_eq!(
            (spaces.keys.len(), spaces.idle.len()),
            (REMEMBERED, REMEMBERED)
        );
        assert!(spaces.keys.capacity() <= 4 * KEPT);
        assert_eq!(spaces.find("space-1"), None);
        assert_eq!(spaces.add("space-1"), SpaceKey(0), "low keys come first");
        let shown = spaces.shown();
        assert_eq!((shown.len(), &*shown[0].space_id), (SHOWN, "space-19999"));
        for n in 0..300 {
            let key = spaces.add(&format!("later-{n}"));
            spaces.idle(key);
        }
        let key = spaces.find("later-50").expect("it is remembered");
        spaces.idle(key);
        for n in 0..250 {
            let key = spaces.add(&format!("last-{n}"));
            spaces.idle(key);
        }
        assert!(
            spaces.find("later-50").is_some(),
            "it was idle for a short time only"
        );
        assert!(
            spaces.slots.len() <= 2 * REMEMBERED,
            "{}",
            spaces.slots.len()
        );
        let key = spaces.find("later-299").expect("it came last");
        assert_eq!(&*spaces.of(key).id, "later-299");
    }
}
