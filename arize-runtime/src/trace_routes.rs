//! The routes of the traces that handlers began lately, for spans that start under a parent alone: with a Context made of
//! its span context, where the route is lost.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt as _, TraceId};

use crate::routing::Routing;

/// For how long a trace is remembered at least. None is forgotten before: who floods an agent with requests should not
/// make it forget that two of them named different routes.
const REMEMBERED: Duration = Duration::from_secs(600);

/// How many traces of that time are remembered, 4 MiB of them. Of more the later ones are not, and as long as one of those
/// might come again no trace that is new has a route.
const MOST: usize = 65_536;

/// The routes of traces, of one pipeline.
#[derive(Debug, Default)]
pub(crate) struct TraceRoutes {
    /// Before the first request nobody waits for the lock.
    used: AtomicBool,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// When the newer ones began.
    since: Option<Instant>,
    newer: Traces,
    older: Traces,
}

#[derive(Debug, Default)]
struct Traces {
    /// None where no guess is right: requests with one trace id named several routes, or one of them none.
    routes: HashMap<TraceId, Option<Routing>>,
    /// Whether there were more than are remembered.
    overflowed: bool,
}

impl TraceRoutes {
    /// A request of this trace names this route, or none.
    pub(crate) fn insert(&self, trace_id: TraceId, routing: Option<&Routing>) {
        self.insert_at(Instant::now(), trace_id, routing);
    }

    fn insert_at(&self, now: Instant, trace_id: TraceId, routing: Option<&Routing>) {
        self.used.store(true, Relaxed);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.forget(now);
        let Known { newer, older, .. } = &mut *known;
        let is_full = newer.routes.len() >= MOST;
        let agree = |before: &mut Option<Routing>| {
            if before.as_ref() != routing {
                *before = None;
            }
        };
        match newer.routes.entry(trace_id) {
            Entry::Occupied(mut before) => agree(before.get_mut()),
            Entry::Vacant(new) => {
                let before = older.routes.get_mut(&trace_id).map(|before| {
                    agree(before);
                    before.clone()
                });
                if is_full {
                    newer.overflowed = true;
                } else {
                    let unknown = || routing.filter(|_| !older.overflowed).cloned();
                    new.insert(before.unwrap_or_else(unknown));
                }
            }
        }
    }

    /// The route of the trace that a span in `parent` is part of.
    pub(crate) fn of(&self, parent: &Context) -> Option<Routing> {
        if !self.used.load(Relaxed) || !parent.has_active_span() {
            return None;
        }
        let trace_id = parent.span().span_context().trace_id();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let newer = known.newer.routes.get(&trace_id);
        newer.or_else(|| known.older.routes.get(&trace_id))?.clone()
    }
}

impl Known {
    /// Forgets the older ones if the newer ones are old enough. Their memory is used again.
    fn forget(&mut self, now: Instant) {
        let since = *self.since.get_or_insert(now);
        let age = now.saturating_duration_since(since);
        if age <= REMEMBERED {
            return;
        }
        mem::swap(&mut self.newer, &mut self.older);
        self.newer.clear();
        if age > 2 * REMEMBERED {
            self.older.clear();
        }
        self.since = Some(now);
    }
}

impl Traces {
    fn clear(&mut self) {
        self.routes.clear();
        self.overflowed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceState};

    fn inside(trace_id: u128) -> Context {
        let parent = SpanContext::new(
            TraceId::from(trace_id),
            SpanId::from(1),
            TraceFlags::SAMPLED,
            true,
            TraceState::NONE,
        );
        Context::new().with_remote_span_context(parent)
    }

    #[test]
    fn a_trace_whose_requests_differ_has_no_route() {
        let (routes, a) = (TraceRoutes::default(), Routing::join("a", "p"));
        routes.insert(1.into(), Some(&a));
        routes.insert(1.into(), Some(&a));
        assert_eq!(routes.of(&inside(1)), Some(a.clone()));
        routes.insert(1.into(), Some(&Routing::join("b", "p")));
        routes.insert(1.into(), Some(&a));
        assert_eq!(routes.of(&inside(1)), None);
        routes.insert(2.into(), Some(&a));
        routes.insert(2.into(), None);
        assert_eq!(routes.of(&inside(2)), None);
        assert_eq!(
            (routes.of(&inside(3)), routes.of(&Context::new())),
            (None, None)
        );
    }

    #[test]
    fn traces_are_forgotten_by_their_age() {
        let (routes, a, b) = (
            TraceRoutes::default(),
            Routing::join("a", "p"),
            Routing::join("b", "p"),
        );
        let then = Instant::now();
        routes.insert_at(then, 1.into(), Some(&a));
        routes.insert_at(then + REMEMBERED, 2.into(), Some(&a));
        let later = then + REMEMBERED + Duration::from_secs(1);
        routes.insert_at(later, 3.into(), Some(&a));
        assert_eq!(routes.of(&inside(1)), Some(a.clone()));
        // what is remembered from before counts
        routes.insert_at(later, 1.into(), Some(&b));
        routes.insert_at(later, 2.into(), Some(&a));
        assert_eq!(
            (routes.of(&inside(1)), routes.of(&inside(2))),
            (None, Some(a.clone()))
        );
        let much_later = later + 2 * REMEMBERED + Duration::from_secs(1);
        routes.insert_at(much_later, 1.into(), Some(&b));
        assert_eq!(routes.of(&inside(1)), Some(b));
        assert_eq!(routes.of(&inside(2)), None);
    }

    #[test]
    fn a_flood_makes_nothing_forgotten() {
        let (routes, a, b) = (
            TraceRoutes::default(),
            Routing::join("a", "p"),
            Routing::join("b", "p"),
        );
        let then = Instant::now();
        routes.insert_at(then, 1.into(), Some(&a));
        routes.insert_at(then, 1.into(), None);
        for other in 10..10 + 2 * MOST as u128 {
            routes.insert_at(then, other.into(), Some(&a));
        }
        assert_eq!(
            routes.known.read().expect("no panic").newer.routes.len(),
            MOST
        );
        routes.insert_at(then + REMEMBERED, 1.into(), Some(&a));
        assert_eq!(routes.of(&inside(1)), None);
        // in the next flood a trace from before is known as well
        let later = then + REMEMBERED + Duration::from_secs(1);
        for other in 1_000_000..1_000_000 + MOST as u128 {
            routes.insert_at(later, other.into(), None);
        }
        routes.insert_at(later, 11.into(), Some(&a));
        routes.insert_at(later, 12.into(), Some(&b));
        assert_eq!(
            (routes.of(&inside(11)), routes.of(&inside(12))),
            (Some(a), None)
        );
    }

    #[test]
    fn after_a_flood_no_route_is_a_guess() {
        let (routes, a, b) = (
            TraceRoutes::default(),
            Routing::join("a", "p"),
            Routing::join("b", "p"),
        );
        let then = Instant::now();
        for other in 10..=10 + MOST as u128 {
            routes.insert_at(then, other.into(), Some(&a));
        }
        let refused = 10 + MOST as u128;
        assert_eq!(routes.of(&inside(refused)), None);
        // the flood is over, and a span of the trace that was refused may still be under way
        let later = then + REMEMBERED + Duration::from_secs(1);
        routes.insert_at(later, refused.into(), Some(&b));
        routes.insert_at(later, 10.into(), Some(&a));
        assert_eq!(
            (routes.of(&inside(refused)), routes.of(&inside(10))),
            (None, Some(a))
        );
        let much_later = later + REMEMBERED + Duration::from_secs(1);
        routes.insert_at(much_later, 5.into(), Some(&b));
        assert_eq!(routes.of(&inside(5)), Some(b));
    }
}
