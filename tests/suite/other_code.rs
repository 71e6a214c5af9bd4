//! Spans that no attribute made: what the pipeline does with them.

use arize_runtime::{Routing, Scope, ScopeFutureExt as _, set_routing_context};
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};

use crate::harness::{Pipeline, named};

#[tokio::test]
async fn a_span_beyond_the_limits_of_the_sdk_keeps_its_route() {
    let pipeline = Pipeline::start(&[]).await;
    let tracer = pipeline.arize.tracer_provider().tracer("x");
    set_routing_context(Routing::new("s", "p").unwrap(), || {
        let mut many = tracer.start("many");
        for n in 0..10_050 {
            many.set_attribute(KeyValue::new(format!("k{n}"), n));
        }
        many.end();
        let mut events = tracer.start("events");
        for n in 0..200 {
            events.add_event(format!("e{n}"), vec![]);
        }
        events.end();
    });
    let spans = pipeline.spans().await;
    let many = named(&spans, "many");
    assert_eq!(many.attr_str("arize.space_id"), Some("s"));
    assert_eq!(many.attributes.len(), 10_000);
    assert_eq!(named(&spans, "events").events.len(), 128);
    assert!(spans.iter().all(|span| span.scope_name == "x"));
}

#[tokio::test]
async fn a_context_that_is_named_brings_its_scope_and_route_along() {
    let pipeline = Pipeline::start(&[]).await;
    let tracer = pipeline.arize.tracer_provider().tracer("x");
    let inside = async { Context::current() };
    let inside = set_routing_context(Routing::new("s", "p").unwrap(), || {
        inside.with_scope(Scope::new().session_id("conversation"))
    });
    let context = inside.await;
    assert!(Routing::of(&Context::current()).is_none());
    tracer.start_with_context("later", &context).end();
    let spans = pipeline.spans().await;
    assert_eq!(spans[0].attr_str("session.id"), Some("conversation"));
    assert_eq!(spans[0].attr_str("arize.space_id"), Some("s"));
}
