//! The other ways to register: one fixed space, and inside a tracer provider that is there already.

use std::collections::BTreeSet;

use arize_local::{AttributeValue, Receiver, Span};
use arize_runtime::{
    Loss, Routing, RoutingFutureExt as _, experiment_handler, register, set_routing_context, tool,
};
use axum::Router;
use axum::routing::post;
use http::HeaderMap;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{Span as _, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::harness::{
    Agent, PARENT, Pipeline, SOON, TRACE, TRACEPARENT, any_port, named, names, registration, route,
    serve,
};

const METADATA: &str =
    r#"{"goal": "x", "arize_metadata": {"space_id": "U3BhY2U6MQ==", "project_name": "trips"}}"#;

#[tool]
fn search_flights(goal: &str) -> String {
    goal.to_uppercase()
}

#[experiment_handler(name = "run_agent")]
async fn invoke(headers: HeaderMap, body: String) -> String {
    search_flights(&body)
}

fn router() -> Router {
    Router::new().route("/invoke", post(invoke))
}

fn in_resource<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    let found = span.resource.iter().find(|(name, _)| name == key);
    found.and_then(|(_, value)| AttributeValue::as_str(value))
}

#[tokio::test]
async fn one_space_takes_every_span_whatever_names_another() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let arize = register()
        .with_environment(|name| match name {
            "ARIZE_PROJECT_NAME" => Some("fixed".to_owned()),
            "ARIZE_PROJECT_TYPE" => Some("experiment".to_owned()),
            _ => None,
        })
        .endpoint(receiver.endpoint())
        .space_id("U3BhY2U6OQ==")
        .build()
        .unwrap();
    let url = serve(router(), arize.context()).await;
    let agent = Agent {
        pipeline: Pipeline { receiver, arize },
        url,
    };
    agent.post(&[("traceparent", TRACEPARENT)], METADATA).await;
    let tracer = agent.pipeline.arize.tracer_provider().tracer("a library");
    tracer.start("outside").end();
    set_routing_context(Routing::new("other", "other").unwrap(), || {
        let mut span = tracer.start("by hand");
        span.set_attribute(KeyValue::new("arize.space_id", "smuggled"));
        span.end();
    });

    let spans = agent.spans().await;
    assert_eq!(spans.len(), 4, "{}", names(&spans));
    for span in &spans {
        assert_eq!(route(span), ("U3BhY2U6OQ==", "U3BhY2U6OQ==", "fixed"));
        let resource = |key| in_resource(span, key);
        assert_eq!(resource("arize.project.type"), Some("experiment"));
        assert_eq!(resource("openinference.project.name"), Some("fixed"));
        let keys: BTreeSet<_> = span.attributes.iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), span.attributes.len(), "{keys:?}");
    }
    let chain = named(&spans, "run_agent");
    assert_eq!(chain.trace_id, TRACE);
    assert_eq!(chain.parent_span_id.as_deref(), Some(PARENT));
}

/// A provider as many programs have it: it exports everything elsewhere through opentelemetry-otlp.
struct TheirProvider {
    elsewhere: Receiver,
    provider: SdkTracerProvider,
    agent: Agent,
}

impl TheirProvider {
    async fn start() -> Self {
        let elsewhere = Receiver::bind(any_port()).await.unwrap();
        let receiver = Receiver::bind(any_port()).await.unwrap();
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(elsewhere.endpoint())
            .build()
            .unwrap();
        let (processor, arize) = registration(&receiver, &[("ARIZE_API_KEY", "key")])
            .resource_attribute("team", "travel")
            .into_processor()
            .unwrap();
        let resource = Resource::builder_empty()
            .with_service_name("theirs")
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(exporter)
            .with_span_processor(processor)
            .build();
        let arize = arize.with_provider(&provider);
        let url = serve(router(), arize.context()).await;
        let pipeline = Pipeline { receiver, arize };
        Self {
            elsewhere,
            provider,
            agent: Agent { pipeline, url },
        }
    }
}

fn ids(spans: &[Span]) -> BTreeSet<&str> {
    spans.iter().map(|span| span.span_id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_there_already_keeps_exporting_and_routes_besides() {
    let theirs = TheirProvider::start().await;
    let agent = &theirs.agent;
    agent.post(&[("traceparent", TRACEPARENT)], METADATA).await;
    theirs.provider.tracer("their code").start("job").end();

    let routed = agent.spans().await;
    assert_eq!(routed.len(), 2, "{}", names(&routed));
    for span in &routed {
        assert_eq!(route(span), ("U3BhY2U6MQ==", "U3BhY2U6MQ==", "trips"));
        assert_eq!(span.trace_id, TRACE);
        let resource = |key| in_resource(span, key);
        assert_eq!(resource("service.name"), Some("theirs"));
        assert_eq!(resource("team"), Some("travel"));
        assert_eq!(resource("openinference.project.name"), Some("trips"));
    }
    let stats = agent.pipeline.arize.stats();
    assert_eq!((stats.exported, stats.dropped.of(Loss::Unrouted)), (2, 1));

    // Our end is not theirs: what their code starts afterwards still goes where it went.
    agent.pipeline.arize.shutdown(SOON).await.unwrap();
    agent.post(&[], METADATA).await;
    theirs.provider.tracer("their code").start("later").end();
    theirs.provider.force_flush().unwrap();
    let all = theirs.elsewhere.spans();
    assert_eq!(all.len(), 4, "{}", names(&all));
    assert!(ids(&routed).is_subset(&ids(&all)));
    let request = &theirs.elsewhere.requests()[0];
    assert_eq!(
        (request.header("authorization"), request.header("api_key")),
        (None, None)
    );
    assert!(all.iter().all(|span| in_resource(span, "team").is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn their_spans_inside_a_handler_are_routed_under_its_chain() {
    let theirs = TheirProvider::start().await;
    let pipeline = &theirs.agent.pipeline;
    let tracer = theirs.provider.tracer("a library");
    let routing = Routing::new("s", "p").unwrap();
    let work = async {
        let span = tracer.start("http_request");
        async { search_flights("x") }
            .with_context(Context::current_with_span(span))
            .await;
    };
    async { work.with_routing(routing).await }
        .with_context(pipeline.context())
        .await;
    let spans = pipeline.spans().await;
    let tool = named(&spans, "search_flights");
    let parent = named(&spans, "http_request");
    assert_eq!(
        tool.parent_span_id.as_deref(),
        Some(parent.span_id.as_str())
    );
    assert_eq!(
        (route(tool), route(parent)),
        (("s", "s", "p"), ("s", "s", "p"))
    );
}

#[tokio::test]
async fn a_route_that_the_providers_limit_cut_off_is_counted_as_that() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let (processor, arize) = registration(&receiver, &[]).into_processor().unwrap();
    let provider = SdkTracerProvider::builder()
        .with_max_attributes_per_span(4)
        .with_span_processor(processor)
        .build();
    let arize = arize.with_provider(&provider);
    let attributes = (0..4).map(|n| KeyValue::new(format!("key {n}"), n));
    set_routing_context(Routing::new("s", "p").unwrap(), || {
        let tracer = provider.tracer("theirs");
        let builder = tracer.span_builder("full").with_attributes(attributes);
        tracer.build(builder).end();
    });
    let dropped = arize.stats().dropped;
    assert_eq!((dropped.of(Loss::AttributeLimit), dropped.total()), (1, 1));
}
