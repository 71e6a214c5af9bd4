use arize_runtime::experiment_handler;
use axum::http::HeaderMap;

#[experiment_handler]
fn invoke(headers: HeaderMap, body: String) -> String {
    format!("{headers:?} {body}")
}

fn main() {}
