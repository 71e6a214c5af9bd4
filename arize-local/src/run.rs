//! The command `arize-local run`, as a function.

use std::io::Write;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use serde_json::Value;

use crate::agent::{AgentOptions, ready_agent};
use crate::client::agent_uri;
use crate::dataset::{DatasetFormat, read_dataset};
use crate::environment::Environment;
use crate::error::StartError;
use crate::experiment::{Experiment, Follow, Row};
use crate::form::RequestForm;
use crate::json_file::JsonFile;
use crate::junit::JunitFile;
use crate::listen::{ReceiveOptions, finish_forwarding, listen, print_variables};
use crate::progress::Progress;
use crate::report::{Report, RowReport, Trees};

/// What `arize-local run` is told on its command line.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The agent, running or to be started.
    pub agent: AgentOptions,
    /// The dataset; `-` is standard input.
    pub dataset: PathBuf,
    /// How the dataset is written, where its name does not tell.
    pub format: Option<DatasetFormat>,
    /// The form of the requests.
    pub form: RequestForm,
    /// The space to ask for.
    pub space_id: String,
    /// The project to ask for.
    pub project: String,
    /// How many rows are under way at once.
    pub concurrency: usize,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How many more times a row is sent whose request failed in a way that may pass.
    pub retries: usize,
    /// Whether nothing more is sent after the first row that failed.
    pub fail_fast: bool,
    /// How long to wait at most for a row's spans after its answer or failure.
    pub wait: Duration,
    /// The tools that every row must have.
    pub expect: Vec<String>,
    /// The rows whose traces are printed as trees.
    pub trees: Trees,
    /// Whether no progress is shown.
    pub quiet: bool,
    /// Where to write the report as JSON.
    pub json: Option<PathBuf>,
    /// Where to write the report as `JUnit` XML.
    pub junit: Option<PathBuf>,
    /// Where to receive spans.
    pub receive: ReceiveOptions,
}

/// Runs an experiment; the report is the caller's to print.
///
/// Says on `out` where it receives and what the agent must be started with. The agent that it started is
/// stopped at the end, also when the future is dropped.
///
/// At `stop` nothing more is sent, and what is not finished is given up: the report, and the files, are those of
/// the rows that were ([`Report::interrupted`]).
///
/// # Errors
///
/// Returns why the run could not start, or why its report could not be written. What goes wrong with the
/// agent once it runs is part of the report.
pub async fn run(
    options: RunOptions,
    out: &mut impl Write,
    stop: impl Future<Output = ()>,
) -> Result<Report, StartError> {
    let uri = agent_uri(&options.agent.url)?;
    let rows = read_dataset(&options.dataset, options.format)?;
    check_template(&options, &rows)?;
    // Before the run: a report that cannot be written should not cost a run to find out.
    let json = options.json.as_deref().map(JsonFile::create).transpose()?;
    let junit = options
        .junit
        .as_deref()
        .map(JunitFile::create)
        .transpose()?;
    let receiver = listen(&options.receive).await?;
    let environment = Environment::new(&receiver, options.receive.protocol);
    let by_hand = options.agent.command.is_empty();
    print_variables(out, &environment, &receiver, by_hand)?;
    let mut stop = pin!(stop);
    let started = tokio::select! {
        started = ready_agent(&options.agent, &uri, &environment) => Some(started?),
        () = &mut stop => None,
    };

    let mut watch = Watch {
        progress: Progress::new(rows.len(), options.quiet, !by_hand),
        json,
        junit,
    };
    let experiment = experiment(&options, rows);
    let mut report = if started.is_some() {
        experiment.run_followed(&receiver, &mut watch, stop).await
    } else {
        let at_once = std::future::ready(());
        experiment
            .run_followed(&receiver, &mut watch, at_once)
            .await
    };
    report.trees = options.trees;

    let Watch {
        progress,
        json,
        junit,
    } = watch;
    drop(progress);
    if let Some(Some(process)) = started {
        process.stop().await; // before the report is printed, so that its last words do not stand in it
    }
    report.forwarded = finish_forwarding(&receiver).await;
    if let Some(json) = json {
        json.finish(&report)?;
    }
    if let Some(junit) = junit {
        junit.finish(&report)?;
    }
    Ok(report)
}

fn experiment(options: &RunOptions, rows: Vec<Value>) -> Experiment {
    Experiment::new(&options.agent.url)
        .rows(rows.into_iter().map(Row::from).collect())
        .form(options.form.clone())
        .space_id(&options.space_id)
        .project(&options.project)
        .concurrency(options.concurrency)
        .timeout(options.timeout)
        .retries(options.retries)
        .fail_fast(options.fail_fast)
        .wait(options.wait)
        .expect_tools(&options.expect)
}

/// Every row must have what the template asks for before the first one is sent.
fn check_template(options: &RunOptions, rows: &[Value]) -> Result<(), StartError> {
    let Some(template) = &options.form.template else {
        return Ok(());
    };
    for (index, row) in rows.iter().enumerate() {
        template.check(row).map_err(|error| {
            let (dataset, row) = (options.dataset.display(), index + 1);
            format!("row {row} of `{dataset}` has {error}")
        })?;
    }
    Ok(())
}

/// What follows the run.
struct Watch {
    progress: Progress,
    json: Option<JsonFile>,
    junit: Option<JunitFile>,
}

impl Follow for Watch {
    fn finished(&mut self, ok: bool) {
        self.progress.finished(ok);
    }

    fn judged(&mut self, row: &RowReport) {
        if let Some(json) = &mut self.json {
            json.row(row);
        }
        if let Some(junit) = &mut self.junit {
            junit.row(row);
        }
    }
}
