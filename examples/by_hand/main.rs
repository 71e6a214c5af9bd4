//! The travel agent once more, with OpenTelemetry alone: no attributes, no `arize-runtime`.
//!
//! It passes the same checks. Read it beside `travel_agent` to see what the attributes do;
//! `telemetry.rs` has what `arize-runtime` does, `agent.rs` and `tools.rs` what is left for every
//! function.

mod agent;
#[path = "../travel_agent/data.rs"]
mod data;
#[path = "../travel_agent/experiment.rs"]
mod experiment;
#[path = "../travel_agent/flights_service.rs"]
mod flights_service;
#[path = "../travel_agent/model.rs"]
mod model;
mod telemetry;
mod tools;

use std::error::Error;
use std::process::ExitCode;

use arize_local::Receiver;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let receiver = Receiver::bind("127.0.0.1:0".parse()?).await?;
    let provider = telemetry::install(receiver.endpoint());
    let agent = agent::router(flights_service::start().await?);
    let report = experiment::run(agent, &receiver).await?;
    // `shutdown` alone would not tell of a failure, and both block: on a runtime of one thread they
    // would wait for themselves.
    tokio::task::spawn_blocking(move || provider.force_flush().and_then(|()| provider.shutdown()))
        .await??;
    Ok(ExitCode::from(u8::from(!report.ok())))
}
