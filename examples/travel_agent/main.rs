//! A travel agent behind HTTP, traced, and the experiment that shows it.
//!
//! `cargo run --example travel_agent` runs an experiment on this machine and needs no account. With
//! `ARIZE_API_KEY` set, or with `--serve`, it serves the agent instead, for Arize or `arize-local`
//! to call.

mod agent;
mod data;
mod experiment;
mod flights_service;
mod model;
mod tools;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use arize_local::Receiver;
use arize_runtime::{register_with_routing, shutdown_signal};
use axum::Router;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let agent = agent::router(flights_service::start().await?);
    let has_key = env::var_os("ARIZE_API_KEY").is_some_and(|key| !key.is_empty());
    if has_key || env::args().any(|argument| argument == "--serve") {
        serve(agent).await
    } else {
        run_experiment(agent).await
    }
}

/// Serves the agent and sends its spans to Arize, or to `ARIZE_COLLECTOR_ENDPOINT`.
async fn serve(agent: Router) -> Result<ExitCode, Box<dyn Error>> {
    let arize = register_with_routing().install()?;
    let port = env::var("PORT").unwrap_or_else(|_| "8000".to_owned());
    let address = format!("127.0.0.1:{port}");
    let listener = TcpListener::bind(&address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}; set `PORT` to another"))?;
    println!("POST trips to http://{address}/invoke; Ctrl-C ends");
    axum::serve(listener, agent)
        .with_graceful_shutdown(shutdown_signal())
        .await?;
    arize.shutdown(Duration::from_secs(5)).await?;
    println!("spans counted by the agent: {}", arize.stats());
    Ok(ExitCode::SUCCESS)
}

/// Plays both sides: the agent, and Arize that calls it and receives its spans.
async fn run_experiment(agent: Router) -> Result<ExitCode, Box<dyn Error>> {
    let receiver = Receiver::bind("127.0.0.1:0".parse()?).await?;
    let arize = register_with_routing()
        .endpoint(receiver.endpoint())
        .install()?;
    let report = experiment::run(agent, &receiver).await?;
    arize.shutdown(Duration::from_secs(5)).await?;
    println!("spans counted by the agent: {}", arize.stats());
    Ok(ExitCode::from(u8::from(!report.ok())))
}
