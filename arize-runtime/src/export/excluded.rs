//! Spans of other libraries that stay out of Arize, and whose children are given to the next ancestor that does not.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use opentelemetry::trace::{SpanId, SpanKind, TraceId};
use opentelemetry_sdk::trace::{Span, SpanData};

use super::processor::SCOPE;
use crate::notice::{Notice, warn};

/// How many excluded spans are remembered after they ended; the oldest is forgotten, and children that end then are orphans.
/// Some 6 MiB at most. Those that have not ended are as many as the program holds itself.
const REMEMBERED: usize = 65_536;

/// A span that starts, as [`exclude_spans_if`](crate::Registration::exclude_spans_if) sees it.
#[derive(Debug)]
#[non_exhaustive]
pub struct StartedSpan<'a> {
    /// The name of the instrumentation scope: of the tracer that the library uses.
    pub scope: &'a str,
    /// OpenTelemetry's kind: `SERVER`, `CLIENT`, `INTERNAL`, ..
    pub kind: &'a SpanKind,
    /// The span's name, as it starts.
    pub name: &'a str,
}

type Predicate = Box<dyn Fn(&StartedSpan<'_>) -> bool + Send + Sync>;

/// What is excluded; nothing unless a predicate was given.
#[derive(Default)]
pub(crate) struct ExcludedSpans {
    predicates: Vec<Predicate>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    parents: HashMap<(TraceId, SpanId), Parent>,
    /// Those that ended, the oldest first.
    ended: VecDeque<(TraceId, SpanId)>,
}

/// Whose children an excluded span's children are.
#[derive(Clone, Copy)]
struct Parent {
    id: SpanId,
    is_remote: bool,
}

impl fmt::Debug for ExcludedSpans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExcludedSpans")
            .field("predicates", &self.predicates.len())
            .finish_non_exhaustive()
    }
}

thread_local! {
    /// Whether a predicate runs on this thread.
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

impl ExcludedSpans {
    pub(crate) fn add(
        &mut self,
        predicate: impl Fn(&StartedSpan<'_>) -> bool + Send + Sync + 'static,
    ) {
        self.predicates.push(Box::new(predicate));
    }

    /// Remembers the span, if it is to be excluded.
    pub(crate) fn started(&self, span: &Span) {
        if self.predicates.is_empty() {
            return;
        }
        // the only way to see what a span is; it clones
        let Some(data) = span.exported_data() else {
            return;
        };
        if data.instrumentation_scope.name() == SCOPE || !self.excludes(&data) {
            return;
        }
        let trace_id = data.span_context.trace_id();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let own = Parent {
            id: data.parent_span_id,
            is_remote: data.parent_span_is_remote,
        };
        let above = known.parents.get(&(trace_id, own.id)).copied();
        let key = (trace_id, data.span_context.span_id());
        known.parents.insert(key, above.unwrap_or(own));
    }

    /// Whether a span is excluded. One that is not is given to an ancestor that is not either.
    pub(crate) fn has(&self, span: &mut SpanData) -> bool {
        if self.predicates.is_empty() {
            return false;
        }
        let trace_id = span.span_context.trace_id();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = |id| known.parents.get(&(trace_id, id)).copied();
        if found(span.span_context.span_id()).is_some() {
            return true;
        }
        if let Some(parent) = found(span.parent_span_id) {
            span.parent_span_id = parent.id;
            span.parent_span_is_remote = parent.is_remote;
        }
        false
    }

    /// [`has`](Self::has), of a span that ended.
    pub(crate) fn ended(&self, span: &mut SpanData) -> bool {
        let excluded = self.has(span);
        if excluded {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let Known { parents, ended } = &mut *known;
            if ended.len() == REMEMBERED
                && let Some(oldest) = ended.pop_front()
            {
                parents.remove(&oldest);
            }
            ended.push_back((span.span_context.trace_id(), span.span_context.span_id()));
        }
        excluded
    }

    /// A predicate is the user's code, on the thread of the agent: what goes wrong in it excludes nothing.
    fn excludes(&self, data: &SpanData) -> bool {
        let name: &Cow<'static, str> = &data.name;
        let span = StartedSpan {
            scope: data.instrumentation_scope.name(),
            kind: &data.span_kind,
            name,
        };
        // The predicate would be asked of spans that it makes itself, and those of that, without an end.
        if ASKING.replace(true) {
            return false;
        }
        let asked = AssertUnwindSafe(|| self.predicates.iter().any(|excludes| excludes(&span)));
        let excluded = catch_unwind(asked);
        ASKING.set(false);
        excluded.unwrap_or_else(|_panic| {
            warn(Notice::ExcludePanicked, || {
                format!(
                    "the predicate of `.exclude_spans_if(..)` panicked at the span `{name}`, which is kept; the \
                     panic itself says where"
                )
            });
            false
        })
    }
}
