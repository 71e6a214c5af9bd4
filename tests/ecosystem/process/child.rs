//! A child process with the calls that a user would write; the suite starts it.

use std::error::Error;
use std::time::Duration;

use arize_runtime::{context_from_env, tool};
use opentelemetry::context::FutureExt as _;

#[tool]
async fn rust_child(task: &str) -> String {
    format!("done: {task}")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arize = arize_runtime::register_with_routing().install()?;
    let task = std::env::args().nth(1).unwrap_or_default();
    rust_child(&task).with_context(context_from_env()).await;
    arize.shutdown(Duration::from_secs(10)).await?;
    Ok(())
}
