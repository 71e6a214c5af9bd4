//! What a request carries of its span.

use http::{HeaderMap, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;

use crate::semconv::{TRACEPARENT, TRACESTATE};

/// Makes the span of `context` the parent of what the request's receiver does, unless the request says another.
pub(super) fn inject(context: &Context, headers: &mut HeaderMap) {
    let span = context.span();
    let span = span.span_context();
    if !span.is_valid() || headers.contains_key(&TRACEPARENT) {
        return;
    }
    let (trace, id, flags) = (span.trace_id(), span.span_id(), span.trace_flags().to_u8());
    let parent = format!("00-{trace}-{id}-{flags:02x}");
    if let Ok(parent) = HeaderValue::try_from(parent) {
        headers.insert(&TRACEPARENT, parent);
    }
    let state = span.trace_state().header();
    if let (Ok(state), false) = (HeaderValue::try_from(&state), state.is_empty()) {
        headers.insert(&TRACESTATE, state);
    }
}
