//! `arize-local check`.

use std::path::PathBuf;
use std::time::Duration;

use arize_local::{CheckOptions, StartError};
use clap::Args;
use serde_json::Value;

use super::agent::AgentArgs;
use super::form::{Body, headers};
use super::receive::ReceiveArgs;
use super::seconds;

const EXAMPLES: &str = "\
Examples:
  # an agent that runs already, with the variables that the command prints
  arize-local check --agent http://127.0.0.1:8000/invoke --row '{\"goal\": \"a weekend in Lisbon\"}'

  # an agent that is started and stopped with the check, and must call a tool for each request
  arize-local check --agent http://127.0.0.1:8000/invoke --row @row.json \\
      --expect search_flights -- python agent.py

  # two variations only, with a key that the agent asks for
  arize-local check --agent http://127.0.0.1:8000/invoke --row @row.json \\
      --only baggage-only,unsampled --header \"Authorization=Bearer $TOKEN\"

Variations, and what a right agent does:
  metadata-only          routes by `arize_metadata` where there is no baggage
  baggage-only           routes by baggage where there is no `arize_metadata`
  both-different         prefers `arize_metadata` to baggage
  neither                answers, and exports by its own defaults or nothing
  null-metadata          takes `arize_metadata: null` as none
  no-project             takes the project from baggage where only the space is in the metadata
  no-traceparent         starts a new trace, routed
  unsampled              answers, and exports nothing where the flags say unsampled
  malformed-traceparent  takes it as none: a new trace, routed
  bodies                 takes the row as `input` and at the top level of the body
  base64-space           keeps the `==` at the end of a space id in baggage
  two-baggage-lines      reads all lines of the baggage header
  two-at-once            keeps two requests at the same time apart

Each request has a space and a project of its own, so that a leak from one into another is seen.
The agent must take them: an allow-list of spaces needs the base64 of `Space:check:001` to
`Space:check:016`, and of `Space:check:0012`; all begin with U3BhY2U6Y2hlY2s6. Projects are
`check-` and the variation's name; with `--forward`, each of them is made there.

An agent that is registered for one space, with `register()`, cannot take them. It is tested with
`arize-local run --space-id ID --project NAME`.

A body shape that alone is refused is a warning: an agent may be made for one.

Colours are for terminals; NO_COLOR=1 turns them off.

Exit status: 0 all good, maybe with warnings; 1 a variation failed; 2 wrong usage, or the check
could not start; 130 interrupted.";

/// Sends one row in every variation of what Arize may send, and says what the agent makes of each
///
/// Arize sends routes in the body, in the baggage or in both, traces that are sampled or not, rows in
/// parallel, and more. Each variation is a request, or two; the verdict says which ones the agent gets
/// wrong, and what to do.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    agent: AgentArgs,

    /// The row to send: JSON, or @FILE with it
    #[arg(long, help_heading = "Request", value_name = "JSON", value_parser = row)]
    row: Value,

    /// Where the row stands in the body: `wrapped` as `input`, `top-level` with its fields beside `arize_metadata`
    #[arg(
        long,
        help_heading = "Request",
        value_name = "SHAPE",
        default_value = "wrapped",
        hide_possible_values = true
    )]
    body: Body,

    /// A header to send with each request, such as an authorization; may be given several times
    #[arg(long, help_heading = "Request", value_name = "NAME=VALUE")]
    header: Vec<String>,

    /// Sends these variations only
    #[arg(
        long,
        help_heading = "Request",
        value_name = "NAME,NAME",
        value_delimiter = ','
    )]
    only: Vec<String>,

    /// Tools whose spans every routed request must have, by tool name or span name
    #[arg(
        long,
        help_heading = "Judging",
        value_name = "TOOL,TOOL",
        value_delimiter = ','
    )]
    expect: Vec<String>,

    /// How long an answer may take, in seconds
    #[arg(long, help_heading = "Judging", value_name = "SECS", default_value = "60", value_parser = seconds)]
    timeout: Duration,

    /// How long to wait at most for a request's spans after its answer or failure, in seconds
    ///
    /// Where no span should come, or it is not known in which trace, this is how long the check waits;
    /// waits overlap.
    #[arg(long, help_heading = "Judging", value_name = "SECS", default_value = "10", value_parser = seconds)]
    wait: Duration,

    /// Writes the report as JSON to this file: every request, span and check in full
    #[arg(long, help_heading = "Output", value_name = "FILE")]
    json: Option<PathBuf>,

    #[command(flatten)]
    receive: ReceiveArgs,
}

fn row(text: &str) -> Result<Value, String> {
    let json = match text.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            format!("cannot read `{path}`: {error}; name a file with JSON after `@`")
        })?,
        None => text.to_owned(),
    };
    serde_json::from_str(&json).map_err(|error| {
        format!("not JSON: {error}; write it like '{{\"goal\": \"a weekend\"}}', or @FILE")
    })
}

impl TryFrom<CheckArgs> for CheckOptions {
    type Error = StartError;

    fn try_from(args: CheckArgs) -> Result<Self, StartError> {
        Ok(Self {
            agent: args.agent.into(),
            row: args.row,
            only: args.only,
            body: args.body.into(),
            headers: headers("--header", &args.header)?,
            timeout: args.timeout,
            wait: args.wait,
            expect: args.expect,
            receive: args.receive.try_into()?,
            json: args.json,
        })
    }
}

/// Checks the agent and prints the verdicts.
pub(crate) async fn execute(args: CheckArgs) -> Result<bool, StartError> {
    let report = arize_local::check(args.try_into()?, &mut std::io::stdout()).await?;
    report.print_to_stdout().map_err(|error| {
        format!("cannot print the report: {error}; write it to a file with `--json`")
    })?;
    Ok(report.ok())
}
