//! Attributes for the current span.

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;

use crate::attributes::IntoAttributes;
use crate::{recording, tracer};

/// Says something of the current span, whoever started it.
///
/// Where the current span does not record (no pipeline, an unsampled request, tracing suppressed) it does
/// nothing; give a closure, and then nothing is built either. A closure that panics is told and records
/// nothing. Call it where the span is current: in an annotated function, and not in a task that was spawned
/// without its Context.
///
/// ```
/// use arize_runtime::attributes::{Llm, TokenCount};
/// use arize_runtime::{llm, record};
///
/// #[llm]
/// async fn complete(prompt: &str) -> String {
///     let (answer, tokens) = (format!("re: {prompt}"), 31_u32);
///     record(|| Llm::new().model("gpt-5").token_count(TokenCount::new().completion(tokens)));
///     answer
/// }
/// ```
pub fn record(attributes: impl IntoAttributes) {
    // cloned, since what the closure calls may attach a Context of its own
    let records = |context: &Context| {
        let records = context.span().is_recording() && !context.is_telemetry_suppressed();
        records.then(|| context.clone())
    };
    let Some(context) = Context::map_current(records) else {
        return;
    };
    if let Some(mut attributes) = recording::guarded(|| attributes.into_attributes()) {
        let pipeline = tracer::of(&context);
        if let Some(keys) = pipeline.and_then(|p| p.trace_config.masked_keys.as_ref()) {
            keys.mask_attributes(&mut attributes);
        }
        context.span().set_attributes(attributes);
    }
}
