//! Shapes of handlers, as axum takes them and as others do.
#![deny(
    warnings,
    missing_docs,
    unsafe_code,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]

use arize_runtime::{AgentRequest, ArizeMetadata, experiment_handler};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::post};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Needs only `Deserialize`.
#[derive(Debug, Deserialize)]
pub struct Trip {
    /// Where to.
    pub goal: String,
}

/// An answer.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// The text.
    pub text: String,
}

/// A body of one's own.
#[derive(Debug, Deserialize, Serialize)]
pub struct OwnBody {
    /// The input.
    pub input: Value,
    /// Who calls.
    #[serde(default)]
    pub arize_metadata: ArizeMetadata,
}

/// An error without a text.
#[derive(Debug)]
pub struct AppError;

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// The documented one.
#[experiment_handler(name = "run_agent", input = &request.input.goal, output = |answer| &answer.text)]
async fn typed(
    headers: HeaderMap,
    Json(request): Json<AgentRequest<Trip>>,
) -> Result<Json<Answer>, AppError> {
    std::future::ready(()).await;
    Ok(Json(Answer {
        text: request.input.goal,
    }))
}

#[experiment_handler(kind = "AGENT", project_name = "trips")]
async fn value(State(()): State<()>, headers: HeaderMap, Json(body): Json<Value>) -> Json<Value> {
    std::future::ready(()).await;
    Json(body)
}

#[experiment_handler]
async fn bytes(headers: HeaderMap, body: Bytes) -> (StatusCode, Json<Answer>) {
    std::future::ready(()).await;
    (
        StatusCode::OK,
        Json(Answer {
            text: body.len().to_string(),
        }),
    )
}

#[experiment_handler]
async fn text(headers: HeaderMap, body: String) -> Result<String, (StatusCode, String)> {
    std::future::ready(()).await;
    if body.is_empty() {
        Err((StatusCode::BAD_REQUEST, "empty".to_owned()))
    } else {
        Ok(body)
    }
}

#[experiment_handler]
async fn own(headers: HeaderMap, Json(body): Json<OwnBody>) -> impl IntoResponse {
    std::future::ready(()).await;
    body.input.to_string()
}

#[experiment_handler(body = none, input = request.uri().to_string(), output = none)]
async fn request(request: Request) -> Response {
    std::future::ready(()).await;
    request.uri().path().to_owned().into_response()
}

/// A request with its body inside.
#[experiment_handler]
async fn whole(request: axum::http::Request<Bytes>) -> axum::http::Response<Bytes> {
    std::future::ready(()).await;
    axum::http::Response::new(request.into_body())
}

#[experiment_handler(headers = request.headers())]
async fn borrowed(request: &axum::http::Request<Value>) -> usize {
    std::future::ready(()).await;
    request.headers().len()
}

/// Of gRPC.
#[experiment_handler(output = |body| &body.input)]
async fn message(
    request: tonic::Request<OwnBody>,
) -> Result<tonic::Response<OwnBody>, tonic::Status> {
    std::future::ready(()).await;
    Ok(tonic::Response::new(request.into_inner()))
}

#[experiment_handler]
async fn metadata(metadata: tonic::metadata::MetadataMap, body: AgentRequest<Trip>) -> String {
    std::future::ready(()).await;
    body.input.goal
}

/// Not of a framework.
#[derive(Debug)]
pub struct Service;

impl Service {
    /// A method over references.
    #[experiment_handler]
    pub async fn handle(&self, headers: &HeaderMap, body: &Value) -> Value {
        std::future::ready(()).await;
        let _ = headers;
        body.clone()
    }

    /// Headers and body by expression.
    #[experiment_handler(headers = pairs, body = raw)]
    pub async fn by_hand(&self, pairs: Vec<(String, String)>, raw: &str) -> usize {
        std::future::ready(()).await;
        pairs.len() + raw.len()
    }
}

fn main() {
    let _: Router = Router::new()
        .route("/typed", post(typed))
        .route("/value", post(value))
        .route("/bytes", post(bytes))
        .route("/text", post(text))
        .route("/own", post(own))
        .route("/request", post(request))
        .with_state(());
    drop(Service.handle(&HeaderMap::new(), &Value::Null));
    drop(Service.by_hand(Vec::new(), ""));
    drop(whole(axum::http::Request::default()));
    drop(borrowed(&axum::http::Request::default()));
    let _ = (message, metadata);
}
