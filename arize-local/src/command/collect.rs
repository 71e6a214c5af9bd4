//! `arize-local collect`.

use std::io::{BufWriter, stdout};
use std::path::PathBuf;
use std::time::Duration;

use arize_local::{CollectOptions, Fault, StartError, stdout_takes_colour};
use clap::Args;

use super::receive::ReceiveArgs;
use super::seconds;

const EXAMPLES: &str = "\
Examples:
  # in one terminal
  arize-local collect

  # in another: any program that exports traces over OTLP, with the variables that the command prints
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317 OTEL_EXPORTER_OTLP_PROTOCOL=grpc python agent.py

  # rehearse an outage: at the first request the collector crashes, and is up again after 10 s
  arize-local collect --fault restart=10s

  # one space hangs, and a third of all other requests is refused
  arize-local collect --fault space=U3BhY2U6MTIz:hang --fault share=0.33:status=UNAVAILABLE

Colours are for terminals; NO_COLOR=1 turns them off.

Exit status: 0 ended by Ctrl-C or SIGTERM; 2 wrong usage, or it could not start.";

const FAULTS: &str = "\
A fault to show, to see what an exporter does then; may be given several times

All of them hold together: the first that is for a request, and is not over, decides how it is answered. Requests \
that none is for are answered well. It is told when a fault begins and is over, and how many requests met it.

It is written [LIMIT:]...FAULT, with times as 500ms, 10s and 2m, and these faults:

  down, down=TIME    the ports are closed (until Ctrl-C, or for a time)
  restart=TIME       a request makes the collector crash; it is down for a time (once)
  hang               requests are never answered
  slow=TIME          answers come after a time, and the spans are kept
  status=STATUS      a gRPC status by name (UNAVAILABLE), an HTTP status by number (503)
  throttle=TIME      RESOURCE_EXHAUSTED or 429, try again after a time
  unavailable=TIME   UNAVAILABLE or 503, try again after a time
  partial=N          partial success: N spans rejected
  warning            partial success: none rejected, but a message
  reset              the connection is cut, and the spans are lost
  lost-answer        the connection is cut, and the spans are kept: retries duplicate
  limit=SIZE         larger requests are refused (1000, 64KiB, 1MiB)
  tonic-limit=SIZE   the same, over gRPC as servers in Rust do: OUT_OF_RANGE
  ok                 none: to except what a later fault is for

and these limits:

  space=ID           only requests of this space
  times=N            the first N requests
  every=N            every N-th request
  share=P            at random, with probability P (0 to 1); seed=N: another sequence
  for=TIME           for a time from the start";

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

    /// A fault to show, such as `restart=10s` or `for=30s:status=503`; may be given several times
    #[arg(long, value_name = "FAULT", long_help = FAULTS)]
    fault: Vec<Fault>,

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
        faults: args.fault,
        settle: args.settle,
        json: args.json,
        colour: stdout_takes_colour(),
    };
    arize_local::collect(options, &mut BufWriter::new(stdout()), stop).await?;
    Ok(true)
}
