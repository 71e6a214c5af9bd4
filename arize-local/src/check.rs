//! The command `arize-local check`, as a function: one row in every variation of what Arize may send.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderMap, Uri};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::agent::{AgentOptions, ready_agent};
use crate::call::{Call, experiment_id};
use crate::checks::Run;
use crate::client::{Client, agent_uri};
use crate::environment::Environment;
use crate::error::StartError;
use crate::failure::Failure;
use crate::form::{BodyShape, RequestForm};
use crate::listen::{ReceiveOptions, finish_forwarding, listen, print_variables};
use crate::out_file::OutFile;
use crate::print::counted;
use crate::receiver::Receiver;
use crate::report::RowReport;
use judge::Sent;
use variation::{Expects, Variation};

mod judge;
mod remedy;
mod report;
mod strays;
mod variation;

pub(crate) use judge::NOTHING_CAME;
pub use report::{CheckReport, Verdict};

/// How long a trace with its CHAIN span must be quiet to count as complete.
const SETTLE: Duration = Duration::from_secs(2);

/// What `arize-local check` is told on its command line.
#[derive(Clone)]
pub struct CheckOptions {
    /// The agent, running or to be started.
    pub agent: AgentOptions,
    /// The row to send.
    pub row: Value,
    /// The variations to send, by name; all where none is named.
    pub only: Vec<String>,
    /// Where the row stands in the body, but for the variation of bodies.
    pub body: BodyShape,
    /// More headers, for authorization for example.
    pub headers: HeaderMap,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long to wait at most for a request's spans after its answer or failure, and how long to wait where none
    /// should come.
    pub wait: Duration,
    /// The tools that every request must have.
    pub expect: Vec<String>,
    /// Where to receive spans.
    pub receive: ReceiveOptions,
    /// Where to write the report as JSON.
    pub json: Option<PathBuf>,
}

impl fmt::Debug for CheckOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckOptions")
            .field("agent", &self.agent)
            .field("row", &self.row)
            .field("only", &self.only)
            .field("body", &self.body)
            // The values may be secret, and the iterator of the names would show them.
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("timeout", &self.timeout)
            .field("wait", &self.wait)
            .field("expect", &self.expect)
            .field("receive", &self.receive)
            .field("json", &self.json)
            .finish()
    }
}

/// Sends one row in every variation of what Arize may send, and judges what the agent makes of it; the report is
/// the caller's to print.
///
/// Requests follow each other, so that it is known whose a span in a trace of its own is; waiting for spans does
/// not hold them up. Says on `out` where it receives and what the agent must be started with. The agent that it
/// started is stopped at the end, also when the future is dropped.
///
/// Where a request names a trace to be continued, the checks of rows judge it. Two checks are of variations alone:
/// `new-trace` fails when a trace that should be new has a parent from a malformed `traceparent`, and
/// `nothing-exported` when spans of an unsampled request arrived.
///
/// # Examples
///
/// ```no_run
/// # async fn example(options: arize_local::CheckOptions) -> Result<(), Box<dyn std::error::Error>> {
/// let report = arize_local::check(options, &mut std::io::stdout()).await?;
/// report.print_to_stdout()?;
/// assert_eq!(report.failed(), [""; 0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Returns why the check could not start, or why its report could not be written. What goes wrong with the agent
/// once it runs is part of the report.
pub async fn check(options: CheckOptions, out: &mut impl Write) -> Result<CheckReport, StartError> {
    let uri = agent_uri(&options.agent.url)?;
    let variations = variation::chosen(&options.only)?;
    // Before the check, for one that cannot be written should not cost a check to find out.
    let json = options.json.as_deref().map(OutFile::create).transpose()?;
    let receiver = listen(&options.receive).await?;
    let environment = Environment::new(&receiver, options.receive.protocol);
    print_variables(
        out,
        &environment,
        &receiver,
        options.agent.command.is_empty(),
    )?;
    let process = ready_agent(&options.agent, &uri, &environment).await?;

    // It takes a while. A reader that has gone away may still want the exit status.
    let _ = writeln!(
        out,
        "sending the row in {}; the last spans have {} s to come\n",
        counted(variations.len(), "variation"),
        options.wait.as_secs_f64()
    )
    .and_then(|()| out.flush());
    let mut report = send_and_judge(&options, &uri, &variations, &receiver).await;

    if let Some(process) = process {
        process.stop().await; // before the report is printed, so that its last words do not stand in it
    }
    report.forwarded = finish_forwarding(&receiver).await;
    if let Some(mut file) = json {
        file.write(&format!("{:#}\n", report.to_json()));
        file.finish()?;
    }
    Ok(report)
}

async fn send_and_judge(
    options: &CheckOptions,
    uri: &Uri,
    variations: &[&'static Variation],
    receiver: &Receiver,
) -> CheckReport {
    let first_request = receiver.store().request_count();
    let mut sender = Sender {
        options,
        target: Client::new(uri).map(|client| (client, uri.clone())),
        receiver,
        experiment_id: experiment_id(),
        count: 0,
        waits: JoinSet::new(),
    };
    let mut sent = Vec::new();
    for variation in variations {
        sent.extend(sender.send(variation).await);
    }
    sender.waits.join_all().await;
    // Read at the end: spans that were late for their own request have had the others' time.
    for Sent { report, .. } in &mut sent {
        report.spans = receiver.trace(&report.trace_id);
    }
    let run = Run {
        expect: &options.expect,
        stray: receiver.store().stray_spans_since(first_request),
        requests: receiver.store().request_count() - first_request,
        connections: receiver.connections(),
        misdirected: receiver.misdirected(),
    };
    judge::judge(&mut sent, &run);
    remedy::specify(&mut sent, &run);
    CheckReport::new(sent, run.stray, !options.expect.is_empty())
}

struct Sender<'a> {
    options: &'a CheckOptions,
    target: Result<(Client, Uri), String>,
    receiver: &'a Receiver,
    experiment_id: String,
    count: usize,
    /// For the spans of what was sent.
    waits: JoinSet<()>,
}

impl Sender<'_> {
    /// Sends the requests of a variation: those of two body shapes after each other, others at once.
    async fn send(&mut self, variation: &'static Variation) -> Vec<Sent> {
        let base = RequestForm {
            body: self.options.body,
            headers: self.options.headers.clone(),
            ..RequestForm::default()
        };
        let mut under_way = JoinSet::new();
        let mut reports = Vec::new();
        for (at, form) in variation.forms(&base).into_iter().enumerate() {
            let call = self.call(variation, at);
            let (target, timeout) = (self.target.clone(), self.options.timeout);
            let receiver = self.receiver.clone();
            under_way.spawn(async move {
                let report = call.send(target, &form, timeout).await;
                if let Some(forwarder) = receiver.store().forwarder() {
                    forwarder.experiment_span(&report, form.traceparent);
                }
                report
            });
            if variation.expects == Expects::AnyBody {
                reports.extend(under_way.join_next().await);
            }
        }
        while let Some(joined) = under_way.join_next().await {
            reports.push(joined);
        }
        let mut sent = Vec::new();
        for joined in reports {
            match joined {
                Ok(report) => {
                    self.wait_for_spans(variation, &report);
                    sent.push(Sent { variation, report });
                }
                Err(error) => std::panic::resume_unwind(error.into_panic()), // nobody else can abort these tasks
            }
        }
        sent.sort_by_key(|sent| sent.report.row);
        sent
    }

    fn call(&mut self, variation: &Variation, at: usize) -> Call {
        self.count += 1;
        let call = Call::new(
            self.count,
            self.options.row.clone(),
            variation.spaces[at].to_owned(),
            variation::project(variation.name, at),
            self.experiment_id.clone(),
        );
        self.receiver.store().expect_trace(&call.trace_id);
        call
    }

    fn wait_for_spans(&mut self, variation: &Variation, report: &RowReport) {
        if report.failure.is_some_and(Failure::never_sent) {
            return;
        }
        let (receiver, wait) = (self.receiver.clone(), self.options.wait);
        let known = matches!(variation.expects, Expects::Routed | Expects::AnyBody);
        let trace_id = report.trace_id.clone();
        self.waits.spawn(async move {
            if known {
                receiver
                    .store()
                    .trace_settled(&trace_id, SETTLE, wait)
                    .await;
            } else {
                tokio::time::sleep(wait).await;
            }
        });
    }
}
