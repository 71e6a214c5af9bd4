//! The routes of the traces that handlers began lately, for spans that start under a parent alone: with a Context made of
//! its span context, where the route is lost.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt as _, TraceId};

use crate::routing::Routing;

/// For how long a trace is remembered. None is forgotten before: who floods an agent with requests should not make it forget
/// that two of them named different routes.
const REMEMBERED: Duration = Duration::from_secs(600);

/// How many traces are remembered, 5 MiB of them; of more than that in ten minutes the later ones are not.
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
    /// None where no guess is right: requests with one trace id named several routes, or one of them none.
    routes: HashMap<TraceId, Option<Routing>>,
    oldest: VecDeque<(Instant, TraceId)>,
}

impl TraceRoutes {
    /// A request of this trace names this route, or none.
    pub(crate) fn insert(&self, trace_id: TraceId, routing: Option<&Routing>) {
        self.insert_at(Instant::now(), trace_id, routing);
    }

    fn insert_at(&self, now: Instant, trace_id: TraceId, routing: Option<&Routing>) {
        self.used.store(true, Relaxed);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let Known { routes, oldest } = &mut *known;
        while let Some((then, old)) = oldest.front()
            && now.duration_since(*then) > REMEMBERED
        {
            routes.remove(old);
            oldest.pop_front();
        }
        if let Some(route) = routes.get_mut(&trace_id) {
            if route.as_ref() != routing {
                *route = None;
            }
        } else if routes.len() < MOST {
            routes.insert(trace_id, routing.cloned());
            oldest.push_back((now, trace_id));
        }
    }

    /// The route of the trace that a span in `parent` is part of.
    pub(crate) fn of(&self, parent: &Context) -> Option<Routing> {
        if !self.used.load(Relaxed) || !parent.has_active_span() {
            return None;
        }
        let trace_id = parent.span().span_context().trace_id();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.routes.get(&trace_id)?.clone()
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
    fn traces_are_forgotten_by_their_age_and_never_by_a_flood() {
        let (routes, a, then) = (
            TraceRoutes::default(),
            Routing::join("a", "p"),
            Instant::now(),
        );
        routes.insert_at(then, 1.into(), Some(&a));
        routes.insert_at(then, 1.into(), None);
        for other in 10..10 + 2 * MOST as u128 {
            routes.insert_at(then, other.into(), Some(&a));
        }
        assert_eq!(routes.known.read().expect("no panic").oldest.len(), MOST);
        routes.insert_at(then + REMEMBERED, 1.into(), Some(&a));
        assert_eq!(routes.of(&inside(1)), None);
        let later = then + REMEMBERED + Duration::from_secs(1);
        routes.insert_at(later, 1.into(), Some(&a));
        assert_eq!(routes.of(&inside(1)), Some(a));
        assert_eq!(routes.known.read().expect("no panic").routes.len(), 1);
    }
}
