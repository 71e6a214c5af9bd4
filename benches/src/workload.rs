//! The span of all benches: what an annotated tool records, made by hand, so that its cost is the
//! same whatever takes it.

use std::sync::Arc;

use opentelemetry::trace::{Span as _, SpanBuilder, Status, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;

/// Starts and ends a root span with six attributes and the two of its route.
pub fn make_span(tracer: &SdkTracer, space_id: &Arc<str>) {
    let input = r#"{"query":"what is the refund policy for order 1234?","limit":10}"#;
    let output = r#""hit[0]: what is the refund policy for order 1234?""#;
    let builder = SpanBuilder::from_name("search").with_attributes([
        KeyValue::new("openinference.span.kind", "TOOL"),
        KeyValue::new("tool.name", "search"),
        KeyValue::new("input.value", input.to_owned()), // owned, as what is serialised is
        KeyValue::new("input.mime_type", "application/json"),
        KeyValue::new("arize.space_id", space_id.clone()),
        KeyValue::new("arize.project.name", "support-agent"),
    ]);
    let mut span = tracer.build_with_context(builder, &Context::new());
    span.set_attribute(KeyValue::new("output.value", output.to_owned()));
    span.set_attribute(KeyValue::new("output.mime_type", "application/json"));
    span.set_status(Status::Ok);
    span.end();
}

/// So many different space ids, as long as Arize's are.
#[must_use]
pub fn space_ids(count: u32) -> Vec<Arc<str>> {
    (0..count)
        .map(|n| format!("U3BhY2U6{n:08}").into())
        .collect()
}
