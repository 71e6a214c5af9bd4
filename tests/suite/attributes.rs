//! What a function says of its span, in its attribute and in its body.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use arize_local::{AttributeValue, Receiver, Span};
use arize_runtime::attributes::{Attributes, Document, Llm, Message, Retriever};
use arize_runtime::{
    Hidden, OpenInferenceSpanKind, Routing, RoutingFutureExt as _, Scope, ScopeFutureExt as _,
    experiment_handler, llm, record, retriever, suppress_tracing, tool,
};
use axum::Router;
use axum::routing::post;
use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::KeyValue;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::harness::{Agent, Pipeline, any_port, named, registration};

/// Awaits `work` where spans are recorded and routed.
pub(crate) async fn traced<T>(pipeline: &Pipeline, work: impl Future<Output = T>) -> T {
    let routing = Routing::new("s", "p").unwrap();
    async { work.with_routing(routing).await }
        .with_context(pipeline.context())
        .await
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::String(text.to_owned())
}

fn metadata(span: &Span) -> Value {
    serde_json::from_str(span.attr_str("metadata").unwrap_or("null")).unwrap()
}

#[derive(Serialize)]
struct Chat {
    session: Option<String>,
    user: u32,
    labels: Vec<String>,
}

#[tool]
fn inside() -> u32 {
    1
}

#[llm(
    session_id = chat.session,
    user_id = chat.user,
    metadata = json!({"turn": turn + 1}),
    tags = chat.labels,
    attributes(
        "chat.turn" = turn,
        temperature = 0.5,
        chat.first = *turn == 0,
        "chat.scores" = [1, 2],
        "chat.model" = model,
        "chat.whole" = chat,
        "chat.nothing" = None::<u32>,
    ),
    skip(chat),
)]
async fn complete(chat: Chat, turn: &u32, model: String) -> u32 {
    drop((chat, model));
    turn + inside()
}

#[tokio::test]
async fn an_attribute_says_what_the_arguments_know_and_of_this_span_only() {
    let pipeline = Pipeline::start(&[]).await;
    let chat = |session: Option<&str>| Chat {
        session: session.map(ToOwned::to_owned),
        user: 7,
        labels: vec!["beta".to_owned()],
    };
    let scope = Scope::new().session_id("scope").user_id("scope");
    traced(&pipeline, async {
        complete(chat(Some("c-1")), &0, "gpt-5".to_owned())
            .with_scope(scope)
            .await;
    })
    .await;
    traced(&pipeline, complete(chat(None), &1, String::new())).await;
    let spans = pipeline.spans().await;
    let mut calls = spans.iter().filter(|span| span.name == "complete");
    let (first, second) = (calls.next().unwrap(), calls.next().unwrap());
    for (key, value) in [
        ("session.id", text("c-1")),
        ("user.id", text("7")),
        ("metadata", text(r#"{"turn":1}"#)),
        ("tag.tags", AttributeValue::Array(vec![text("beta")])),
        ("chat.turn", AttributeValue::Int(0)),
        ("temperature", AttributeValue::Double(0.5)),
        ("chat.first", AttributeValue::Bool(true)),
        (
            "chat.scores",
            AttributeValue::Array(vec![AttributeValue::Int(1), AttributeValue::Int(2)]),
        ),
        ("chat.model", text("gpt-5")),
        (
            "chat.whole",
            text(r#"{"session":"c-1","user":7,"labels":["beta"]}"#),
        ),
        ("input.value", text(r#"{"turn":0,"model":"gpt-5"}"#)),
    ] {
        assert_eq!(first.attr(key), Some(&value), "{key}");
    }
    assert_eq!(first.attr("chat.nothing"), None);
    assert_eq!(second.attr("session.id"), None, "the argument is `None`");

    let inside = spans.iter().find(|span| span.name == "inside").unwrap();
    assert_eq!(inside.attr_str("session.id"), Some("scope"));
    assert_eq!(inside.attr("chat.turn"), None);
}

#[retriever(attributes = Attributes::new().attribute("shop.limit", &limit))]
fn find(query: &str, limit: u32) -> usize {
    record(|| {
        let page = |n: u32| Document::new(format!("{query} {n}")).id(n.to_string());
        Retriever::new().documents((0..limit).map(page))
    });
    record(
        Attributes::new()
            .session_id("own")
            .attribute("shop.limit", &"none"),
    );
    query.len()
}

#[tokio::test]
async fn what_a_span_says_of_itself_goes_before_a_scope_and_the_last_one_wins() {
    let pipeline = Pipeline::start(&[]).await;
    let scope = Scope::new().session_id("scope").user_id("scope");
    traced(&pipeline, async {
        scope.run(|| find("Rome", 2));
    })
    .await;
    let spans = pipeline.spans().await;
    let span = named(&spans, "find");
    assert_eq!(span.attr_str("session.id"), Some("own"));
    assert_eq!(span.attr_str("user.id"), Some("scope"));
    assert_eq!(span.attr_str("shop.limit"), Some("none"));
    let content = "retrieval.documents.1.document.content";
    assert_eq!(span.attr_str(content), Some("Rome 1"));
    let mut keys = BTreeMap::new();
    for (key, _) in &span.attributes {
        *keys.entry(key).or_insert(0) += 1;
    }
    assert!(keys.values().all(|times| *times == 1), "{keys:?}");
}

#[experiment_handler(metadata = json!({"run_id": "mine", "length": body.len()}), body = none)]
async fn invoke(headers: HeaderMap, body: String) -> String {
    record(|| Attributes::new().metadata(&json!({"answered": true})));
    body
}

#[tokio::test]
async fn metadata_of_a_handler_is_merged_over_what_the_request_says() {
    let agent = Agent::start(Router::new().route("/invoke", post(invoke))).await;
    let headers = [
        ("baggage", "arize.space_id=s,arize.project_name=p"),
        ("x-arize-experiment-id", "e"),
        ("x-arize-experiment-run-id", "theirs"),
    ];
    agent.post(&headers, "hello").await;
    let spans = agent.spans().await;
    assert_eq!(
        metadata(named(&spans, "invoke")),
        json!({"experiment_id": "e", "run_id": "mine", "length": 5, "answered": true})
    );
}

#[tokio::test]
async fn a_span_of_another_library_can_be_spoken_of_as_well() {
    let pipeline = Pipeline::start(&[]).await;
    let tracer = pipeline.arize.tracer_provider().tracer("a library");
    record(Attributes::new().user_id("nobody"));
    traced(&pipeline, async {
        let span = Context::current_with_span(tracer.start("chat"));
        let guard = span.clone().attach();
        record(|| vec![KeyValue::new("own", 1), KeyValue::new("other", 2)]);
        record(|| -> Attributes { panic!("a builder of the user's") });
        suppress_tracing(|| record(Attributes::new().user_id("nobody")));
        drop(guard);
    })
    .await;
    let spans = pipeline.spans().await;
    let chat = named(&spans, "chat");
    assert_eq!(chat.attr("own"), Some(&AttributeValue::Int(1)));
    assert_eq!(chat.attr("user.id"), None);
    assert!(!chat.is_error());
}

#[tokio::test]
async fn a_span_by_hand_has_its_kind_input_and_output() {
    let pipeline = Pipeline::start(&[]).await;
    let tracer = pipeline.arize.tracer_provider().tracer("by hand");
    traced(&pipeline, async {
        let guard = Context::current_with_span(tracer.start("plan")).attach();
        let of_kind = Attributes::new().span_kind(OpenInferenceSpanKind::Agent);
        record(of_kind.input(&json!({"q": 1})).output("plain"));
        drop(guard);
        let guard = Context::current_with_span(tracer.start("no kind")).attach();
        record(Attributes::new().input("text"));
        drop(guard);
    })
    .await;
    let spans = pipeline.spans().await;
    let plan = named(&spans, "plan");
    for (key, value) in [
        ("openinference.span.kind", "AGENT"),
        ("input.value", r#"{"q":1}"#),
        ("input.mime_type", "application/json"),
        ("output.value", "plain"),
        ("output.mime_type", "text/plain"),
    ] {
        assert_eq!(plan.attr_str(key), Some(value), "{key}");
    }
    let other = named(&spans, "no kind");
    assert_eq!(other.attr_str("input.value"), Some("text"));
    assert_eq!(other.attr("openinference.span.kind"), None);
}

/// Counts how often it is serialised.
struct Counted<'a>(&'a Cell<u32>);

impl Serialize for Counted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.set(self.0.get() + 1);
        serializer.serialize_unit()
    }
}

fn count(evaluated: &Cell<u32>) -> u32 {
    evaluated.set(evaluated.get() + 1);
    evaluated.get()
}

#[tool(skip_all, session_id = value, attributes(evaluated = count(value.0)))]
fn sync_tool(value: &Counted<'_>) {
    record(|| Attributes::new().attribute("late", value));
}

static HANDLED: AtomicU32 = AtomicU32::new(0);

fn handled() -> u32 {
    HANDLED.fetch_add(1, Relaxed)
}

#[experiment_handler(attributes(handled = handled()), body = none)]
async fn handler(headers: HeaderMap) -> String {
    record(|| Attributes::new().attribute("late", &handled()));
    String::new()
}

#[tokio::test]
async fn nothing_is_evaluated_where_no_span_records() {
    const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let pipeline = Pipeline::start(&[]).await;
    let evaluated = Cell::new(0);
    sync_tool(&Counted(&evaluated));
    traced(&pipeline, async {
        suppress_tracing(|| sync_tool(&Counted(&evaluated)));
    })
    .await;
    assert_eq!(evaluated.get(), 0);
    traced(&pipeline, async { sync_tool(&Counted(&evaluated)) }).await;
    assert_eq!(evaluated.get(), 3);

    let agent = Agent::start(Router::new().route("/invoke", post(handler))).await;
    agent.post(&[("traceparent", UNSAMPLED)], "").await;
    assert_eq!(HANDLED.load(Relaxed), 0);
    agent.post(&[], "").await;
    assert_eq!(HANDLED.load(Relaxed), 2);
}

/// Fails to serialise, or panics.
struct Hostile(bool);

impl Serialize for Hostile {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        assert!(self.0, "a panic in `Serialize`");
        Err(serde::ser::Error::custom("not today"))
    }
}

#[tool(skip_all, session_id = [1], tags = 3, metadata = "gold", user_id = Hostile(true),
       attributes(failed = Hostile(true), panicked = Hostile(false), kept = 1, ended = text.parse::<u32>().unwrap(), lost = 2))]
fn hostile(text: &str) -> usize {
    text.len()
}

#[tokio::test]
async fn what_cannot_be_recorded_costs_only_itself() {
    let pipeline = Pipeline::start(&[]).await;
    let length = traced(&pipeline, async { hostile("no number") }).await;
    assert_eq!(length, 9);
    let spans = pipeline.spans().await;
    let span = named(&spans, "hostile");
    assert_eq!(span.attr("kept"), Some(&AttributeValue::Int(1)));
    for key in [
        "session.id",
        "user.id",
        "metadata",
        "tag.tags",
        "failed",
        "panicked",
        "lost",
    ] {
        assert_eq!(span.attr(key), None, "{key}");
    }
    assert_eq!(span.attr_str("output.value"), Some("9"));
    assert!(!span.is_error());
}

#[llm(skip_all)]
fn converse(turns: usize) -> &'static str {
    let messages = (0..turns).map(|n| Message::user(n.to_string()).name("u"));
    record(
        Llm::new()
            .input_messages(messages)
            .output_message(Message::assistant("secret")),
    );
    "the end"
}

#[tokio::test]
async fn a_long_conversation_arrives_whole() {
    const TURNS: usize = 1000;
    let pipeline = Pipeline::start(&[]).await;
    traced(&pipeline, async { converse(TURNS) }).await;
    let spans = pipeline.spans().await;
    let span = named(&spans, "converse");
    for turn in 0..TURNS {
        let content = format!("llm.input_messages.{turn}.message.content");
        assert_eq!(span.attr_str(&content), Some(turn.to_string().as_str()));
    }
    assert!(span.attributes.len() > 3 * TURNS);
    assert_eq!(span.attr_str("output.value"), Some("the end"));
}

#[tokio::test]
async fn what_is_hidden_is_hidden_of_the_builders_too() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let registration = registration(&receiver, &[]).hide(Hidden::OutputMessages);
    let registration = registration.hide(Hidden::RetrievalDocuments);
    let arize = registration.build().unwrap();
    let pipeline = Pipeline { receiver, arize };
    traced(&pipeline, async {
        converse(1);
        find("Rome", 1);
    })
    .await;
    let spans = pipeline.spans().await;
    let llm = named(&spans, "converse");
    assert!(!llm.to_json().to_string().contains("secret"));
    let question = "llm.input_messages.0.message.content";
    assert_eq!(llm.attr_str(question), Some("0"));
    let page = named(&spans, "find");
    let document = |field: &str| page.attr_str(&format!("retrieval.documents.0.document.{field}"));
    assert_eq!(document("content"), Some("__REDACTED__"));
    assert_eq!(document("id"), Some("0"));
}
