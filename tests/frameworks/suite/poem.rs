//! poem 3: `#[handler]` makes a struct of the function, so the attribute goes below it.

use arize_runtime::{AgentRequest, experiment_handler};
use frameworks::{Answer, Trip, plan};
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use poem::error::InternalServerError;
use poem::http::{HeaderMap, StatusCode};
use poem::listener::{Acceptor as _, TcpAcceptor};
use poem::web::Json;
use poem::{Endpoint as _, EndpointExt as _, Request, Response, Route, Server, handler, post};
use tokio::net::TcpListener;

use crate::experiment::{Pipeline, any_port, failure, judge};

#[handler]
#[experiment_handler(name = "run_agent")]
async fn typed(
    headers: &HeaderMap,
    Json(request): Json<AgentRequest<Trip>>,
) -> poem::Result<Json<Answer>> {
    let answer = plan(&request.input.goal).await;
    answer.map(Json).map_err(InternalServerError)
}

/// A request and a response of poem's own, with the feature `poem`.
#[experiment_handler(name = "run_agent")]
#[handler]
async fn response(request: &Request, body: String) -> Response {
    let body: AgentRequest<Trip> = serde_json::from_str(&body).unwrap();
    match plan(&body.input.goal).await {
        Ok(answer) => answer.text.into(),
        Err(error) => Response::builder()
            .status(StatusCode::INTERNAL_SERVER_ERROR)
            .body(error.to_string()),
    }
}

async fn serve(context: Context) -> String {
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
    let url = format!(
        "http://{}",
        acceptor.local_addr()[0].as_socket_addr().unwrap()
    );
    let app = Route::new()
        .at("/invoke", post(typed))
        .at("/response", post(response))
        .around(move |endpoint, request| {
            let context = context.clone();
            async move { endpoint.call(request).with_context(context).await }
        });
    tokio::spawn(Server::new_with_acceptor(acceptor).run(app));
    url
}

#[tokio::test]
async fn handlers_of_poem() {
    let pipeline = Pipeline::start().await;
    let url = serve(pipeline.context()).await;
    judge(&format!("{url}/invoke"), &pipeline.receiver).await;
    for (path, message) in [
        ("invoke", "Error: no way leads there"),
        ("response", "500: Internal Server Error"),
    ] {
        let failed = failure(&format!("{url}/{path}"), &pipeline.receiver).await;
        assert_eq!(failed, message, "{path}");
    }
}
