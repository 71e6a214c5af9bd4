use arize_runtime::tool as traced;
use arize_runtime::{chain, experiment_handler, llm, tool};

#[tool]
#[chain]
fn two(n: u32) -> u32 {
    n
}

#[tool]
#[tool]
fn twice(n: u32) -> u32 {
    n
}

#[tool]
#[chain]
#[llm]
async fn three(n: u32) -> u32 {
    n
}

#[experiment_handler(body = none)]
#[tool]
async fn handler(_headers: http::HeaderMap) -> u32 {
    1
}

#[tool(skip(_headers))]
#[experiment_handler(body = none)]
async fn tool_above(_headers: http::HeaderMap) -> u32 {
    1
}

#[chain]
#[traced]
fn alias(n: u32) -> u32 {
    n
}

#[arize_runtime::tool]
/// Words between the two.
#[arize_runtime::llm]
fn paths(n: u32) -> u32 {
    n
}

#[tool]
#[cfg_attr(all(), chain(name = "inner", nmae = 1))]
fn conditional(n: u32) -> u32 {
    n
}

struct Desk;

impl Desk {
    #[tool]
    #[chain]
    fn method(&self) -> impl Future<Output = u32> + use<> {
        async move { 1 }
    }
}

fn main() {}
