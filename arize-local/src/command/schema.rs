//! `arize-local schema`.

use std::path::PathBuf;
use std::time::Duration;

use arize_local::{SchemaOptions, StartError};
use clap::Args;

use super::agent::AgentArgs;
use super::form::headers;
use super::run::Format;
use super::seconds;

const EXAMPLES: &str = "\
Examples:
  # what an agent that runs already is to be registered with
  arize-local schema --agent http://127.0.0.1:8000/schema > schema.json

  # an agent that is started for it, and the rows that it is to be called with
  arize-local schema --agent http://127.0.0.1:8000/schema --dataset rows.jsonl -- python agent.py

The agent answers a GET with a JSON Schema (Draft-07) of its request body, or with
  {\"json_schema\": {...}, \"input_template\": {...}, \"request_presets\": {\"name\": {...}}}
of which the last two may be left out. The template's strings may hold {{column}}; without one the
row is the input. A schema with a property `input` is that of {\"input\": .., \"arize_metadata\": {..}},
any other one of a body with the input's fields beside `arize_metadata`.

The schema goes to standard output, what is right and wrong with it to standard error.

Exit status: 0 all good; 1 the schema is wrong, or a row or preset does not fit it; 2 wrong usage,
or there was no schema to be read; 130 interrupted.";

/// Prints what an agent is to be registered with in Arize, and says which rows it would not take
///
/// Reads the JSON Schema of the request body from the agent itself, sees that Arize can use it, and compares the
/// agent's request presets and the rows of a dataset with it.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SchemaArgs {
    #[command(flatten)]
    agent: AgentArgs,

    /// The rows to compare: a .jsonl, .json or .csv file, or - for standard input
    #[arg(long, help_heading = "Dataset", value_name = "FILE")]
    dataset: Option<PathBuf>,

    /// How the dataset is written, whatever its name: `jsonl`, `json` or `csv`
    #[arg(
        long,
        help_heading = "Dataset",
        value_name = "FORMAT",
        hide_possible_values = true,
        requires = "dataset"
    )]
    format: Option<Format>,

    /// A header to send with the request, such as an authorization; may be given several times
    #[arg(long, help_heading = "Request", value_name = "NAME=VALUE")]
    header: Vec<String>,

    /// How long the answer may take, in seconds
    #[arg(long, help_heading = "Request", value_name = "SECS", default_value = "60", value_parser = seconds)]
    timeout: Duration,
}

/// Prints the schema, and what is wrong with it; gives whether nothing is.
pub(crate) async fn execute(args: SchemaArgs) -> Result<bool, StartError> {
    let options = SchemaOptions {
        agent: args.agent.into(),
        dataset: args.dataset,
        format: args.format.map(Into::into),
        headers: headers("--header", &args.header)?,
        timeout: args.timeout,
    };
    let report = arize_local::schema(options, &mut std::io::stdout()).await?;
    for fault in &report.faults {
        crate::tell(fault);
    }
    let good = report.faults.is_empty();
    if good {
        let some =
            |count: usize, what| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let (rows, presets) = (some(report.rows, "row"), some(report.presets, "preset"));
        crate::tell(&format!("the schema is right; {rows} and {presets} fit it"));
    }
    Ok(good)
}
