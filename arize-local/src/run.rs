//! The command `arize-local run`, as a function.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::agent::{AgentOptions, ready_agent};
use crate::client::agent_uri;
use crate::dataset::read_dataset;
use crate::error::StartError;
use crate::experiment::{Experiment, Row};
use crate::listen::{ReceiveOptions, finish_forwarding, listen, print_variables, variables};
use crate::report::Report;

/// What `arize-local run` is told on its command line.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The agent, running or to be started.
    pub agent: AgentOptions,
    /// The dataset, one JSON value a line.
    pub dataset: PathBuf,
    /// The space to ask for.
    pub space_id: String,
    /// The project to ask for.
    pub project: String,
    /// How many rows are under way at once.
    pub concurrency: usize,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long to wait at most for a row's spans after its answer or failure.
    pub wait: Duration,
    /// The tools that every row must have.
    pub expect: Vec<String>,
    /// Where to receive spans.
    pub receive: ReceiveOptions,
    /// Where to write the report as JSON.
    pub json: Option<PathBuf>,
}

/// Runs an experiment; the report is the caller's to print.
///
/// Says on `out` where it receives and what the agent must be started with. The agent that it started is
/// stopped at the end, also when the future is dropped.
///
/// # Errors
///
/// Returns why the run could not start, or why its report could not be written. What goes wrong with the
/// agent once it runs is part of the report.
pub async fn run(options: RunOptions, out: &mut impl Write) -> Result<Report, StartError> {
    let uri = agent_uri(&options.agent.url)?;
    let rows: Vec<Row> = read_dataset(&options.dataset)?
        .into_iter()
        .map(Row::from)
        .collect();
    // Before the run: a report that cannot be written should not cost a run to find out.
    let json = options
        .json
        .as_deref()
        .map(|path| Ok::<_, StartError>((path, create(path)?)))
        .transpose()?;
    let receiver = listen(&options.receive).await?;
    let variables = variables(&receiver);
    print_variables(out, &variables, &receiver, options.agent.command.is_empty())?;
    let process = ready_agent(&options.agent, &uri, &variables).await?;

    let report = Experiment::new(&options.agent.url)
        .rows(rows)
        .space_id(&options.space_id)
        .project(&options.project)
        .concurrency(options.concurrency)
        .timeout(options.timeout)
        .wait(options.wait)
        .expect_tools(options.expect)
        .run(&receiver)
        .await;

    if let Some(process) = process {
        process.stop().await; // before the report is printed, so that its last words do not stand in it
    }
    finish_forwarding(&receiver, out).await?;
    if let Some((path, file)) = json {
        serde_json::to_writer_pretty(file, &report.to_json()).map_err(|error| {
            format!(
                "cannot write `{}`: {error}; free some space",
                path.display()
            )
        })?;
    }
    Ok(report)
}

/// Opens a file to write.
pub(crate) fn create(path: &Path) -> Result<File, StartError> {
    let file = File::create(path).map_err(|error| {
        format!(
            "cannot write `{}`: {error}; name a file in a folder that is there",
            path.display()
        )
    })?;
    Ok(file)
}
