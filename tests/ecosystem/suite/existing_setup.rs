//! A program that has OpenTelemetry already.

use arize_local::{Receiver, Span};
use arize_runtime::{
    AgentRequest, Arize, Loss, Routing, StartedSpan, experiment_handler, register_with_routing,
    set_routing_context, tool,
};
use axum::routing::post;
use axum::{Json, Router};
use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{
    Span as _, SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::harness::{
    PARENT, SOON, TRACE, TRACEPARENT, any_port, named, names, post as ask, registration, route,
    serve,
};

const BODY: &str = r#"{"input": "LIS", "arize_metadata": {"space_id": "s", "project_name": "p"}}"#;

/// The user's provider: its own backend, and ours besides, without what `excluded` says.
struct Program {
    provider: SdkTracerProvider,
    backend: Receiver,
    arize: Arize,
    ours: Receiver,
}

impl Program {
    async fn start(excluded: impl Fn(&StartedSpan<'_>) -> bool + Send + Sync + 'static) -> Self {
        let (backend, ours) = (
            Receiver::bind(any_port()).await.unwrap(),
            Receiver::bind(any_port()).await.unwrap(),
        );
        let (processor, arize) = registration(&ours, &[])
            .exclude_spans_if(excluded)
            .into_processor()
            .unwrap();
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(backend.endpoint());
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter.build().unwrap())
            .with_span_processor(processor)
            .build();
        let arize = arize.with_provider(&provider);
        Self {
            provider,
            backend,
            arize,
            ours,
        }
    }

    fn tracer(&self, library: &'static str) -> SdkTracer {
        self.provider.tracer(library)
    }

    /// What the backend got, and what Arize did.
    async fn spans(&self) -> (Vec<Span>, Vec<Span>) {
        let provider = self.provider.clone();
        let flushed = tokio::task::spawn_blocking(move || provider.force_flush());
        flushed.await.unwrap().unwrap();
        self.arize.force_flush(SOON).await.unwrap();
        (self.backend.spans(), self.ours.spans())
    }
}

fn is_noise(span: &StartedSpan<'_>) -> bool {
    span.scope == "noise" || *span.kind == SpanKind::Server
}

#[tool]
fn search() -> usize {
    1
}

/// A request as a program has it: a server's span, ours, and below it those of a library around another tool.
async fn request(program: &Program) {
    let routing = Routing::new("s", "p").unwrap();
    let noise = program.tracer("noise");
    let http = program.tracer("http");
    let context = program.arize.context().with_value(routing);
    let work = async {
        let outer = noise.start("pool");
        let inner = async {
            let inner = noise.start("connection");
            let inside = async {
                search(); // an annotated one
                http.start("GET").end(); // and another library's
            };
            inside.with_context(Context::current_with_span(inner)).await;
        };
        inner.with_context(Context::current_with_span(outer)).await;
    };
    let chain = program.tracer("http").start_with_context("root", &context);
    work.with_context(context.with_span(chain)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_excluded_stays_out_of_arize_and_leaves_no_orphan() {
    let program = Program::start(is_noise).await;
    request(&program).await;
    let (backend, arize) = program.spans().await;
    assert_eq!(
        (backend.len(), arize.len()),
        (5, 3),
        "{} / {}",
        names(&backend),
        names(&arize)
    );
    let root = named(&arize, "root");
    for name in ["search", "GET"] {
        assert_eq!(
            named(&arize, name).parent_span_id.as_ref(),
            Some(&root.span_id)
        );
        let true_parent = &named(&backend, "connection").span_id;
        assert_eq!(
            named(&backend, name).parent_span_id.as_ref(),
            Some(true_parent)
        );
    }
    let stats = program.arize.stats();
    assert_eq!((stats.excluded, stats.ended, stats.exported), (2, 3, 3));
    assert_eq!(stats.dropped.total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn children_that_start_after_an_excluded_parent_ended_are_given_to_its_parent_too() {
    let program = Program::start(is_noise).await;
    let context = program
        .arize
        .context()
        .with_value(Routing::new("s", "p").unwrap());
    let root = program.tracer("http").start_with_context("root", &context);
    let inside = context.with_span(root);
    let noise = program.tracer("noise").start_with_context("early", &inside);
    let below = inside.with_span(noise);
    below.span().end();
    program
        .tracer("http")
        .start_with_context("late", &below)
        .end();
    inside.span().end();
    let (_, arize) = program.spans().await;
    let root = named(&arize, "root");
    assert_eq!(
        named(&arize, "late").parent_span_id.as_ref(),
        Some(&root.span_id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_children_of_an_excluded_root_are_roots() {
    let program = Program::start(is_noise).await;
    let context = program
        .arize
        .context()
        .with_value(Routing::new("s", "p").unwrap());
    let server = program
        .tracer("web")
        .span_builder("POST /x")
        .with_kind(SpanKind::Server);
    let server = program.tracer("web").build_with_context(server, &context);
    async { search() }
        .with_context(context.with_span(server))
        .await;
    let (backend, arize) = program.spans().await;
    assert!(named(&backend, "search").parent_span_id.is_some());
    assert_eq!(
        (arize.len(), &named(&arize, "search").parent_span_id),
        (1, &None)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_predicate_that_panics_or_is_met_by_ours_excludes_nothing() {
    let program = Program::start(|span| span.name != "root" || panic!("{}", span.name)).await;
    let context = program
        .arize
        .context()
        .with_value(Routing::new("s", "p").unwrap());
    let root = program.tracer("http").start_with_context("root", &context);
    async { search() }
        .with_context(context.with_span(root))
        .await;
    let (_, arize) = program.spans().await;
    assert_eq!(arize.len(), 2, "{}", names(&arize));
}

#[experiment_handler]
async fn run_agent(headers: HeaderMap, Json(request): Json<AgentRequest<String>>) -> Json<usize> {
    assert_eq!(request.input, "LIS");
    detached();
    Json(search())
}

/// A library that keeps the ids of a span and nothing else of its Context.
fn detached() {
    let parent = Context::current().span().span_context().clone();
    let bare = Context::new().with_remote_span_context(parent);
    DETACHED.with(|tracer| {
        let tracer = tracer.borrow();
        let span = tracer
            .as_ref()
            .unwrap()
            .start_with_context("detached", &bare);
        let below = bare.with_span(span);
        tracer
            .as_ref()
            .unwrap()
            .start_with_context("below", &below)
            .end();
    });
}

thread_local! {
    static DETACHED: std::cell::RefCell<Option<SdkTracer>> = const { std::cell::RefCell::new(None) };
}

#[tokio::test]
async fn a_span_under_the_ids_of_a_parent_alone_has_the_route_of_its_trace() {
    let ours = Receiver::bind(any_port()).await.unwrap();
    let arize = registration(&ours, &[]).build().unwrap();
    let tracer = arize.tracer_provider().tracer("library");
    DETACHED.with(|slot| *slot.borrow_mut() = Some(tracer.clone()));
    let router = Router::new().route("/invoke", post(run_agent));
    let url = serve(router, arize.context()).await;
    ask(&url, &[("traceparent", TRACEPARENT)], BODY).await;
    // the pitfall of the documented page: the extracted Context, given by name, without the route
    let headers = [("traceparent", TRACEPARENT)];
    let extracted = arize_runtime::extract(headers.as_slice());
    tracer.start_with_context("by name", &extracted).end();
    // and another trace, which nobody knows
    let other = [(
        "traceparent",
        "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-00f067aa0ba902b7-01",
    )];
    let other = arize_runtime::extract(other.as_slice());
    tracer.start_with_context("unknown", &other).end();
    arize.force_flush(SOON).await.unwrap();
    assert_eq!(arize.stats().dropped.of(Loss::Unrouted), 1); // `unknown`
    let spans = ours.spans();
    assert_eq!(spans.len(), 5, "{}", names(&spans));
    for span in &spans {
        assert_eq!(
            (span.trace_id.as_str(), route(span)),
            (TRACE, ("s", "s", "p"))
        );
    }
    let chain = named(&spans, "run_agent");
    assert_eq!(
        named(&spans, "detached").parent_span_id.as_ref(),
        Some(&chain.span_id)
    );
    assert_eq!(
        named(&spans, "by name").parent_span_id.as_deref(),
        Some(PARENT)
    );
}

#[tokio::test]
async fn where_requests_of_one_trace_name_two_spaces_no_route_is_guessed() {
    let ours = Receiver::bind(any_port()).await.unwrap();
    let arize = registration(&ours, &[]).build().unwrap();
    let tracer = arize.tracer_provider().tracer("library");
    let url = serve(
        Router::new().route("/invoke", post(other_agent)),
        arize.context(),
    )
    .await;
    for body in [BODY.to_owned(), BODY.replace("\"s\"", "\"stranger\"")] {
        ask(&url, &[("traceparent", TRACEPARENT)], body).await;
    }
    let headers = [("traceparent", TRACEPARENT)];
    let extracted = arize_runtime::extract(headers.as_slice());
    tracer.start_with_context("whose?", &extracted).end();
    set_routing_context(Routing::new("s", "p").unwrap(), || {
        tracer.start("said").end();
    });
    arize.force_flush(SOON).await.unwrap();
    assert_eq!(arize.stats().dropped.of(Loss::Unrouted), 1);
    let spans = ours.spans();
    assert_eq!(names(&spans).matches("other_agent").count(), 2);
    assert_eq!((spans.len(), route(named(&spans, "said")).0), (3, "s"));
}

#[tokio::test]
async fn a_request_that_names_no_route_never_takes_that_of_another_of_its_trace() {
    let ours = Receiver::bind(any_port()).await.unwrap();
    let arize = registration(&ours, &[]).build().unwrap();
    let router = Router::new().route("/invoke", post(other_agent));
    let url = serve(router, arize.context()).await;
    for body in [BODY, r#"{"input": "no route"}"#] {
        ask(&url, &[("traceparent", TRACEPARENT)], body).await;
    }
    arize.force_flush(SOON).await.unwrap();
    assert_eq!(ours.spans().len(), 1);
    assert_eq!(arize.stats().dropped.of(Loss::Unrouted), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excluded_span_stays_out_however_many_end_before_it() {
    let program = Program::start(is_noise).await;
    let context = program.arize.context();
    let context = context.with_value(Routing::new("s", "p").unwrap());
    let noise = program.arize.tracer_provider().tracer("noise");
    let open = noise.start_with_context("open for long", &context);
    for _ in 0..65_537 {
        noise.start_with_context("short", &context).end();
    }
    drop(open);
    program.arize.force_flush(SOON).await.unwrap();
    assert!(program.ours.spans().is_empty());
    assert_eq!(program.arize.stats().excluded, 65_538);
}

#[test]
fn a_capture_is_without_what_its_registration_excludes() {
    let registration = register_with_routing().with_environment(|_| None);
    let capture = registration.exclude_spans_if(is_noise).capture().unwrap();
    let noise = capture.tracer_provider().tracer("noise");
    let inside = noise.start_with_context("noise", &capture.context());
    let inside = capture.context().with_span(inside);
    let _attached = inside.attach();
    search();
    capture.assert_tree("search [TOOL]");
}

#[experiment_handler]
async fn other_agent(headers: HeaderMap, Json(request): Json<AgentRequest<String>>) -> Json<usize> {
    Json(request.input.len())
}
