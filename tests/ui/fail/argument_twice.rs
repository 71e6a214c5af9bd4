use arize_runtime::{experiment_handler, tool};

#[tool(name = "a", name = "b", skip(limit), skip(query), skip_all, skip_all, crate = a, crate = b)]
fn keys(query: &str, limit: u32) -> String {
    format!("{query}{limit}")
}

#[tool(skip(query, query), debug(limit, limit, limit))]
fn names(query: &str, limit: u32) -> String {
    format!("{query}{limit}")
}

#[tool(redact(r#type, r#type))]
fn raw(r#type: &str) -> String {
    r#type.to_owned()
}

#[experiment_handler(headers = headers, body = none, flush, body = body, flush, headers = headers)]
async fn invoke(headers: http::HeaderMap, body: String) -> String {
    format!("{headers:?} {body}")
}

fn main() {}
