//! What peers that make OpenTelemetry spans share.

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
    TracerProvider as _,
};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use super::Sink;

/// A tracer whose spans end in the [`Sink`].
#[must_use]
pub fn tracer() -> SdkTracer {
    let provider = SdkTracerProvider::builder().with_span_processor(Sink);
    provider.build().tracer("agent")
}

/// Does the work under a span of this tracer, if there is one.
pub fn under_parent<T>(tracer: Option<&SdkTracer>, work: impl FnOnce() -> T) -> T {
    let Some(tracer) = tracer else { return work() };
    let context = Context::current_with_span(tracer.start("parent"));
    let guard = context.clone().attach();
    let outcome = work();
    drop(guard);
    context.span().end();
    outcome
}

/// Does the work under a caller's span that is not sampled.
pub(crate) fn under_unsampled_parent<T>(work: impl FnOnce() -> T) -> T {
    let caller = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    );
    let _guard = Context::new().with_remote_span_context(caller).attach();
    work()
}
