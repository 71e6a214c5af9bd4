//! An agent whose work is done by another process, in one tree over both.
//!
//! `cargo run --example subprocess_agent` needs no account: `arize-local` plays Arize. The program is its own child: started
//! with `--child`, it does what a command line agent would.

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use arize_local::{Experiment, Receiver, Row};
use arize_runtime::{
    AgentRequest, CommandContextExt, context_from_env, experiment_handler, llm,
    register_with_routing, tool,
};
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use opentelemetry::context::FutureExt;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("--child"), Some(question)) => child(&question).await,
        _ => parent().await,
    }
}

#[experiment_handler(name = "run_agent")]
async fn invoke(headers: HeaderMap, Json(request): Json<AgentRequest<String>>) -> Json<String> {
    let answer = ask_agent(&request.input).await;
    Json(answer.unwrap_or_else(|error| error.to_string()))
}

/// Ask the agent that is a program of its own.
#[tool]
async fn ask_agent(question: &str) -> std::io::Result<String> {
    let output = Command::new(env::current_exe()?)
        .args(["--child", question])
        .trace_context() // its spans are below this one
        .export_to_arize() // in the same space and project; with the key, so for programs that may have it
        .output()
        .await?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The other process: it finds exporter and parent in its environment.
async fn child(question: &str) -> Result<ExitCode, Box<dyn Error>> {
    let arize = register_with_routing().install()?;
    let answer = think(question).with_context(context_from_env()).await;
    println!("{answer}");
    arize.shutdown(Duration::from_secs(5)).await?;
    Ok(ExitCode::SUCCESS)
}

#[llm]
async fn think(question: &str) -> String {
    format!("{} letters", question.len())
}

async fn parent() -> Result<ExitCode, Box<dyn Error>> {
    let receiver = Receiver::bind("127.0.0.1:0".parse()?).await?;
    let arize = register_with_routing()
        .endpoint(receiver.endpoint())
        .install()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/invoke", listener.local_addr()?);
    let agent = Router::new().route("/invoke", post(invoke));
    tokio::spawn(axum::serve(listener, agent).into_future());

    let row = |question| {
        Row::from(json!(question))
            .space_id("U3BhY2U6MTIz")
            .project("questions")
    };
    let report = Experiment::new(url)
        .rows(["what is the weather?", "why?"].map(row).to_vec())
        .expect_tools(["ask_agent", "think"])
        .settle(Duration::from_millis(200))
        .run(&receiver)
        .await;
    report.print_to_stdout()?;
    arize.shutdown(Duration::from_secs(5)).await?;
    Ok(ExitCode::from(u8::from(!report.ok())))
}
