//! What a scope gives to every span that starts inside it, and scopes without tracing.

use std::cell::Cell;

use arize_local::{AttributeValue, Span};
use arize_runtime::opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use arize_runtime::{
    AgentRequest, Routing, RoutingFutureExt as _, Scope, ScopeFutureExt as _, chain,
    experiment_handler, suppress_tracing, tool,
};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::post;
use http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::context::FutureExt as _;
use opentelemetry_sdk::trace::SdkTracer;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::harness::{Agent, Pipeline, named, names};

#[tool]
async fn search(query: &str) -> usize {
    query.len()
}

#[chain]
async fn plan(goal: &str) -> usize {
    let inner = Scope::new().session_id("inner").tags(["nested"]);
    search(goal).with_scope(inner).await;
    tokio::spawn(search("spawned").with_current_context())
        .await
        .unwrap();
    search(goal).await
}

async fn traced<T>(pipeline: &Pipeline, work: impl Future<Output = T>) -> T {
    let routing = Routing::new("s", "p").unwrap();
    async { work.with_routing(routing).await }
        .with_context(pipeline.context())
        .await
}

fn metadata(span: &Span) -> Value {
    serde_json::from_str(span.attr_str("metadata").unwrap_or("null")).unwrap()
}

#[tokio::test]
async fn a_scope_reaches_every_span_inside_and_the_inner_one_wins() {
    let pipeline = Pipeline::start(&[]).await;
    let tracer = pipeline.arize.tracer_provider().tracer("a library");
    let scope = Scope::new()
        .session_id("outer")
        .user_id("user-1")
        .metadata(&json!({"tier": {"name": "gold"}}))
        .tags(["beta", "eu"])
        .prompt_template("to {city}")
        .prompt_template_version("2")
        .prompt_template_variables(&json!({"city": "Rome"}));
    traced(&pipeline, async {
        async {
            plan("go").await;
            let own = KeyValue::new("user.id", "user of the span");
            let builder = tracer.span_builder("by hand").with_attributes([own]);
            tracer.build(builder).end();
        }
        .with_scope(scope)
        .await;
        search("outside").await
    })
    .await;
    let spans = pipeline.spans().await;
    assert_eq!(spans.len(), 6, "{}", names(&spans));

    let plan = named(&spans, "plan");
    for (key, value) in [
        ("session.id", "outer"),
        ("user.id", "user-1"),
        ("metadata", r#"{"tier":{"name":"gold"}}"#),
        ("llm.prompt_template.template", "to {city}"),
        ("llm.prompt_template.version", "2"),
        ("llm.prompt_template.variables", r#"{"city":"Rome"}"#),
    ] {
        assert_eq!(plan.attr_str(key), Some(value), "{key}");
    }
    let tags = |tags: &[&str]| {
        let tags = tags
            .iter()
            .map(|tag| AttributeValue::String((*tag).to_owned()));
        AttributeValue::Array(tags.collect())
    };
    assert_eq!(plan.attr("tag.tags"), Some(&tags(&["beta", "eu"])));

    let searches: Vec<_> = spans.iter().filter(|span| span.name == "search").collect();
    let sessions: Vec<_> = searches
        .iter()
        .map(|span| span.attr_str("session.id"))
        .collect();
    assert_eq!(
        sessions,
        [Some("inner"), Some("outer"), Some("outer"), None]
    );
    assert_eq!(searches[0].attr("tag.tags"), Some(&tags(&["nested"])));
    assert_eq!(searches[0].attr_str("user.id"), Some("user-1"));
    assert_eq!(searches[3].attr("metadata"), None);

    let by_hand = named(&spans, "by hand");
    assert_eq!(by_hand.attr_str("user.id"), Some("user of the span"));
    assert_eq!(by_hand.attr_str("session.id"), Some("outer"));
    let users = by_hand
        .attributes
        .iter()
        .filter(|(key, _)| key == "user.id");
    assert_eq!(users.count(), 1, "each key is sent once");
}

#[experiment_handler(name = "run_agent")]
async fn invoke(headers: HeaderMap, body: String) -> String {
    search(&body).await;
    body
}

#[tokio::test]
async fn a_scope_around_a_handler_reaches_its_spans_and_its_metadata_goes_before_the_linkage() {
    let around = |request: Request, next: Next| {
        let metadata = json!({"tier": "gold", "run_id": "mine"});
        let scope = Scope::new().session_id("conversation").metadata(&metadata);
        next.run(request).with_scope(scope)
    };
    let router = Router::new()
        .route("/invoke", post(invoke))
        .layer(from_fn(around));
    let agent = Agent::start(router).await;
    let body = r#"{"arize_metadata": {"space_id": "s", "project_name": "p", "run_id": "theirs",
        "experiment_id": "e"}}"#;
    agent.post(&[], body).await;
    let spans = agent.spans().await;
    let (chain, tool) = (named(&spans, "run_agent"), named(&spans, "search"));
    assert_eq!(chain.attr_str("session.id"), Some("conversation"));
    assert_eq!(tool.attr_str("session.id"), Some("conversation"));
    assert_eq!(
        metadata(chain),
        json!({"experiment_id": "e", "run_id": "mine", "tier": "gold"})
    );
    assert_eq!(metadata(tool), json!({"run_id": "mine", "tier": "gold"}));
}

#[experiment_handler(
    user_id = request.input,
    scope = Scope::new()
        .session_id(&request.input)
        .user_id("of the scope")
        .metadata(&json!({"tier": "gold", "run_id": "mine"})),
)]
async fn scoped(headers: HeaderMap, request: AgentRequest<String>) -> usize {
    tokio::task::yield_now().await;
    booking(None).await + booking(Some(Scope::new().session_id("booking"))).await
}

#[chain(skip(scope), scope = scope)]
async fn booking(scope: Option<Scope>) -> usize {
    search("Rome").await
}

#[tokio::test]
async fn a_scope_of_an_attribute_reaches_its_own_span_and_every_span_inside() {
    let pipeline = Pipeline::start(&[]).await;
    let request = json!({"input": "c-7", "arize_metadata": {"space_id": "s", "project_name": "p",
        "run_id": "theirs", "experiment_id": "e"}});
    let around = Scope::new()
        .session_id("around")
        .tags(["around"])
        .metadata(&json!({"around": 1}));
    let call = async {
        let request = serde_json::from_value(request).unwrap();
        let call = async { scoped(HeaderMap::new(), request).await };
        call.with_scope(around).await;
    };
    call.with_context(pipeline.context()).await;
    traced(&pipeline, search("outside")).await;

    let spans = pipeline.spans().await;
    let handler = named(&spans, "scoped");
    assert_eq!(handler.attr_str("session.id"), Some("c-7"));
    assert_eq!(
        handler.attr_str("user.id"),
        Some("c-7"),
        "`user_id` goes before"
    );
    assert_eq!(
        metadata(handler),
        json!({"experiment_id": "e", "run_id": "mine", "tier": "gold"})
    );
    let tags = AttributeValue::Array(vec![AttributeValue::String("around".to_owned())]);
    let of = |name: &str| {
        let spans = spans.iter().filter(|span| span.name == name);
        spans
            .map(|span| span.attr_str("session.id"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("search"),
        [Some("c-7"), Some("booking"), None],
        "in the order in which they ended"
    );
    assert_eq!(of("booking"), [Some("c-7"), Some("booking")]);
    for span in spans.iter().filter(|span| span.name == "booking") {
        assert_eq!(span.attr_str("user.id"), Some("of the scope"));
        assert_eq!(span.attr("tag.tags"), Some(&tags));
        assert_eq!(metadata(span), json!({"tier": "gold", "run_id": "mine"}));
    }
}

#[tool(skip_all, scope = { asked.set(asked.get() + 1); Scope::new().session_id("own") })]
fn with_library(asked: &Cell<u32>, tracer: &SdkTracer) {
    tracer.start("by hand").end();
}

#[tool(skip_all, scope = failing(text))]
fn with_failing_scope(text: &str) -> usize {
    text.len()
}

fn failing(text: &str) -> Scope {
    panic!("no scope of {text}")
}

#[tokio::test]
async fn a_scope_of_an_attribute_is_asked_once_where_the_span_records_and_cannot_fail_the_call() {
    let pipeline = Pipeline::start(&[]).await;
    let tracer = pipeline.arize.tracer_provider().tracer("a library");
    let asked = Cell::new(0);
    traced(&pipeline, async {
        suppress_tracing(|| with_library(&asked, &tracer));
        assert_eq!(asked.get(), 0);
        with_library(&asked, &tracer);
        assert_eq!(with_failing_scope("abc"), 3);
        assert_eq!(search("after").await, 5);
    })
    .await;
    assert_eq!(asked.get(), 1);
    let spans = pipeline.spans().await;
    for name in ["with_library", "by hand"] {
        assert_eq!(named(&spans, name).attr_str("session.id"), Some("own"));
    }
    for name in ["with_failing_scope", "search"] {
        assert_eq!(named(&spans, name).attr("session.id"), None);
    }
}

/// Counts how often it is serialised.
struct Counted<'a>(&'a Cell<u32>);

impl Serialize for Counted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.set(self.0.get() + 1);
        serializer.serialize_unit()
    }
}

#[tool(skip_output)]
fn sync_tool(value: &Counted<'_>) {
    let _ = value;
}

#[tokio::test]
async fn without_tracing_no_span_starts_and_nothing_is_serialised() {
    let pipeline = Pipeline::start(&[]).await;
    let tracer = pipeline.arize.tracer_provider().tracer("a library");
    let serialised = Cell::new(0);
    traced(&pipeline, async {
        suppress_tracing(|| {
            sync_tool(&Counted(&serialised));
            tracer.start("by hand").end();
        });
        async { search("quiet").await }.without_tracing().await;
        assert_eq!(serialised.get(), 0);
        sync_tool(&Counted(&serialised));
    })
    .await;
    assert_eq!(serialised.get(), 1);
    let spans = pipeline.spans().await;
    assert_eq!(names(&spans), "sync_tool");
    assert_eq!(pipeline.arize.stats().ended, 1);
}
