//! warp 0.4: the handler is a plain function that filters call.

use arize_runtime::{AgentRequest, experiment_handler};
use frameworks::{Answer, NoWay, Trip, plan};
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use tokio::net::TcpListener;
use warp::http::{HeaderMap, StatusCode};
use warp::reject::{Reject, Rejection};
use warp::reply::{Reply, Response};
use warp::{Filter, body, header, path};

use crate::experiment::{Pipeline, any_port, failure, judge};

/// Of types of one's own: the filter makes the reply.
#[experiment_handler(name = "run_agent")]
async fn typed(headers: HeaderMap, request: AgentRequest<Trip>) -> Result<Answer, NoWay> {
    plan(&request.input.goal).await
}

#[derive(Debug)]
struct Failed;

impl Reject for Failed {}

#[experiment_handler(name = "run_agent")]
async fn rejection(
    headers: HeaderMap,
    request: AgentRequest<Trip>,
) -> Result<impl Reply, Rejection> {
    let answer = plan(&request.input.goal).await;
    let answer = answer.map_err(|_| warp::reject::custom(Failed))?;
    Ok(warp::reply::json(&answer))
}

#[experiment_handler(name = "run_agent")]
async fn response(headers: HeaderMap, request: AgentRequest<Trip>) -> Response {
    reply(plan(&request.input.goal).await)
}

fn reply(planned: Result<Answer, NoWay>) -> Response {
    match planned {
        Ok(answer) => warp::reply::json(&answer).into_response(),
        Err(error) => {
            warp::reply::with_status(error.to_string(), StatusCode::INTERNAL_SERVER_ERROR)
                .into_response()
        }
    }
}

async fn serve(context: Context) -> String {
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let request = || {
        let context = context.clone();
        warp::post()
            .and(header::headers_cloned())
            .and(body::json())
            .and(warp::any().map(move || context.clone()))
    };
    let typed = path("invoke").and(request()).then(
        |headers: HeaderMap, request: AgentRequest<Trip>, context: Context| async move {
            reply(typed(headers, request).with_context(context).await)
        },
    );
    let rejection = path("rejection").and(request()).and_then(
        |headers: HeaderMap, request: AgentRequest<Trip>, context: Context| {
            rejection(headers, request).with_context(context)
        },
    );
    let response = path("response").and(request()).then(
        |headers: HeaderMap, request: AgentRequest<Trip>, context: Context| {
            response(headers, request).with_context(context)
        },
    );
    let routes = typed.or(rejection).or(response);
    tokio::spawn(warp::serve(routes).incoming(listener).run());
    url
}

#[tokio::test]
async fn handlers_of_warp() {
    let pipeline = Pipeline::start().await;
    let url = serve(pipeline.context()).await;
    judge(&format!("{url}/invoke"), &pipeline.receiver).await;
    for (path, message) in [
        ("invoke", "NoWay: no way leads there"),
        ("rejection", "Rejection"),
        ("response", "500: Internal Server Error"),
    ] {
        let failed = failure(&format!("{url}/{path}"), &pipeline.receiver).await;
        assert_eq!(failed, message, "{path}");
    }
}
