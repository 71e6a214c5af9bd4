use std::future::Future;
use std::pin::Pin;

use arize_runtime::tool;

#[tool]
fn boxed(n: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(async move { n })
}

#[tool(skip_output)]
fn skipped(n: u32) -> impl Future<Output = u32> {
    async move { n }
}

fn main() {}
