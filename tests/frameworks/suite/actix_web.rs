//! actix-web 4: futures that cannot be sent, headers of its own, a runtime for each worker.

use std::net::TcpListener;

use actix_web::dev::Service as _;
use actix_web::error::ErrorInternalServerError;
use actix_web::rt::System;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, ResponseError, post, web};
use arize_runtime::{AgentRequest, experiment_handler};
use frameworks::{Answer, NoWay, Trip, plan};
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;

use crate::experiment::{Pipeline, any_port, failure, judge};

#[derive(Debug)]
struct AppError(NoWay);

impl std::fmt::Display for AppError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for AppError {}

#[post("/below")]
#[experiment_handler(name = "run_agent")]
async fn below(
    request: HttpRequest,
    web::Json(body): web::Json<AgentRequest<Trip>>,
) -> Result<web::Json<Answer>, AppError> {
    let answer = plan(&body.input.goal).await.map_err(AppError)?;
    Ok(web::Json(answer))
}

#[experiment_handler(name = "run_agent")]
#[post("/above")]
async fn above(request: HttpRequest, body: web::Bytes) -> actix_web::Result<web::Json<Answer>> {
    let body: AgentRequest<Trip> = serde_json::from_slice(&body)?;
    let answer = plan(&body.input.goal).await;
    answer.map(web::Json).map_err(ErrorInternalServerError)
}

#[post("/response")]
#[experiment_handler(name = "run_agent")]
async fn response(request: HttpRequest, body: String) -> HttpResponse {
    match answer(&body).await {
        Ok(answer) => HttpResponse::Ok().json(answer),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

#[post("/described")]
#[experiment_handler(name = "run_agent", output = |sent| sent.status().as_u16())]
async fn described(request: HttpRequest, body: String) -> HttpResponse {
    match answer(&body).await {
        Ok(answer) => HttpResponse::Ok().json(answer),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

#[post("/responder")]
#[experiment_handler(name = "run_agent")]
async fn responder(request: HttpRequest, body: String) -> impl Responder {
    answer(&body).await.map(web::Json).map_err(AppError)
}

async fn answer(body: &str) -> Result<Answer, NoWay> {
    let body: AgentRequest<Trip> = serde_json::from_str(body).unwrap();
    plan(&body.input.goal).await
}

fn serve(context: Context) -> String {
    let listener = TcpListener::bind(any_port()).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = move || {
        let context = context.clone();
        App::new()
            .service(below)
            .service(above)
            .service(response)
            .service(described)
            .service(responder)
            .wrap_fn(move |request, service| service.call(request).with_context(context.clone()))
    };
    std::thread::spawn(move || {
        let server = HttpServer::new(app).workers(2).disable_signals();
        System::new().block_on(server.listen(listener).unwrap().run())
    });
    url
}

#[tokio::test]
async fn handlers_of_actix_web() {
    let pipeline = Pipeline::start().await;
    let url = serve(pipeline.context());
    for path in ["below", "above", "responder", "described"] {
        judge(&format!("{url}/{path}"), &pipeline.receiver).await;
    }
    for (path, message) in [
        ("below", "AppError: no way leads there"),
        ("above", "Error: no way leads there"),
        ("responder", "AppError: no way leads there"),
        ("response", "500: Internal Server Error"),
    ] {
        let failed = failure(&format!("{url}/{path}"), &pipeline.receiver).await;
        assert_eq!(failed, message, "{path}");
    }
}
