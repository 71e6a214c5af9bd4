//! Parents and routes: under load, beside other instrumentation, and without a request.

use std::sync::atomic::{AtomicUsize, Ordering};

use arize_local::{Experiment, Row};
use arize_runtime::{experiment_handler, tool};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::post;
use axum::{Json, Router};
use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{Span as _, TraceContextExt as _, Tracer as _, TracerProvider as _};
use serde_json::{Value, json};

use crate::harness::{Agent, PARENT, Pipeline, SOON, TRACE, TRACEPARENT, named, route, serve};

#[tool]
async fn slow_tool(n: u64) -> u64 {
    tokio::time::sleep(std::time::Duration::from_millis(n % 7)).await;
    n
}

#[experiment_handler(name = "run_agent")]
async fn invoke(headers: HeaderMap, Json(body): Json<Value>) -> Json<Value> {
    let n = body["input"]["n"].as_u64().unwrap_or_default();
    let (a, b) = tokio::join!(slow_tool(n), slow_tool(n + 1));
    Json(json!(a + b))
}

#[tokio::test]
async fn forty_requests_at_once_to_five_spaces_do_not_mix() {
    let agent = Agent::start(Router::new().route("/invoke", post(invoke))).await;
    let row = |n: usize| Row {
        input: json!({ "n": n }),
        space_id: Some(format!("U3BhY2U6{}==", n % 5)),
        project: Some(format!("project {}", n % 3)),
    };
    let report = Experiment::new(&agent.url)
        .rows((0..40).map(row).collect())
        .concurrency(40)
        .settle(std::time::Duration::from_millis(200))
        .expect_tools(["slow_tool"])
        .run(&agent.pipeline.receiver)
        .await;
    let mut text = Vec::new();
    report.print(&mut text, false).unwrap();
    assert!(report.ok(), "{}", String::from_utf8_lossy(&text));
    assert_eq!(agent.pipeline.receiver.spans().len(), 120);
    assert_eq!(agent.pipeline.receiver.connections(), 1);
}

#[tokio::test]
async fn the_documented_tree_comes_out() {
    #[tool]
    async fn search_flights(goal: &str) -> String {
        slow_tool(1).await;
        goal.to_owned()
    }
    #[tool]
    fn search_hotels(goal: &str) -> usize {
        goal.len()
    }
    #[tool]
    async fn propose_itinerary(flights: String, hotels: usize) -> String {
        format!("{flights} {hotels}")
    }
    #[experiment_handler(name = "run_agent", input = body["input"]["goal"])]
    async fn invoke(headers: HeaderMap, Json(body): Json<Value>) -> String {
        let goal = body["input"]["goal"].as_str().unwrap_or_default();
        let flights = search_flights(goal).await;
        propose_itinerary(flights, search_hotels(goal)).await
    }
    let agent = Agent::start(Router::new().route("/invoke", post(invoke))).await;
    let headers = [
        ("traceparent", TRACEPARENT),
        ("tracestate", "arize=abc,vendor2=x%20y"),
        (
            "baggage",
            "arize.space_id=space-md,arize.project_name=proj-md",
        ),
        ("x-arize-experiment-id", "exp1"),
        ("x-arize-experiment-run-id", "run1"),
    ];
    let body = r#"{"input": {"goal": "plan a trip"}, "arize_metadata": {"space_id": "space-md", "project_name": "proj-md"}}"#;
    agent.post(&headers, body).await;
    let spans = agent.spans().await;
    let parent = |name: &str| named(&spans, name).parent_span_id.as_deref();
    let id = |name: &str| Some(named(&spans, name).span_id.as_str());
    assert_eq!(parent("run_agent"), Some(PARENT));
    for tool in ["search_flights", "search_hotels", "propose_itinerary"] {
        assert_eq!(parent(tool), id("run_agent"));
    }
    assert_eq!(parent("slow_tool"), id("search_flights"));
    for span in &spans {
        assert_eq!(span.trace_id, TRACE);
        assert_eq!(span.trace_state, "arize=abc,vendor2=x%20y");
        assert_eq!(route(span), ("space-md", "space-md", "proj-md"));
    }
    let chain = named(&spans, "run_agent");
    assert_eq!(chain.attr_str("input.value"), Some("plan a trip"));
    assert_eq!(chain.attr_str("output.value"), Some("plan a trip 11"));
    assert_eq!(
        chain.attr_str("metadata"),
        Some(r#"{"experiment_id":"exp1","run_id":"run1"}"#)
    );
}

#[tokio::test]
async fn an_ambient_span_is_linked_and_never_the_parent() {
    let pipeline = Pipeline::start(&[]).await;
    let tracer = pipeline.arize.tracer_provider().tracer("server middleware");
    let server_span = move |request: Request, next: Next| {
        let context = Context::current_with_span(tracer.start("POST /invoke"));
        async move { next.run(request).with_context(context).await }
    };
    let router = Router::new()
        .route("/invoke", post(invoke))
        .layer(from_fn(server_span));
    let url = serve(router, pipeline.context()).await;
    let body = r#"{"arize_metadata": {"space_id": "s", "project_name": "p"}}"#;
    crate::harness::post(&url, &[], body).await;
    crate::harness::post(&url, &[("traceparent", TRACEPARENT)], body).await;

    pipeline.arize.force_flush(SOON).await.unwrap();
    let spans = pipeline.receiver.spans();
    let chains: Vec<_> = spans
        .iter()
        .filter(|span| span.name == "run_agent")
        .collect();
    let (root, child) = if chains[0].parent_span_id.is_none() {
        (chains[0], chains[1])
    } else {
        (chains[1], chains[0])
    };
    assert_eq!(root.parent_span_id, None);
    assert_eq!(
        (child.trace_id.as_str(), child.parent_span_id.as_deref()),
        (TRACE, Some(PARENT))
    );
    for chain in [root, child] {
        assert_eq!(chain.links.len(), 1);
        assert_ne!(chain.links[0].trace_id, chain.trace_id);
    }
    assert!(
        spans.iter().all(|span| span.name != "POST /invoke"),
        "the server's own span has no route"
    );
}

#[tokio::test]
async fn spans_of_other_code_are_routed_and_see_baggage_and_parent() {
    use opentelemetry::baggage::BaggageExt as _;
    #[experiment_handler(name = "run_agent")]
    async fn invoke(headers: HeaderMap, body: String) -> String {
        http_request();
        let context = Context::current();
        let tenant = context.baggage().get("tenant").map(ToString::to_string);
        let injected = inject(&context);
        format!("{body} {} {injected}", tenant.unwrap_or_default())
    }
    fn inject(context: &Context) -> String {
        let span = context.span();
        let parent = span.span_context();
        format!("{} {}", parent.trace_id(), parent.trace_state().header())
    }
    #[tool]
    fn http_request() {
        let provider = PROVIDER.with_borrow(Clone::clone).unwrap();
        let mut span = provider.tracer("an http client").start("GET /flights");
        span.set_attribute(opentelemetry::KeyValue::new("http.request.method", "GET"));
        span.end();
    }
    thread_local! {
        static PROVIDER: std::cell::RefCell<Option<opentelemetry_sdk::trace::SdkTracerProvider>> = const { std::cell::RefCell::new(None) };
    }
    let agent = Agent::start(Router::new().route("/invoke", post(invoke))).await;
    PROVIDER.set(Some(agent.pipeline.arize.tracer_provider().clone()));
    let headers = [
        ("traceparent", TRACEPARENT),
        ("tracestate", "vendor=1"),
        (
            "baggage",
            "tenant=blue,arize.space_id=U3BhY2U6MTIzOmFiYw==,arize.project_name=p",
        ),
    ];
    let (_, answer) = agent.post(&headers, "x").await;
    assert_eq!(answer, format!("x blue {TRACE} vendor=1"));
    let spans = agent.spans().await;
    let client = named(&spans, "GET /flights");
    assert_eq!(
        client.parent_span_id.as_ref(),
        Some(&named(&spans, "http_request").span_id)
    );
    for span in &spans {
        assert_eq!(
            route(span),
            ("U3BhY2U6MTIzOmFiYw==", "U3BhY2U6MTIzOmFiYw==", "p")
        );
    }
}

#[tokio::test]
async fn a_spawned_task_that_takes_its_context_along_stays_under_the_chain() {
    #[experiment_handler(name = "run_agent")]
    async fn invoke(headers: HeaderMap, body: String) -> String {
        let background = tokio::spawn(slow_tool(1).with_current_context());
        let blocking = Context::current();
        let blocking = tokio::task::spawn_blocking(move || {
            let _context = blocking.attach();
            sync_tool();
        });
        format!("{body}{:?}{:?}", background.await, blocking.await)
    }
    #[tool]
    fn sync_tool() {}
    let agent = Agent::start(Router::new().route("/invoke", post(invoke))).await;
    agent
        .post(
            &[],
            r#"{"arize_metadata": {"space_id": "s", "project_name": "p"}}"#,
        )
        .await;
    let spans = agent.spans().await;
    let chain = &named(&spans, "run_agent").span_id;
    for tool in ["slow_tool", "sync_tool"] {
        assert_eq!(named(&spans, tool).parent_span_id.as_ref(), Some(chain));
        assert_eq!(route(named(&spans, tool)), ("s", "s", "p"));
    }
}

#[tokio::test]
async fn nothing_is_serialised_under_an_unsampled_parent() {
    struct Loud;
    impl serde::Serialize for Loud {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            SERIALISED.fetch_add(1, Ordering::Relaxed);
            serializer.serialize_unit()
        }
    }
    static SERIALISED: AtomicUsize = AtomicUsize::new(0);
    #[tool]
    fn loud(value: Loud) -> Loud {
        value
    }
    #[experiment_handler(name = "run_agent", input = Loud, output = |_| Loud)]
    async fn invoke(headers: HeaderMap, body: String) -> String {
        loud(Loud);
        body
    }
    let agent = Agent::start(Router::new().route("/invoke", post(invoke))).await;
    let unsampled = TRACEPARENT.replace("-01", "-00");
    agent.post(&[("traceparent", &unsampled)], "x").await;
    assert_eq!(SERIALISED.load(Ordering::Relaxed), 0);
    agent.post(&[("traceparent", TRACEPARENT)], "x").await;
    assert_eq!(SERIALISED.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn tools_of_an_unsampled_request_start_no_span() {
    let agent = Agent::start(Router::new().route("/invoke", post(invoke))).await;
    let unsampled = TRACEPARENT.replace("-01", "-00");
    let body = r#"{"input": {"n": 1}, "arize_metadata": {"space_id": "s", "project_name": "p"}}"#;
    let (_, answer) = agent.post(&[("traceparent", &unsampled)], body).await;
    assert_eq!(answer, "3");
    assert!(agent.spans().await.is_empty());
    let stats = agent.pipeline.arize.stats();
    assert_eq!((stats.unsampled_requests, stats.ended), (1, 0));
}
