//! Routing of spans that are opened by hand.

use arize_runtime::{Loss, Routing, RoutingFutureExt as _, extract, set_routing_context};
use opentelemetry::KeyValue;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{Span as _, TraceContextExt as _, Tracer as _, TracerProvider as _};

use crate::harness::{PARENT, Pipeline, TRACE, TRACEPARENT, named, route};

fn routing(space: &str) -> Routing {
    Routing::new(space, "p").unwrap()
}

#[tokio::test]
async fn set_routing_context_routes_what_starts_inside_and_nothing_else() {
    let pipeline = Pipeline::start(&[]).await;
    let tracer = pipeline.arize.tracer_provider().tracer("by hand");
    set_routing_context(routing("outer"), || {
        tracer.in_span("in outer", |_| {
            set_routing_context(routing("inner"), || tracer.start("in inner").end());
        });
    });
    tracer.start("outside").end();
    let spans = pipeline.spans().await;
    assert_eq!(route(named(&spans, "in outer")), ("outer", "outer", "p"));
    assert_eq!(route(named(&spans, "in inner")), ("inner", "inner", "p"));
    assert_eq!(spans.len(), 2);
    assert_eq!(pipeline.arize.stats().dropped.of(Loss::Unrouted), 1);
}

#[tokio::test]
async fn with_routing_holds_across_await_and_does_not_leak() {
    let pipeline = Pipeline::start(&[]).await;
    let tracer = pipeline.arize.tracer_provider().tracer("by hand");
    let one = |space: &'static str| {
        let tracer = tracer.clone();
        async move {
            tokio::task::yield_now().await;
            tracer.start(space).end();
        }
        .with_routing(routing(space))
    };
    tokio::join!(
        one("a"),
        one("b"),
        one("c").with_context(pipeline.context())
    );
    assert_eq!(Routing::current(), None);
    let spans = pipeline.spans().await;
    for space in ["a", "b", "c"] {
        assert_eq!(route(named(&spans, space)), (space, space, "p"));
    }
}

#[tokio::test]
async fn what_a_span_says_of_its_own_route_wins_and_is_not_inherited() {
    let pipeline = Pipeline::start(&[]).await;
    let tracer = pipeline.arize.tracer_provider().tracer("by hand");
    set_routing_context(routing("from context"), || {
        let mut span = tracer.start("late");
        span.set_attribute(KeyValue::new("arize.space_id", "set late"));
        span.end();
        let builder = tracer
            .span_builder("at start")
            .with_attributes([KeyValue::new("arize.space_id", "set at start")]);
        let at_start = tracer.build(builder);
        let context = opentelemetry::Context::current_with_span(at_start);
        tracer.start_with_context("its child", &context).end();
    });
    let mut alone = tracer.start("alone");
    alone.set_attributes(Routing::new("only", "attributes").unwrap().attributes());
    alone.end();
    let spans = pipeline.spans().await;
    assert_eq!(route(named(&spans, "late")), ("set late", "set late", "p"));
    assert_eq!(
        route(named(&spans, "at start")),
        ("set at start", "set at start", "p")
    );
    assert_eq!(
        route(named(&spans, "its child")),
        ("from context", "from context", "p")
    );
    assert_eq!(
        route(named(&spans, "alone")),
        ("only", "only", "attributes")
    );
    for span in &spans {
        let keys = span
            .attributes
            .iter()
            .filter(|(key, _)| key == "arize.space_id");
        assert_eq!(keys.count(), 1);
    }
}

#[tokio::test]
async fn a_blank_half_set_by_hand_drops_the_span_and_fails_nothing() {
    let pipeline = Pipeline::start(&[]).await;
    let tracer = pipeline.arize.tracer_provider().tracer("by hand");
    for blank in ["arize.space_id", "arize.project.name"] {
        set_routing_context(routing("s"), || {
            let mut span = tracer.start("blank");
            span.set_attribute(KeyValue::new(blank, ""));
            span.end();
        });
    }
    assert!(pipeline.spans().await.is_empty());
    assert_eq!(pipeline.arize.stats().dropped.of(Loss::Unrouted), 2);
}

#[tokio::test]
async fn extract_brings_parent_and_route_and_nothing_of_what_is_around() {
    let pipeline = Pipeline::start(&[("ARIZE_PROJECT_NAME", "from the environment")]).await;
    let tracer = pipeline.arize.tracer_provider().tracer("by hand");
    let around = pipeline.context().with_value(routing("around"));
    let server = tracer.start_with_context("server", &around);
    let around = around.with_span(server);
    let headers = [
        ("traceparent", TRACEPARENT),
        ("baggage", "arize.space_id=U3BhY2U6MTIzOmFiYw==,shop=1"),
    ];
    let request = async {
        let context = extract(headers.as_slice());
        assert_eq!(
            context
                .baggage()
                .get("shop")
                .map(ToString::to_string)
                .as_deref(),
            Some("1")
        );
        tracer.start_with_context("by hand", &context).end();
        search("LIS").with_context(context).await;
        let nothing = extract::<[(&str, &str)]>(&[]);
        assert!(Routing::of(&nothing).is_none() && !nothing.has_active_span());
    };
    request.with_context(around).await;
    let spans = pipeline.spans().await;
    for name in ["by hand", "search"] {
        let span = named(&spans, name);
        let space = "U3BhY2U6MTIzOmFiYw==";
        assert_eq!(route(span), (space, space, "from the environment"));
        assert_eq!(span.trace_id, TRACE);
        assert_eq!(span.parent_span_id.as_deref(), Some(PARENT));
    }
}

#[arize_runtime::tool]
async fn search(to: &str) -> usize {
    to.len()
}
