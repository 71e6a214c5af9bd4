//! `lambda_http` 1: its runtime loop against a stand-in of Lambda's Runtime API and of API Gateway.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use arize_local::Receiver;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

use crate::experiment::{any_port, failure, judge};
use crate::front::serve;

/// What is sent to the function, and where its answer goes.
type Invocation = (Value, oneshot::Sender<Answer>);
/// The answer, or that the function failed.
type Answer = Result<Value, ()>;

/// API Gateway on one side, the Runtime API on the other.
#[derive(Clone)]
struct Lambda {
    calls: mpsc::UnboundedSender<Invocation>,
    waiting: Arc<AsyncMutex<mpsc::UnboundedReceiver<Invocation>>>,
    running: Arc<Mutex<HashMap<String, oneshot::Sender<Answer>>>>,
}

impl Lambda {
    fn router() -> Router {
        let (calls, waiting) = mpsc::unbounded_channel();
        let lambda = Self {
            calls,
            waiting: Arc::new(AsyncMutex::new(waiting)),
            running: Arc::default(),
        };
        let invocation = |what| format!("/2018-06-01/runtime/invocation/{what}");
        Router::new()
            .route("/invoke", post(call))
            .route(&invocation("next"), get(next))
            .route(&invocation("{id}/response"), post(response))
            .route(&invocation("{id}/error"), post(error))
            .with_state(lambda)
    }

    fn answer(&self, id: &str, answer: Answer) -> StatusCode {
        let caller = self.running.lock().unwrap().remove(id);
        caller.unwrap().send(answer).unwrap();
        StatusCode::ACCEPTED
    }
}

/// As API Gateway calls a function, in the form 2.0 of its events.
async fn call(State(lambda): State<Lambda>, headers: HeaderMap, body: String) -> Response {
    let mut lines = HashMap::<&str, String>::new();
    for (name, value) in &headers {
        let line = lines.entry(name.as_str()).or_default();
        let separator = if line.is_empty() { "" } else { "," };
        *line += &format!("{separator}{}", value.to_str().unwrap());
    }
    let event = json!({
        "version": "2.0",
        "routeKey": "POST /invoke",
        "rawPath": "/invoke",
        "rawQueryString": "",
        "headers": lines,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": "POST",
                "path": "/invoke",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "arize-local",
            },
            "requestId": "request",
            "routeKey": "POST /invoke",
            "stage": "$default",
            "time": "23/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1_795_435_200_000_u64,
        },
        "body": body,
        "isBase64Encoded": false,
    });
    let (sender, answer) = oneshot::channel();
    lambda.calls.send((event, sender)).unwrap();
    let Ok(answer) = answer.await.unwrap() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let status = u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap();
    let body = answer["body"].as_str().unwrap().to_owned();
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

/// The function asks for its next invocation.
async fn next(State(lambda): State<Lambda>) -> Response {
    let (event, caller) = lambda.waiting.lock().await.recv().await.unwrap();
    let id = {
        let mut running = lambda.running.lock().unwrap();
        let id = format!("invocation-{}", event["headers"]["traceparent"]);
        let id = id.replace('"', "");
        running.insert(id.clone(), caller);
        id
    };
    let headers = [
        ("lambda-runtime-aws-request-id", id.as_str()),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:123456789012:function:agent",
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
        ),
    ];
    (headers, Json(event)).into_response()
}

async fn response(
    State(lambda): State<Lambda>,
    Path(id): Path<String>,
    body: String,
) -> StatusCode {
    lambda.answer(&id, Ok(serde_json::from_str(&body).unwrap()))
}

async fn error(State(lambda): State<Lambda>, Path(id): Path<String>) -> StatusCode {
    lambda.answer(&id, Err(()))
}

fn start(runtime_api: &str, collector: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_lambda_process"))
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "agent")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("ARIZE_COLLECTOR_ENDPOINT", collector)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn handlers_of_lambda_http() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let url = serve(Lambda::router()).await;
    let _function = start(url.trim_start_matches("http://"), &receiver.endpoint());
    let invoke = format!("{url}/invoke");
    judge(&invoke, &receiver).await;
    let failed = failure(&invoke, &receiver).await;
    assert_eq!(failed, "Error: no way leads there");
}
