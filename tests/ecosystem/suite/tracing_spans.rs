//! Spans of `tracing`, through tracing-opentelemetry.

use arize_local::{Receiver, Span};
use arize_runtime::{AgentRequest, Arize, Loss, experiment_handler, tool};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::routing::post;
use axum::{Json, Router};
use http::HeaderMap;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tower_http::trace::{DefaultMakeSpan, TraceLayer};
use tracing::instrument::WithSubscriber as _;
use tracing::{Dispatch, Instrument as _, Level, info_span};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::harness::{
    PARENT, SOON, TRACE, TRACEPARENT, any_port, named, names, post as ask, registration, route,
    serve,
};

const BODY: &str = r#"{"input": "LIS", "arize_metadata": {"space_id": "s", "project_name": "p"}}"#;

/// How the agent starts a tool in a task of its own.
#[derive(Clone, Copy)]
enum Task {
    None,
    InCurrentSpan,
    Ours,
    Both,
}

/// A library around our code, and our code around a library.
#[experiment_handler]
async fn run_agent(
    State(task): State<Task>,
    headers: HeaderMap,
    Json(request): Json<AgentRequest<String>>,
) -> Json<usize> {
    let city = request.input;
    let library = info_span!("library", shop.items = 3);
    let found = search(city.clone()).instrument(library).await;
    let spawned = match task {
        Task::None => return Json(found),
        Task::InCurrentSpan => tokio::spawn(in_task(city).in_current_span()),
        Task::Ours => arize_runtime::spawn(in_task(city)),
        Task::Both => tokio::spawn(in_task(city).with_current_context().in_current_span()),
    };
    Json(spawned.await.unwrap())
}

#[tool]
async fn search(city: String) -> usize {
    let http = info_span!("http_request");
    async move { city.len() }.instrument(http).await
}

#[tool]
async fn in_task(city: String) -> usize {
    city.len()
}

/// An agent behind a `TraceLayer`, with this subscriber around each request; what arrived of one request.
async fn spans(arize: &Arize, receiver: &Receiver, dispatch: Dispatch, task: Task) -> Vec<Span> {
    let around = move |request: Request, next: Next| {
        let dispatch = dispatch.clone();
        async move { next.run(request).with_subscriber(dispatch).await }
    };
    let outer =
        TraceLayer::new_for_http().make_span_with(DefaultMakeSpan::new().level(Level::INFO));
    let router = Router::new()
        .route("/invoke", post(run_agent))
        .with_state(task);
    let router = router.layer(outer).layer(from_fn(around));
    let url = serve(router, arize.context()).await;
    let (status, answer) = ask(&url, &[("traceparent", TRACEPARENT)], BODY).await;
    assert_eq!((status.as_u16(), answer.as_str()), (200, "3"));
    arize.force_flush(SOON).await.unwrap();
    receiver.spans()
}

async fn pipeline() -> (Receiver, Arize) {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let arize = registration(&receiver, &[]).build().unwrap();
    (receiver, arize)
}

fn layer_of(provider: &SdkTracerProvider, activates: bool, filter: &str) -> Dispatch {
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("libraries"))
        .with_context_activation(activates)
        .with_filter(EnvFilter::new(filter));
    Dispatch::new(tracing_subscriber::registry().with(layer))
}

fn assert_below(spans: &[Span], child: &str, parent: &str) {
    let (child, parent) = (named(spans, child), named(spans, parent));
    assert_eq!(
        child.parent_span_id.as_ref(),
        Some(&parent.span_id),
        "{}",
        child.name
    );
}

fn assert_routed(spans: &[Span]) {
    for span in spans {
        assert_eq!(
            (span.trace_id.as_str(), route(span)),
            (TRACE, ("s", "s", "p"))
        );
    }
}

#[tokio::test]
async fn library_spans_and_ours_nest_both_ways_and_the_server_s_span_is_a_link() {
    let (receiver, arize) = pipeline().await;
    let dispatch = layer_of(arize.tracer_provider(), true, "info");
    let spans = spans(&arize, &receiver, dispatch, Task::None).await;
    assert_eq!(spans.len(), 4, "{}", names(&spans));
    assert_routed(&spans);
    let chain = named(&spans, "run_agent");
    assert_eq!(chain.parent_span_id.as_deref(), Some(PARENT));
    assert_below(&spans, "library", "run_agent");
    assert_below(&spans, "search", "library");
    assert_below(&spans, "http_request", "search");
    let [link] = &chain.links[..] else {
        panic!("one link: {:?}", chain.links);
    };
    assert_ne!(link.trace_id, TRACE); // the server's own trace, which has no route
    assert_eq!(arize.stats().dropped.of(Loss::Unrouted), 1);
}

#[tokio::test]
async fn with_a_filter_library_spans_are_gone_and_the_tree_has_no_hole() {
    let (receiver, arize) = pipeline().await;
    let dispatch = layer_of(arize.tracer_provider(), true, "warn");
    let spans = spans(&arize, &receiver, dispatch, Task::Ours).await;
    assert_eq!(spans.len(), 3, "{}", names(&spans));
    assert_routed(&spans);
    assert_eq!(
        named(&spans, "run_agent").parent_span_id.as_deref(),
        Some(PARENT)
    );
    assert_below(&spans, "search", "run_agent");
    assert_below(&spans, "in_task", "run_agent");
    assert!(named(&spans, "run_agent").links.is_empty());
}

/// The user's own provider, and what it exported.
async fn backend() -> (Receiver, SdkTracerProvider) {
    let backend = Receiver::bind(any_port()).await.unwrap();
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(backend.endpoint());
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter.build().unwrap())
        .build();
    (backend, provider)
}

async fn exported(backend: &Receiver, provider: SdkTracerProvider) -> Vec<Span> {
    let flushed = tokio::task::spawn_blocking(move || provider.force_flush());
    flushed.await.unwrap().unwrap();
    backend.spans()
}

/// Without activation the layer leaves OpenTelemetry's Context alone: two trees, each whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_layer_of_another_provider_has_its_spans_and_arize_has_ours() {
    let ((receiver, arize), (backend, provider)) = (pipeline().await, backend().await);
    let dispatch = layer_of(&provider, false, "info");
    let spans = spans(&arize, &receiver, dispatch, Task::Ours).await;
    assert_eq!(spans.len(), 3, "{}", names(&spans));
    assert_routed(&spans);
    assert_below(&spans, "search", "run_agent");
    assert_below(&spans, "in_task", "run_agent");
    let theirs = exported(&backend, provider).await;
    assert_eq!(theirs.len(), 3, "{}", names(&theirs));
    assert_below(&theirs, "library", "request");
}

/// The trap of the same: its spans become the parents of ours, and Arize never gets them.
#[tokio::test(flavor = "multi_thread")]
async fn a_layer_of_another_provider_that_activates_makes_orphans() {
    let ((receiver, arize), (backend, provider)) = (pipeline().await, backend().await);
    let dispatch = layer_of(&provider, true, "info");
    let spans = spans(&arize, &receiver, dispatch, Task::None).await;
    assert_routed(&spans);
    let theirs = exported(&backend, provider).await;
    let parent = named(&spans, "search").parent_span_id.as_ref();
    assert_eq!(parent, Some(&named(&theirs, "library").span_id));
    assert_eq!(spans.len(), 2, "{}", names(&spans));
}

/// The trap of switching activation off with our provider: library spans follow `tracing` alone, up to the server's.
#[tokio::test]
async fn without_activation_library_spans_are_in_the_server_s_trace() {
    let (receiver, arize) = pipeline().await;
    let dispatch = layer_of(arize.tracer_provider(), false, "info");
    let spans = spans(&arize, &receiver, dispatch, Task::None).await;
    assert_eq!(spans.len(), 2, "{}", names(&spans));
    assert_below(&spans, "search", "run_agent");
    assert_eq!(arize.stats().dropped.of(Loss::Unrouted), 3);
}

#[tokio::test]
async fn a_task_in_the_current_span_of_tracing_is_in_the_server_s_trace() {
    let (receiver, arize) = pipeline().await;
    let dispatch = layer_of(arize.tracer_provider(), true, "info");
    let spans = spans(&arize, &receiver, dispatch, Task::InCurrentSpan).await;
    assert_eq!(spans.len(), 4, "{}", names(&spans)); // without `in_task`
    assert_eq!(arize.stats().dropped.of(Loss::Unrouted), 2);
}

#[tokio::test]
async fn a_task_with_the_context_is_where_it_belongs_also_in_the_current_span() {
    for task in [Task::Ours, Task::Both] {
        let (receiver, arize) = pipeline().await;
        let dispatch = layer_of(arize.tracer_provider(), true, "info");
        let spans = spans(&arize, &receiver, dispatch, task).await;
        assert_eq!(spans.len(), 5, "{}", names(&spans));
        assert_routed(&spans);
        assert_below(&spans, "in_task", "run_agent");
    }
}
