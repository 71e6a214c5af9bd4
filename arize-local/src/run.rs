//! The command `arize-local run`, as a function.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;

use crate::agent::{AgentProcess, accepts};
use crate::client::agent_uri;
use crate::dataset::read_dataset;
use crate::error::StartError;
use crate::experiment::{Experiment, Row};
use crate::receiver::Receiver;
use crate::report::Report;

/// What `arize-local run` is told on its command line.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The agent's URL.
    pub agent: String,
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
    /// Where to receive OTLP/gRPC.
    pub otlp_grpc: SocketAddr,
    /// Where to write the report as JSON.
    pub json: Option<PathBuf>,
    /// The command that starts the agent; empty where it runs already.
    pub command: Vec<String>,
    /// How long a started agent may take until its port accepts connections.
    pub start_timeout: Duration,
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
    let uri = agent_uri(&options.agent)?;
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
    let receiver = listen(options.otlp_grpc).await?;
    let variables = variables(&receiver.endpoint());
    print_variables(out, &variables, &receiver, options.command.is_empty())?;
    let process = ready_agent(&options, &uri, &variables).await?;

    let report = Experiment::new(&options.agent)
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

/// The variables that make an agent export to the receiver.
///
/// Space and project are not among them: those come with each request.
fn variables(endpoint: &str) -> Vec<(&'static str, String)> {
    vec![
        ("ARIZE_COLLECTOR_ENDPOINT", endpoint.to_owned()),
        ("ARIZE_API_KEY", "local".to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.to_owned()),
        // Most languages' exporters speak HTTP unless told.
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc".to_owned()),
        // SDKs batch for 5 s otherwise, and every run would wait for that.
        ("OTEL_BSP_SCHEDULE_DELAY", "500".to_owned()),
    ]
}

fn print_variables(
    out: &mut impl Write,
    variables: &[(&str, String)],
    receiver: &Receiver,
    by_hand: bool,
) -> Result<(), StartError> {
    let who = if by_hand {
        "the agent must run with"
    } else {
        "the agent is started with"
    };
    let lines: String = variables
        .iter()
        .fold(String::new(), |mut lines, (name, value)| {
            let _ = writeln!(lines, "  {name}={value}"); // writing to a String cannot fail
            lines
        });
    let printed = writeln!(
        out,
        "receiving OTLP/gRPC on {}; {who}\n{lines}",
        receiver.local_addr()
    )
    .and_then(|()| out.flush());
    match printed {
        // A reader that has gone away wants no output, but may want the run: its exit status, its JSON.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!(
            "cannot print: {error}; write standard output to a file or a terminal"
        )
        .into()),
        _ => Ok(()),
    }
}

async fn listen(addr: SocketAddr) -> Result<Receiver, StartError> {
    let receiver = Receiver::bind(addr).await.map_err(|error| {
        format!("cannot listen on {addr}: {error}; end the program that uses it, or give another with `--otlp-grpc`")
    })?;
    Ok(receiver)
}

/// Starts the agent where there is a command for it, and sees that it can be reached.
async fn ready_agent(
    options: &RunOptions,
    uri: &Uri,
    variables: &[(&str, String)],
) -> Result<Option<AgentProcess>, StartError> {
    let reached = accepts(uri).await;
    if options.command.is_empty() {
        return match reached {
            Ok(()) => Ok(None),
            Err(error) => Err(format!(
                "cannot reach the agent at {uri}: {error}; start it with the variables above, or give its command \
                 after `--`"
            )
            .into()),
        };
    }
    if reached.is_ok() {
        return Err(format!(
            "something else already accepts connections at {uri}; end it, or leave out the command after `--` to \
             use it"
        )
        .into());
    }
    let mut process = AgentProcess::start(&options.command, variables)?;
    process.ready(uri, options.start_timeout).await?;
    Ok(Some(process))
}

fn create(path: &Path) -> Result<File, StartError> {
    let file = File::create(path).map_err(|error| {
        format!(
            "cannot write `{}`: {error}; name a file in a folder that is there",
            path.display()
        )
    })?;
    Ok(file)
}
