//! What a handler's span records, in every form that bodies and results have.

use arize_local::StatusCode as SpanStatus;
use arize_runtime::{AgentRequest, ArizeMetadata, experiment_handler};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::harness::{Agent, PARENT, TRACE, TRACEPARENT, named, route};

const METADATA: &str = r#""arize_metadata": {"space_id": "s", "project_name": "p", "dataset_id": "d1", "experiment_id": "e1", "run_id": "r1", "example_id": "x1"}"#;

#[derive(Debug, Deserialize)]
struct Trip {
    goal: String,
}

#[derive(Debug, Serialize)]
struct Answer {
    text: String,
    cost: u32,
}

#[derive(Debug)]
struct AppError;

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_GATEWAY, "upstream").into_response()
    }
}

/// What the span of one posted body says.
struct Recorded {
    status: StatusCode,
    input: Option<(String, String)>,
    output: Option<(String, String)>,
    error: Option<String>,
    metadata: Option<Value>,
}

async fn recorded(router: Router, body: &str) -> Recorded {
    let agent = Agent::with_environment(
        router,
        &[("ARIZE_SPACE_ID", "s"), ("ARIZE_PROJECT_NAME", "p")],
    )
    .await;
    let (status, _) = agent
        .post(&[("traceparent", TRACEPARENT)], body.to_owned())
        .await;
    let spans = agent.spans().await;
    assert_eq!(spans.len(), 1);
    let span = &spans[0];
    assert_eq!(
        (span.trace_id.as_str(), span.parent_span_id.as_deref()),
        (TRACE, Some(PARENT))
    );
    let pair = |value: &str, mime: &str| {
        Some((
            span.attr_str(value)?.to_owned(),
            span.attr_str(mime)?.to_owned(),
        ))
    };
    Recorded {
        status,
        input: pair("input.value", "input.mime_type"),
        output: pair("output.value", "output.mime_type"),
        error: (span.status.code == SpanStatus::Error).then(|| span.status.message.clone()),
        metadata: span
            .attr_str("metadata")
            .map(|json| serde_json::from_str(json).unwrap()),
    }
}

fn text(value: &str) -> Option<(String, String)> {
    pair(value, "text/plain")
}

fn json_text(value: &str) -> Option<(String, String)> {
    pair(value, "application/json")
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what may be absent")]
fn pair(value: &str, mime_type: &str) -> Option<(String, String)> {
    Some((value.to_owned(), mime_type.to_owned()))
}

#[tokio::test]
async fn the_documented_handler_records_goal_text_and_linkage() {
    #[experiment_handler(name = "run_agent", input = &request.input.goal, output = |answer| &answer.text)]
    async fn invoke(
        headers: HeaderMap,
        Json(request): Json<AgentRequest<Trip>>,
    ) -> Result<Json<Answer>, AppError> {
        Ok(Json(Answer {
            text: format!("to {}", request.input.goal),
            cost: 3,
        }))
    }
    for body in [
        format!(r#"{{"input": {{"goal": "Lisbon"}}, {METADATA}}}"#),
        format!(r#"{{"goal": "Lisbon", {METADATA}}}"#),
    ] {
        let recorded = recorded(Router::new().route("/invoke", post(invoke)), &body).await;
        assert_eq!(recorded.input, text("Lisbon"));
        assert_eq!(recorded.output, text("to Lisbon"));
        assert_eq!(recorded.error, None);
        let linkage =
            json!({"dataset_id": "d1", "example_id": "x1", "experiment_id": "e1", "run_id": "r1"});
        assert_eq!(recorded.metadata, Some(linkage));
    }
}

#[tokio::test]
async fn agent_request_records_the_input_as_it_came() {
    #[experiment_handler]
    async fn invoke(headers: HeaderMap, Json(request): Json<AgentRequest<Trip>>) -> Json<Value> {
        Json(json!(request.input.goal))
    }
    let router = || Router::new().route("/invoke", post(invoke));
    let a = recorded(
        router(),
        &format!(r#"{{"input": {{"goal": "x", "n": 1.50}}, {METADATA}}}"#),
    )
    .await;
    assert_eq!(a.input, json_text(r#"{"goal": "x", "n": 1.50}"#));
    let b = recorded(router(), &format!(r#"{{"goal": "x", {METADATA}, "n": 2}}"#)).await;
    assert_eq!(b.input, json_text(r#"{"goal":"x","n":2}"#));
    assert_eq!(b.output, text("x"));
}

#[tokio::test]
async fn nothing_in_the_metadata_makes_a_typed_request_fail() {
    #[experiment_handler]
    async fn invoke(headers: HeaderMap, Json(request): Json<AgentRequest<Trip>>) -> String {
        request.input.goal
    }
    #[derive(Deserialize, Serialize)]
    struct Own {
        goal: String,
        #[serde(default)]
        arize_metadata: ArizeMetadata,
    }
    #[experiment_handler]
    async fn own(headers: HeaderMap, Json(body): Json<Own>) -> String {
        body.goal
    }
    for metadata in [
        "null",
        "7",
        "\"x\"",
        "[]",
        r#"{"space_id": 7, "run_id": []}"#,
    ] {
        let body = format!(r#"{{"goal": "x", "arize_metadata": {metadata}}}"#);
        let ours = recorded(Router::new().route("/invoke", post(invoke)), &body).await;
        assert_eq!(
            (ours.status, ours.output),
            (StatusCode::OK, text("x")),
            "{metadata}"
        );
        let own = recorded(Router::new().route("/invoke", post(own)), &body).await;
        assert_eq!(
            (own.status, own.input),
            (StatusCode::OK, json_text(r#"{"goal":"x"}"#)),
            "{metadata}"
        );
    }
}

#[tokio::test]
async fn bytes_text_and_value_bodies_are_read() {
    #[experiment_handler]
    async fn bytes(headers: HeaderMap, body: Bytes) -> StatusCode {
        assert!(!body.is_empty());
        StatusCode::OK
    }
    #[experiment_handler]
    async fn string(headers: HeaderMap, body: String) -> String {
        body
    }
    #[experiment_handler]
    async fn value(headers: HeaderMap, Json(body): Json<Value>) -> Json<Value> {
        Json(body)
    }
    let routers = || {
        [
            Router::new().route("/invoke", post(bytes)),
            Router::new().route("/invoke", post(string)),
            Router::new().route("/invoke", post(value)),
        ]
    };
    for router in routers() {
        let recorded = recorded(router, r#"{"input": "a question", "arize_metadata": {}}"#).await;
        assert_eq!(recorded.input, text("a question"));
    }
    for router in routers() {
        assert_eq!(
            recorded(router, r#"{"input":[1]}"#).await.input,
            json_text("[1]")
        );
    }
    let not_json = recorded(Router::new().route("/invoke", post(string)), "plain words").await;
    assert_eq!(not_json.input, text("plain words"));
}

#[tokio::test]
async fn errors_are_recorded_and_reach_the_caller() {
    #[experiment_handler(output = |answer| &answer.text)]
    async fn invoke(headers: HeaderMap, body: String) -> Result<Json<Answer>, AppError> {
        if body.is_empty() {
            Ok(Json(Answer {
                text: body,
                cost: 1,
            }))
        } else {
            Err(AppError)
        }
    }
    #[experiment_handler]
    async fn unavailable(headers: HeaderMap, body: String) -> (StatusCode, Json<String>) {
        (StatusCode::SERVICE_UNAVAILABLE, Json(body))
    }
    #[experiment_handler]
    async fn response(headers: HeaderMap, body: String) -> Response {
        (StatusCode::NOT_FOUND, body).into_response()
    }
    let failed = recorded(Router::new().route("/invoke", post(invoke)), "x").await;
    assert_eq!(
        (failed.status, failed.output),
        (StatusCode::BAD_GATEWAY, None)
    );
    assert_eq!(failed.error.as_deref(), Some("AppError"));
    let busy = recorded(Router::new().route("/invoke", post(unavailable)), "x").await;
    assert_eq!(busy.error.as_deref(), Some("503: Service Unavailable"));
    assert_eq!(busy.output, text("x"));
    let missing = recorded(Router::new().route("/invoke", post(response)), "x").await;
    assert_eq!((missing.error, missing.output), (None, None));
}

#[tokio::test]
async fn the_headers_link_where_the_body_does_not() {
    #[experiment_handler]
    async fn invoke(headers: HeaderMap, body: String) -> String {
        body
    }
    let environment = [("ARIZE_SPACE_ID", "s"), ("ARIZE_PROJECT_NAME", "p")];
    let agent =
        Agent::with_environment(Router::new().route("/invoke", post(invoke)), &environment).await;
    let headers = [
        ("x-arize-experiment-id", "e-header"),
        ("x-arize-experiment-run-id", "r-header"),
    ];
    agent
        .post(&headers, r#"{"arize_metadata": {"run_id": "r-body"}}"#)
        .await;
    let spans = agent.spans().await;
    let metadata: Value =
        serde_json::from_str(named(&spans, "invoke").attr_str("metadata").unwrap()).unwrap();
    assert_eq!(
        metadata,
        json!({"experiment_id": "e-header", "run_id": "r-body"})
    );
}

#[tokio::test]
async fn baggage_that_cannot_be_a_route_counts_as_absent() {
    #[experiment_handler]
    async fn invoke(headers: HeaderMap, body: String) -> String {
        body
    }
    let environment = [("ARIZE_SPACE_ID", "s-env"), ("ARIZE_PROJECT_NAME", "p-env")];
    let router = Router::new().route("/invoke", post(invoke));
    let agent = Agent::with_environment(router, &environment).await;
    for baggage in [
        "arize.space_id=s%C3%A4",
        "arize.space_id=%20,arize.project_name=%20%20",
    ] {
        agent.post(&[("baggage", baggage)], "x").await;
    }
    for span in agent.spans().await {
        assert_eq!(route(&span), ("s-env", "s-env", "p-env"));
    }
    assert_eq!(agent.pipeline.arize.stats().exported, 2);
}

#[tokio::test]
async fn the_defaults_in_code_come_last() {
    #[experiment_handler(project_name = "from the attribute", kind = "AGENT")]
    async fn invoke(headers: HeaderMap, body: String) -> String {
        body
    }
    let agent = Agent::with_environment(
        Router::new().route("/invoke", post(invoke)),
        &[("ARIZE_SPACE_ID", "s")],
    )
    .await;
    agent.post(&[], "x").await;
    let spans = agent.spans().await;
    assert_eq!(
        spans[0].attr_str("arize.project.name"),
        Some("from the attribute")
    );
    assert_eq!(spans[0].openinference_kind(), Some("AGENT"));
}

/// As an event of AWS Lambda has it.
#[derive(Serialize, Deserialize)]
struct Event {
    body: Option<String>,
}

#[tokio::test]
async fn a_body_that_is_a_text_of_json_is_read() {
    #[experiment_handler(body = event.body)]
    async fn optional(headers: HeaderMap, Json(event): Json<Event>) -> String {
        format!("{}{}", headers.len(), event.body.is_some())
    }
    #[experiment_handler(body = event["body"])]
    async fn value(headers: HeaderMap, Json(event): Json<Value>) -> String {
        format!("{}{}", headers.len(), event["body"].is_string())
    }
    let router = Router::new().route("/invoke", post(optional));
    let agent = Agent::start(router).await;
    let body = format!(r#"{{"input": "Lisbon \"1\"", {METADATA}}}"#);
    agent.post(&[], json!({ "body": body }).to_string()).await;
    agent.post(&[], r#"{"body": null}"#).await;
    let spans = agent.spans().await;
    assert_eq!(spans.len(), 1, "without a body there is no route");
    assert_eq!(route(&spans[0]), ("s", "s", "p"));
    assert_eq!(spans[0].attr_str("input.value"), Some("Lisbon \"1\""));

    let event = json!({ "body": body }).to_string();
    let by_value = recorded(Router::new().route("/invoke", post(value)), &event).await;
    assert_eq!(by_value.input, text("Lisbon \"1\""));
    assert_eq!(by_value.metadata.unwrap()["run_id"], "r1");
    let absent = Router::new().route("/invoke", post(optional));
    assert_eq!(recorded(absent, r#"{"body": null}"#).await.input, None);
    let words = Router::new().route("/invoke", post(optional));
    let words = recorded(words, r#"{"body": "no json"}"#).await;
    assert_eq!(words.input, text("no json"));
}
