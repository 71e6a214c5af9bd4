use arize_runtime::{Scope, chain, experiment_handler, tool};

#[tool(scope = session)]
fn search(session: &str) -> bool {
    session.is_empty()
}

#[experiment_handler(body = none, scope = Scope::new)]
async fn invoke(_headers: http::HeaderMap) -> String {
    String::new()
}

#[chain(scope, scope = Scope::new())]
fn twice() {}

fn main() {}
