use arize_runtime::experiment_handler;
use axum::http::HeaderMap;

#[experiment_handler(name = "", kind = "TOOLS", project_name = 7, output = "text", input = request.goal)]
async fn invoke(headers: HeaderMap, body: String) -> String {
    format!("{headers:?} {body}")
}

#[experiment_handler(input = request.goal)]
async fn unknown_name(headers: HeaderMap, body: String) -> String {
    format!("{headers:?} {body}")
}

fn main() {}
