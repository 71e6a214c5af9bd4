use arize_runtime::{experiment_handler, tool};

#[experiment_handler(output = "text")]
async fn invoke(headers: http::HeaderMap, body: String) -> String {
    format!("{headers:?} {body}")
}

#[tool(output = |a, b| a)]
fn two(query: &str) -> String {
    query.to_owned()
}

#[tool(output = || 1)]
fn none(query: &str) -> String {
    query.to_owned()
}

#[tool(output = async |text| text)]
fn later(query: &str) -> String {
    query.to_owned()
}

#[tool(output = true)]
fn flag(query: &str) -> String {
    query.to_owned()
}

fn main() {}
