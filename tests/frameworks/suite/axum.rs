//! axum 0.8: the Context goes around each request in a middleware.

use arize_runtime::{AgentRequest, experiment_handler};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router, debug_handler};
use bytes::Bytes;
use frameworks::{Answer, NoWay, Trip, plan};
use opentelemetry::context::FutureExt as _;

use crate::experiment::{Pipeline, failure, judge};
use crate::front::serve;

#[derive(Debug)]
struct AppError(NoWay);

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.0.to_string()).into_response()
    }
}

#[debug_handler]
#[experiment_handler(name = "run_agent")]
async fn typed(
    headers: HeaderMap,
    Json(request): Json<AgentRequest<Trip>>,
) -> Result<Json<Answer>, AppError> {
    let answer = plan(&request.input.goal).await.map_err(AppError)?;
    Ok(Json(answer))
}

/// A response that says nothing of itself but its status.
#[experiment_handler(name = "run_agent")]
#[debug_handler]
async fn response(headers: HeaderMap, body: Bytes) -> Response {
    let request: AgentRequest<Trip> = serde_json::from_slice(&body).unwrap();
    let planned = plan(&request.input.goal).await;
    planned.map(Json).map_err(AppError).into_response()
}

#[tokio::test]
async fn handlers_of_axum() {
    let pipeline = Pipeline::start().await;
    let context = pipeline.context();
    let around = move |request: Request, next: Next| {
        let context = context.clone();
        async move { next.run(request).with_context(context).await }
    };
    let router = Router::new()
        .route("/invoke", post(typed))
        .route("/response", post(response))
        .layer(from_fn(around));
    let url = serve(router).await;
    let (invoke, response) = (format!("{url}/invoke"), format!("{url}/response"));
    judge(&invoke, &pipeline.receiver).await;
    let failed = failure(&invoke, &pipeline.receiver).await;
    assert_eq!(failed, "AppError");
    let failed = failure(&response, &pipeline.receiver).await;
    assert_eq!(failed, "500: Internal Server Error");
}
