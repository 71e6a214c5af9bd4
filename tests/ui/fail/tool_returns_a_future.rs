use std::future::Future;
use std::pin::Pin;

use arize_runtime::tool;

type Later = Pin<Box<dyn Future<Output = u32> + Send>>;

#[tool]
fn aliased(n: u32) -> Later {
    Box::pin(async move { n })
}

#[tool(skip_output)]
async fn twice(n: u32) -> impl Future<Output = u32> {
    async move { n }
}

fn main() {}
