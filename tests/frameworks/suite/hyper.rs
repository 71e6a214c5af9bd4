//! hyper 1: one request has the headers and the body.

use std::convert::Infallible;

use arize_runtime::{AgentRequest, experiment_handler};
use bytes::Bytes;
use frameworks::{Answer, NoWay, Trip, plan};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use tokio::net::TcpListener;

use crate::experiment::{Pipeline, any_port, failure, judge};

#[experiment_handler(name = "run_agent")]
async fn bytes(request: Request<Bytes>) -> Response<String> {
    let body: AgentRequest<Trip> = serde_json::from_slice(request.body()).unwrap();
    respond(plan(&body.input.goal).await)
}

#[experiment_handler(name = "run_agent")]
async fn typed(request: Request<AgentRequest<Trip>>) -> Result<Answer, NoWay> {
    plan(&request.body().input.goal).await
}

/// The body is collected inside, so the baggage header alone has the route.
#[experiment_handler(name = "run_agent", body = none, input = request.uri().path())]
async fn incoming(request: Request<Incoming>) -> Response<String> {
    let body: AgentRequest<Trip> = serde_json::from_slice(&collected(request).await).unwrap();
    respond(plan(&body.input.goal).await)
}

async fn collected(request: Request<Incoming>) -> Bytes {
    request.into_body().collect().await.unwrap().to_bytes()
}

fn respond(planned: Result<Answer, NoWay>) -> Response<String> {
    let (status, text) = match planned {
        Ok(answer) => (StatusCode::OK, serde_json::to_string(&answer).unwrap()),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    };
    let response = Response::builder().status(status);
    response.body(text).unwrap()
}

async fn route(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let path = request.uri().path().to_owned();
    if path == "/incoming" {
        return Ok(incoming(request).await);
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    if path == "/bytes" {
        return Ok(bytes(Request::from_parts(parts, body)).await);
    }
    let body = serde_json::from_slice(&body).unwrap();
    Ok(respond(typed(Request::from_parts(parts, body)).await))
}

async fn serve(context: Context) -> String {
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let context = context.clone();
            let service = service_fn(move |request| route(request).with_context(context.clone()));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    url
}

#[tokio::test]
async fn handlers_of_hyper() {
    let pipeline = Pipeline::start().await;
    let url = serve(pipeline.context()).await;
    for path in ["bytes", "typed"] {
        judge(&format!("{url}/{path}"), &pipeline.receiver).await;
    }
    for (path, message) in [
        ("bytes", "500: Internal Server Error"),
        ("typed", "NoWay: no way leads there"),
        ("incoming", "500: Internal Server Error"),
    ] {
        let failed = failure(&format!("{url}/{path}"), &pipeline.receiver).await;
        assert_eq!(failed, message, "{path}");
    }
}
