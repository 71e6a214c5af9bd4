use arize_runtime::{experiment_handler, tool};

#[tool(name = "", description = "  ", parameters = "\n")]
fn search(query: &str) -> String {
    query.to_owned()
}

#[experiment_handler(name = " ", project_name = "", kind = "")]
async fn invoke(headers: http::HeaderMap, body: String) -> String {
    format!("{headers:?} {body}")
}

#[tool(name, description = , input, output, crate)]
fn no_values(query: &str) -> String {
    query.to_owned()
}

fn main() {}
