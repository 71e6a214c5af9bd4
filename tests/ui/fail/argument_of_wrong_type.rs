use arize_runtime::{experiment_handler, tool};

const NAME: &str = "search";

#[tool(name = 7, description = 'c')]
fn other_literals(query: &str) -> String {
    query.to_owned()
}

#[tool(name = b"bytes", description = c"c", parameters = true)]
fn other_strings(query: &str) -> String {
    query.to_owned()
}

#[tool(name = NAME, description = concat!("a", "b"), parameters = "a".to_owned())]
fn expressions(query: &str) -> String {
    query.to_owned()
}

#[tool(name("search"), description "Searches.", parameters: "{}")]
fn no_equals_sign(query: &str) -> String {
    query.to_owned()
}

#[tool(skip_all = true, skip_output = "yes", stream(true))]
fn flags(query: &str) -> String {
    query.to_owned()
}

#[tool(skip = query, debug, redact())]
fn no_lists(query: &str) -> String {
    query.to_owned()
}

#[tool(skip("query", 3, &query), debug(query: u32, query = 1))]
fn no_names(query: &str) -> String {
    query.to_owned()
}

#[tool(parameters = "string")]
fn no_schema(query: &str) -> String {
    query.to_owned()
}

#[tool(crate = "crate::arize")]
fn quoted(query: &str) -> String {
    query.to_owned()
}

#[experiment_handler(kind = "TOOLS", headers = none, flush = 2, project_name = 7)]
async fn invoke(headers: http::HeaderMap, body: String) -> String {
    format!("{headers:?} {body}")
}

#[experiment_handler(kind = "tool")]
async fn lower_case(headers: http::HeaderMap, body: String) -> String {
    format!("{headers:?} {body}")
}

fn main() {}
