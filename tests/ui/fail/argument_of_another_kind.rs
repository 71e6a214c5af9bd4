use arize_runtime::{chain, experiment_handler, llm, tool};

#[chain(description = "plans")]
fn plan(goal: &str) -> String {
    goal.to_owned()
}

#[llm(parameters = "{}")]
fn complete(prompt: &str) -> String {
    prompt.to_owned()
}

#[tool(project_name = "p", headers = query, body = query, flush, kind = "LLM")]
fn search(query: &str) -> String {
    query.to_owned()
}

#[experiment_handler(
    stream,
    skip(body),
    debug(body),
    redact(body),
    skip_all,
    skip_output,
    description = "answers",
    parameters = "{}"
)]
async fn invoke(headers: http::HeaderMap, body: String) -> String {
    format!("{headers:?} {body}")
}

fn main() {}
