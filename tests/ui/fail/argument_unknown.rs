use arize_runtime::{chain, experiment_handler, tool};

#[tool(nmae = "search", frobnicate, skipp(query), session = 1)]
fn search(query: &str) -> String {
    query.to_owned()
}

#[chain(out_put = |text| text, a.b = 1)]
fn plan(goal: &str) -> String {
    goal.to_owned()
}

#[experiment_handler(header = headers)]
async fn invoke(headers: http::HeaderMap, body: String) -> String {
    format!("{headers:?} {body}")
}

fn main() {}
