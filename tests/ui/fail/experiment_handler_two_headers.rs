use arize_runtime::experiment_handler;
use axum::extract::Request;
use axum::http::HeaderMap;

#[experiment_handler(body = none)]
async fn invoke(headers: HeaderMap, request: Request) -> String {
    format!("{headers:?} {request:?}")
}

fn main() {}
