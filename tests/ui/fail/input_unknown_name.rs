use arize_runtime::{experiment_handler, tool};

#[experiment_handler(input = request.goal)]
async fn invoke(headers: http::HeaderMap, body: String) -> String {
    format!("{headers:?} {body}")
}

#[tool(input = qeury)]
fn search(query: &str) -> String {
    query.to_owned()
}

fn main() {}
