//! `arize-local run`.

use std::path::PathBuf;
use std::time::Duration;

use arize_local::{DEFAULT_PROJECT, DEFAULT_SPACE_ID, RunOptions, StartError};
use clap::Args;

use super::agent::AgentArgs;
use super::receive::ReceiveArgs;
use super::seconds;

const EXAMPLES: &str = "\
Examples:
  # an agent that runs already, with the variables that the command prints
  arize-local run --agent http://127.0.0.1:8000/invoke --dataset rows.jsonl

  # an agent that is started and stopped with the run, and must call two tools for each row
  arize-local run --agent http://127.0.0.1:8000/invoke --dataset rows.jsonl \\
      --expect search_flights,search_hotels -- python agent.py

A dataset has one JSON value a line:
  {\"goal\": \"a weekend in Lisbon\"}

The agent's variables: ARIZE_COLLECTOR_ENDPOINT, ARIZE_API_KEY, OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_BSP_SCHEDULE_DELAY. Space and project come with each request.

Colours are for terminals; NO_COLOR=1 turns them off.

Exit status: 0 all good; 1 a row or a check failed; 2 wrong usage, or the run could not start;
130 interrupted.";

/// Sends the rows of a dataset to an agent, the way Arize runs an experiment, and checks its traces
///
/// Receives the agent's spans over OTLP (gRPC and HTTP), sends each row with the W3C headers and the metadata that
/// Arize sends, and prints the rows, each row's trace as a tree, and what is right and wrong with them.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    agent: AgentArgs,

    /// The rows to send: a file with one JSON value a line
    #[arg(long, value_name = "FILE")]
    dataset: PathBuf,

    /// The space id to ask for
    #[arg(long, value_name = "ID", default_value = DEFAULT_SPACE_ID)]
    space_id: String,

    /// The project to ask for
    #[arg(long, value_name = "NAME", default_value = DEFAULT_PROJECT)]
    project: String,

    /// How many rows are under way at once
    #[arg(long, value_name = "N", default_value = "4", value_parser = at_least_one)]
    concurrency: usize,

    /// How long an answer may take, in seconds
    #[arg(long, value_name = "SECS", default_value = "60", value_parser = seconds)]
    timeout: Duration,

    /// How long to wait at most for a row's spans after its answer or failure, in seconds
    ///
    /// The wait ends earlier: 2 s after the last span of a trace that has its CHAIN.
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = seconds)]
    wait: Duration,

    /// Tools whose spans every row must have, by tool name or span name
    #[arg(long, value_name = "TOOL,TOOL", value_delimiter = ',')]
    expect: Vec<String>,

    /// Writes the report as JSON to this file: every row, span and check in full
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    #[command(flatten)]
    receive: ReceiveArgs,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("not a number of rows; write 1 or more".to_owned()),
        Ok(number) => Ok(number),
    }
}

impl From<RunArgs> for RunOptions {
    fn from(args: RunArgs) -> Self {
        Self {
            agent: args.agent.into(),
            dataset: args.dataset,
            space_id: args.space_id,
            project: args.project,
            concurrency: args.concurrency,
            timeout: args.timeout,
            wait: args.wait,
            expect: args.expect,
            receive: args.receive.into(),
            json: args.json,
        }
    }
}

/// Runs the experiment and prints its report.
pub(crate) async fn execute(args: RunArgs) -> Result<bool, StartError> {
    let report = arize_local::run(args.into(), &mut std::io::stdout()).await?;
    report.print_to_stdout().map_err(|error| {
        format!("cannot print the report: {error}; write it to a file with `--json`")
    })?;
    Ok(report.ok())
}
