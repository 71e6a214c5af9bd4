//! The routes of the traces that handlers began lately, for spans that start under a parent alone: with a Context made of
//! its span context, where the route is lost.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt as _, TraceId};

use crate::routing::Routing;

/// How many traces are remembered; the oldest is forgotten. More than an experiment has under way, in 1 MiB at most.
const REMEMBERED: usize = 8192;

/// The routes of traces, of one pipeline.
#[derive(Debug, Default)]
pub(crate) struct TraceRoutes {
    /// Before the first request nobody waits for the lock.
    used: AtomicBool,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// None where requests with one trace id named several routes: then no guess is right.
    routes: HashMap<TraceId, Option<Routing>>,
    oldest: VecDeque<TraceId>,
}

impl TraceRoutes {
    pub(crate) fn insert(&self, trace_id: TraceId, routing: &Routing) {
        self.used.store(true, Relaxed);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(route) = known.routes.get_mut(&trace_id) {
            if route.as_ref() != Some(routing) {
                *route = None;
            }
            return;
        }
        if known.oldest.len() == REMEMBERED
            && let Some(oldest) = known.oldest.pop_front()
        {
            known.routes.remove(&oldest);
        }
        known.routes.insert(trace_id, Some(routing.clone()));
        known.oldest.push_back(trace_id);
    }

    /// The route of the trace that a span in `parent` is part of.
    pub(crate) fn of(&self, parent: &Context) -> Option<Routing> {
        if !self.used.load(Relaxed) || !parent.has_active_span() {
            return None;
        }
        let trace_id = parent.span().span_context().trace_id();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
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
    fn a_trace_with_two_routes_has_none_and_the_oldest_are_forgotten() {
        let (routes, a) = (TraceRoutes::default(), Routing::join("a", "p"));
        routes.insert(1.into(), &a);
        routes.insert(1.into(), &a);
        assert_eq!(routes.of(&inside(1)), Some(a.clone()));
        routes.insert(1.into(), &Routing::join("b", "p"));
        routes.insert(1.into(), &a);
        assert_eq!(routes.of(&inside(1)), None);
        routes.insert(2.into(), &a);
        assert_eq!(routes.of(&inside(2)), Some(a.clone()));
        assert_eq!(
            (routes.of(&inside(3)), routes.of(&Context::new())),
            (None, None)
        );
        for other in 10..10 + REMEMBERED as u128 {
            routes.insert(other.into(), &a);
        }
        assert_eq!(routes.of(&inside(2)), None);
        let known = routes.known.lock().expect("no panic");
        assert_eq!(
            (known.routes.len(), known.oldest.len()),
            (REMEMBERED, REMEMBERED)
        );
    }
}
