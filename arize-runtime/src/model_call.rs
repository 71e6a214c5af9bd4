//! Which annotated span is the current one, for traced HTTP clients: inside `#[llm]` a request is that span's own.
//!
//! Nothing is kept before there is such a client, so calls in a process without one pay for a look at a flag.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use opentelemetry::Context;
use opentelemetry::trace::{SpanId, TraceContextExt as _};

use crate::semconv::OpenInferenceSpanKind;

static WATCHED: AtomicBool = AtomicBool::new(false);

/// The innermost annotated span.
#[derive(Debug)]
pub(crate) struct Annotated {
    pub(crate) span: SpanId,
    /// Its function is annotated as a call of a model.
    pub(crate) is_model_call: bool,
}

/// From now on Contexts say which annotated span they are in.
pub(crate) fn watch() {
    WATCHED.store(true, Relaxed);
}

/// The innermost annotated span of `context`, if it started after [`watch`].
pub(crate) fn annotated(context: &Context) -> Option<&Annotated> {
    context.get()
}

/// `context`, whose span is an annotated one of this kind.
#[inline]
pub(crate) fn enter(kind: OpenInferenceSpanKind, context: Context) -> Context {
    if WATCHED.load(Relaxed) {
        marked(kind, &context)
    } else {
        context
    }
}

#[cold]
fn marked(kind: OpenInferenceSpanKind, context: &Context) -> Context {
    use OpenInferenceSpanKind::{Embedding, Llm};
    context.with_value(Annotated {
        span: context.span().span_context().span_id(),
        is_model_call: matches!(kind, Llm | Embedding),
    })
}
