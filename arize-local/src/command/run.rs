//! `arize-local run`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use arize_local::{
    DEFAULT_PROJECT, DEFAULT_SPACE_ID, DatasetFormat, RunOptions, StartError, Trees,
};
use clap::{Args, ValueEnum};

use super::INTERRUPTED;
use super::agent::AgentArgs;
use super::form::FormArgs;
use super::receive::ReceiveArgs;
use super::seconds;

const EXAMPLES: &str = "\
Examples:
  # an agent that runs already, with the variables that the command prints
  arize-local run --agent http://127.0.0.1:8000/invoke --dataset rows.jsonl

  # an agent that is started and stopped with the run, and must call two tools for each row
  arize-local run --agent http://127.0.0.1:8000/invoke --dataset rows.jsonl \\
      --expect search_flights,search_hotels -- python agent.py

  # an agent with a body and an authorization of its own, and rows from a table
  arize-local run --agent https://agent.example/chat --dataset rows.csv \\
      --template '{\"question\": \"{{goal}}\", \"user\": {\"id\": \"{{user_id}}\"}}' \\
      --header \"authorization=Bearer $TOKEN\"

  # ten thousand rows in CI
  arize-local run --agent http://127.0.0.1:8000/invoke --dataset rows.jsonl \\
      --concurrency 64 --trees none --json report.json --junit report.xml

A dataset has one row on a line as JSON (.jsonl, .ndjson), is a JSON array or an object with one
array in it (.json), or a table with a header line whose cells are all strings (.csv):
  {\"goal\": \"a weekend in Lisbon\"}

The agent's variables: ARIZE_COLLECTOR_ENDPOINT, ARIZE_API_KEY, OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_BSP_SCHEDULE_DELAY. Space and project come with each request.
A started agent does not inherit OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and
OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, which would go before these.

Colours and progress are for terminals; NO_COLOR=1 turns the colours off, --quiet the progress.

Exit status: 0 all good; 1 a row or a check failed; 2 wrong usage, or the run could not start;
130 interrupted, with a report on the rows that were finished.";

/// Sends the rows of a dataset to an agent, the way Arize runs an experiment, and checks its traces
///
/// Receives the agent's spans over OTLP (gRPC and HTTP), sends each row with the W3C headers and the metadata that
/// Arize sends, and prints the rows, their traces as trees, and what is right and wrong with them.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    agent: AgentArgs,

    #[command(flatten)]
    dataset: DatasetArgs,

    #[command(flatten)]
    form: FormArgs,

    #[command(flatten)]
    routing: RoutingArgs,

    #[command(flatten)]
    running: RunningArgs,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    receive: ReceiveArgs,
}

#[derive(Args)]
#[command(next_help_heading = "Dataset")]
struct DatasetArgs {
    /// The rows to send: a .jsonl, .json or .csv file, or - for standard input
    #[arg(long, value_name = "FILE")]
    dataset: PathBuf,

    /// How the dataset is written, whatever its name: `jsonl`, `json` or `csv`
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<Format>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    Jsonl,
    Json,
    Csv,
}

impl From<Format> for DatasetFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jsonl => Self::JsonLines,
            Format::Json => Self::Json,
            Format::Csv => Self::Csv,
        }
    }
}

#[derive(Args)]
#[command(next_help_heading = "Routing")]
struct RoutingArgs {
    /// The space id to ask for
    #[arg(long, value_name = "ID", default_value = DEFAULT_SPACE_ID)]
    space_id: String,

    /// The project to ask for
    #[arg(long, value_name = "NAME", default_value = DEFAULT_PROJECT)]
    project: String,
}

#[derive(Args)]
#[command(next_help_heading = "Running")]
struct RunningArgs {
    /// How many rows are under way at once
    #[arg(long, value_name = "N", default_value = "4", value_parser = at_least_one)]
    concurrency: usize,

    /// How long an answer may take, in seconds
    #[arg(long, value_name = "SECS", default_value = "60", value_parser = seconds)]
    timeout: Duration,

    /// How many more times a row is sent whose request fails in a way that may pass
    ///
    /// That is where nobody answers, or in time, and with status 408, 429, 502, 503 and 504. The pauses are 0.2 s,
    /// 0.4 s, 0.8 s and so on, or what `Retry-After` asks for, and 30 s at most. All attempts are one run, with
    /// the same `traceparent`; the last one counts. 500 is not tried again: there the agent itself failed.
    #[arg(long, value_name = "N", default_value = "3")]
    retries: usize,

    /// Sends nothing more after the first row that failed
    #[arg(long)]
    fail_fast: bool,

    /// How long to wait at most for a row's spans after its answer or failure, in seconds
    ///
    /// The wait ends earlier: 2 s after the last span of a trace that has its CHAIN.
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = seconds)]
    wait: Duration,

    /// Tools whose spans every row must have, by tool name or span name
    #[arg(long, value_name = "TOOL,TOOL", value_delimiter = ',')]
    expect: Vec<String>,
}

#[derive(Args)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// The rows whose traces are printed: `all`, `failed` (20 at most) or `none`
    ///
    /// Without it: all of a run of 10 rows at most, else those that failed.
    #[arg(long, value_name = "WHICH", hide_possible_values = true)]
    trees: Option<TreesArg>,

    /// Shows no progress
    #[arg(long, short)]
    quiet: bool,

    /// Writes the report as JSON to this file: every row, span and check in full
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    #[arg(
        long,
        value_name = "FILE",
        help = "Writes the report as JUnit XML to this file: a test for each row"
    )]
    junit: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum TreesArg {
    All,
    Failed,
    None,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("not a number of rows; write 1 or more".to_owned()),
        Ok(number) => Ok(number),
    }
}

impl TryFrom<RunArgs> for RunOptions {
    type Error = StartError;

    fn try_from(args: RunArgs) -> Result<Self, StartError> {
        let (running, output) = (args.running, args.output);
        Ok(Self {
            agent: args.agent.into(),
            dataset: args.dataset.dataset,
            format: args.dataset.format.map(Into::into),
            form: args.form.try_into()?,
            space_id: args.routing.space_id,
            project: args.routing.project,
            concurrency: running.concurrency,
            timeout: running.timeout,
            retries: running.retries,
            fail_fast: running.fail_fast,
            wait: running.wait,
            expect: running.expect,
            trees: match output.trees {
                None => Trees::Few,
                Some(TreesArg::All) => Trees::All,
                Some(TreesArg::Failed) => Trees::Failed,
                Some(TreesArg::None) => Trees::None,
            },
            quiet: output.quiet,
            json: output.json,
            junit: output.junit,
            receive: args.receive.try_into()?,
        })
    }
}

/// Runs the experiment, until `stop` at most, and prints its report.
pub(crate) async fn execute(
    args: RunArgs,
    stop: impl Future<Output = ()>,
) -> Result<ExitCode, StartError> {
    let report = arize_local::run(args.try_into()?, &mut std::io::stdout(), stop).await?;
    report.print_to_stdout().map_err(|error| {
        format!("cannot print the report: {error}; write it to a file with `--json`")
    })?;
    Ok(match report.ok() {
        _ if report.interrupted => ExitCode::from(INTERRUPTED),
        true => ExitCode::SUCCESS,
        false => ExitCode::from(1),
    })
}
