use arize_runtime::experiment_handler;
use axum::http::HeaderMap;

#[experiment_handler]
async fn invoke(headers: HeaderMap) -> String {
    format!("{headers:?}")
}

fn main() {}
