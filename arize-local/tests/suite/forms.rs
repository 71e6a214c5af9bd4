//! Requests that are not all that Arize sends: what is sent, and what is judged then.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arize_local::{
    Baggage, BodyShape, Experiment, Metadata, Outcome, Receiver, Report, RequestForm, Row,
    Traceparent,
};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::agent::{self, Call, Export};

/// The space and project that this agent has of its own.
const OWN: (&str, &str) = ("own-space", "own-project");

#[derive(Clone)]
struct Agent {
    endpoint: String,
    seen: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

/// A call as an agent reads it that can do without everything: a missing trace is a new one, and a missing half of
/// the route is its own.
fn lenient(headers: &HeaderMap, body: &Value) -> Call {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let members: Vec<(&str, &str)> = header("baggage")
        .unwrap_or_default()
        .split(',')
        .filter_map(|member| member.split_once('='))
        .collect();
    let route = |field: &str, own: &str| {
        let key = format!("arize.{field}");
        let member = members.iter().find(|(name, _)| *name == key);
        body["arize_metadata"][field]
            .as_str()
            .or(member.map(|(_, value)| *value))
            .unwrap_or(own)
            .to_owned()
    };
    let mut full = headers.clone();
    let mut call_body = body.clone();
    call_body["arize_metadata"] =
        json!({"space_id": route("space_id", OWN.0), "project_name": route("project_name", OWN.1)});
    let new = header("traceparent").is_none();
    if new {
        let id = format!("00-{:032x}-{:016x}-01", unique(), 1);
        full.insert("traceparent", id.parse().expect("is ASCII"));
    }
    let mut call = Call::new(full, call_body);
    if new {
        call.parent.clear();
    }
    call
}

fn unique() -> u128 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    u128::from(NEXT.fetch_add(1, Ordering::Relaxed)) << 64 | u128::from(std::process::id())
}

async fn invoke(
    State(agent): State<Agent>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Json<Value> {
    let call = lenient(&headers, &body);
    agent.seen.lock().expect("no panic").push((headers, body));
    let client = TraceServiceClient::connect(agent.endpoint.clone()).await;
    let export = Export::new(&call.space, call.spans()).request();
    client
        .expect("connects")
        .export(export)
        .await
        .expect("is taken");
    Json(json!({"text": "a trip"}))
}

/// Runs rows in this form; gives the report and what the agent saw.
async fn run(form: RequestForm, rows: Vec<Row>) -> (Report, Vec<(HeaderMap, Value)>) {
    let receiver = Receiver::bind("127.0.0.1:0".parse().expect("an address"))
        .await
        .expect("a free port");
    let agent = Agent {
        endpoint: receiver.endpoint(),
        seen: Arc::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = agent::url(listener.local_addr().expect("is bound"));
    let app = Router::new()
        .route("/invoke", post(invoke))
        .with_state(agent.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let report = Experiment::new(url)
        .rows(rows)
        .form(form)
        .space_id("S=")
        .project("P")
        .settle(Duration::from_millis(100))
        .wait(Duration::from_millis(700))
        .run(&receiver)
        .await;
    let seen = std::mem::take(&mut *agent.seen.lock().expect("no panic"));
    (report, seen)
}

fn rows(count: u64) -> Vec<Row> {
    (1..=count)
        .map(|row| json!({"goal": "x", "row": row}).into())
        .collect()
}

/// The names of the checks with this outcome.
fn named(report: &Report, outcome: Outcome) -> Vec<&'static str> {
    let checks = report.checks.iter();
    checks
        .filter(|check| check.outcome == outcome)
        .map(|check| check.name)
        .collect()
}

#[tokio::test]
async fn a_row_may_stand_at_the_top_level_and_metadata_be_partial() {
    let mut form = RequestForm::default();
    form.body = BodyShape::TopLevel;
    form.metadata = Metadata::NoProject;
    let (report, seen) = run(form, rows(1)).await;
    assert!(report.ok(), "{:?}", report.checks);
    assert_eq!(named(&report, Outcome::Skipped), [""; 0]);
    let body = &seen[0].1;
    assert_eq!((&body["goal"], body.get("input")), (&json!("x"), None));
    assert_eq!(body["arize_metadata"]["space_id"], "S=");
    assert_eq!(body["arize_metadata"].get("project_name"), None);
}

#[tokio::test]
async fn a_request_that_names_no_route_is_not_judged_by_one() {
    for metadata in [Metadata::None, Metadata::Null, Metadata::NoProject] {
        let mut form = RequestForm::default();
        form.metadata = metadata;
        form.baggage = Baggage::None;
        let (report, seen) = run(form, rows(1)).await;
        assert!(report.ok(), "{metadata:?}: {:?}", report.checks);
        assert_eq!(named(&report, Outcome::Skipped), ["routed"]);
        let sent = seen[0].1.get("arize_metadata");
        match metadata {
            Metadata::None => assert_eq!(sent, None),
            Metadata::Null => assert_eq!(sent, Some(&Value::Null)),
            _ => assert!(sent.is_some()),
        }
        assert!(!seen[0].0.contains_key("baggage"));
    }
}

#[tokio::test]
async fn without_a_trace_rows_get_the_traces_that_fit_them() {
    let mut form = RequestForm::default();
    form.traceparent = Traceparent::None;
    let row = |n: u64| Row::from(json!({"row": n})).space_id(format!("space-{}=", n % 3));
    let (report, seen) = run(form, (1..=9).map(row).collect()).await;
    assert!(report.ok(), "{:?}", report.checks);
    assert_eq!(
        named(&report, Outcome::Skipped),
        [
            "trace-joined",
            "chain-parent",
            "tools-under-chain",
            "no-orphans"
        ]
    );
    assert!(report.rows.iter().all(|row| row.spans.len() == 4));
    assert_eq!(report.stray_spans.len(), 0);
    assert!(seen.iter().all(|(headers, _)| {
        !headers.contains_key("traceparent") && !headers.contains_key("tracestate")
    }));
}

#[tokio::test]
async fn without_a_trace_a_wrong_route_is_still_seen() {
    let mut form = RequestForm::default();
    form.traceparent = Traceparent::None;
    form.metadata = Metadata::None;
    // This agent does not read a key like this.
    form.baggage = Baggage::Other {
        space_id: "elsewhere".to_owned(),
        project: "P".to_owned(),
    };
    let (report, _) = run(form, rows(1)).await;
    assert_eq!(report.failed(), ["routed"], "{:?}", report.checks);
}

#[tokio::test]
async fn a_template_makes_the_body() {
    let mut form = RequestForm::default();
    let template = r#"{"question": "{{goal}} ({{row}})", "n": "{{row}}", "fixed": [true]}"#;
    form.template = Some(template.parse().expect("is right"));
    let (report, seen) = run(form, rows(1)).await;
    assert!(report.ok(), "{:?}", report.checks);
    let body = &seen[0].1;
    assert_eq!(body["question"], "x (1)");
    assert_eq!((&body["n"], &body["fixed"]), (&json!(1), &json!([true])));
    assert_eq!(body["arize_metadata"]["space_id"], "S=");
    assert_eq!(body.get("input"), None);
}

#[tokio::test]
async fn a_row_that_lacks_a_column_is_not_sent() {
    let mut form = RequestForm::default();
    form.template = Some(r#"{"q": "{{none}}"}"#.parse().expect("is right"));
    let (report, seen) = run(form, rows(1)).await;
    assert_eq!((report.failed(), seen.len()), (vec!["request"], 0));
    let error = report.rows[0].error.as_deref().expect("failed");
    assert!(
        error.contains("`none`") && error.contains("`goal`, `row`"),
        "{error}"
    );
}
