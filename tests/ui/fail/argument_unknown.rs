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

#[chain(fields(items = 3), ret, level = "debug")]
fn of_instrument(query: &str) -> String {
    query.to_owned()
}

fn main() {}
