//! `arize-local collect`.

use std::io::{BufWriter, stdout};
use std::path::PathBuf;
use std::time::Duration;

use arize_local::{CollectOptions, StartError, stdout_takes_colour};
use clap::Args;

use super::receive::ReceiveArgs;
use super::seconds;

const EXAMPLES: &str = "\
Examples:
  # in one terminal
  arize-local collect

  # in another: any program that exports traces over OTLP, with the variables that the command prints
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317 OTEL_EXPORTER_OTLP_PROTOCOL=grpc python agent.py

Colours are for terminals; NO_COLOR=1 turns them off.

Exit status: 0 ended by Ctrl-C or SIGTERM; 2 wrong usage, or it could not start.";

/// Receives spans until Ctrl-C, and prints each trace as a tree when it is complete
///
/// A trace is complete when it has been quiet for 2 s (`--settle`), or for 10 s if a span of it has a parent that is
/// still to come. What comes later is printed as more of it.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CollectArgs {
    /// How long a trace must be quiet to count as complete, in seconds
    #[arg(long, value_name = "SECS", default_value = "2", value_parser = seconds)]
    settle: Duration,

    /// Writes the spans of the printed traces to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    #[command(flatten)]
    receive: ReceiveArgs,
}

/// Collects until `stop`.
pub(crate) async fn execute(
    args: CollectArgs,
    stop: impl Future<Output = ()>,
) -> Result<bool, StartError> {
    let options = CollectOptions {
        receive: args.receive.try_into()?,
        settle: args.settle,
        json: args.json,
        colour: stdout_takes_colour(),
    };
    arize_local::collect(options, &mut BufWriter::new(stdout()), stop).await?;
    Ok(true)
}
