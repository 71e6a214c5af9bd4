//! One experiment: rows sent to an agent the way Arize sends them, and what came back.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::call::{Call, experiment_id};
use crate::checks::{self, Run};
use crate::client::{Client, agent_uri};
use crate::failure::Failure;
use crate::form::RequestForm;
use crate::receiver::Receiver;
use crate::report::{Report, RowReport};

/// The space asked for unless another is named: like real ones it is base64 and ends in `=`.
pub const DEFAULT_SPACE_ID: &str = "U3BhY2U6MTpsb2NhbA==";

/// The project asked for unless another is named.
pub const DEFAULT_PROJECT: &str = "arize-local";

/// One row of a dataset, with a space and a project of its own where they are given.
///
/// # Examples
///
/// ```
/// use arize_local::Row;
/// use serde_json::json;
///
/// let row = Row::from(json!({"goal": "a weekend in Lisbon"}))
///     .space_id("U3BhY2U6Mjpob2xpZGF5cw==")
///     .project("holidays");
/// assert_eq!(row.project.as_deref(), Some("holidays"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What the agent gets as `input`.
    pub input: Value,
    /// The space asked for, if not the experiment's.
    pub space_id: Option<String>,
    /// The project asked for, if not the experiment's.
    pub project: Option<String>,
}

impl Row {
    /// Asks for this space.
    #[must_use]
    pub fn space_id(mut self, space_id: impl Into<String>) -> Self {
        self.space_id = Some(space_id.into());
        self
    }

    /// Asks for this project.
    #[must_use]
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.project = Some(project.into());
        self
    }
}

impl From<Value> for Row {
    fn from(input: Value) -> Self {
        Self {
            input,
            space_id: None,
            project: None,
        }
    }
}

/// One experiment: rows sent to an agent.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use arize_local::{Experiment, Receiver};
/// use serde_json::json;
///
/// let receiver = Receiver::bind("127.0.0.1:4317".parse()?).await?;
/// let report = Experiment::new("http://127.0.0.1:8000/invoke")
///     .rows(vec![json!({"goal": "a weekend in Lisbon"}).into()])
///     .expect_tools(["search_flights"])
///     .run(&receiver)
///     .await;
/// report.print_to_stdout()?;
/// assert!(report.ok());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "an experiment does nothing until it is run"]
pub struct Experiment {
    agent: String,
    rows: Vec<Row>,
    space_id: String,
    project: String,
    concurrency: usize,
    timeout: Duration,
    wait: Duration,
    settle: Duration,
    expect: Vec<String>,
    form: RequestForm,
}

impl Experiment {
    /// An experiment against the agent at this URL, without rows yet.
    pub fn new(agent: impl Into<String>) -> Self {
        Self {
            agent: agent.into(),
            rows: Vec::new(),
            space_id: DEFAULT_SPACE_ID.to_owned(),
            project: DEFAULT_PROJECT.to_owned(),
            concurrency: 4,
            timeout: Duration::from_secs(60),
            wait: Duration::from_secs(10),
            settle: Duration::from_secs(2),
            expect: Vec::new(),
            form: RequestForm::default(),
        }
    }

    /// The rows to send.
    pub fn rows(mut self, rows: Vec<Row>) -> Self {
        self.rows = rows;
        self
    }

    /// The space that rows without one of their own ask for.
    pub fn space_id(mut self, space_id: impl Into<String>) -> Self {
        self.space_id = space_id.into();
        self
    }

    /// The project that rows without one of their own ask for.
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.project = project.into();
        self
    }

    /// How many rows are under way at once: 4 unless said.
    pub fn concurrency(mut self, rows: usize) -> Self {
        self.concurrency = rows.max(1);
        self
    }

    /// How long an answer may take: 60 s unless said.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long to wait at most for a row's spans after its answer or failure: 10 s unless said.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How long a trace with its CHAIN span must be quiet to count as complete: 2 s unless said.
    pub fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// The tools whose spans every row must have, by tool name or span name.
    pub fn expect_tools(mut self, tools: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.expect = tools.into_iter().map(Into::into).collect();
        self
    }

    /// The form of the requests: all that Arize sends unless said.
    pub fn form(mut self, form: RequestForm) -> Self {
        self.form = form;
        self
    }

    /// Sends every row, waits for its spans, and judges them.
    ///
    /// Waiting for spans does not hold up other rows. A failure of one row is part of the report.
    pub async fn run(self, receiver: &Receiver) -> Report {
        let _bound = receiver.store().bound_strays();
        let first_request = receiver.store().request_count();
        let mut rows = self.send_all(receiver).await;
        // Read at the end: spans that were late for their own row have had the others' time.
        for row in &mut rows {
            row.spans = receiver.trace(&row.trace_id);
        }
        let run = Run {
            expect: &self.expect,
            stray: receiver.store().stray_spans_since(first_request),
            requests: receiver.store().request_count() - first_request,
            connections: receiver.connections(),
            misdirected: receiver.misdirected(),
        };
        let checks = checks::judge(&mut rows, &run);
        Report {
            rows,
            checks,
            stray_spans: run.stray,
        }
    }

    /// Sends the rows, as many at once as wanted; done when nobody waits for spans any more.
    async fn send_all(&self, receiver: &Receiver) -> Vec<RowReport> {
        let target = agent_uri(&self.agent).and_then(|uri| Ok((Client::new(&uri)?, uri)));
        let permits = Arc::new(Semaphore::new(self.concurrency));
        let (timeout, wait, settle) = (self.timeout, self.wait, self.settle);
        let form = Arc::new(self.form.clone());
        let mut tasks = JoinSet::new();
        for call in self.calls() {
            receiver.store().expect_trace(&call.trace_id);
            let (receiver, permits, target) =
                (receiver.clone(), Arc::clone(&permits), target.clone());
            let form = Arc::clone(&form);
            tasks.spawn(async move {
                let permit = permits.acquire().await;
                let report = call.send(target, &form, timeout).await;
                if let Some(forwarder) = receiver.store().forwarder() {
                    forwarder.experiment_span(&report, form.traceparent);
                }
                drop(permit);
                let wait = worth_waiting(&report, wait);
                receiver
                    .store()
                    .trace_settled(&call.trace_id, settle, wait)
                    .await;
                report
            });
        }
        let mut rows = Vec::with_capacity(tasks.len());
        while let Some(joined) = tasks.join_next().await {
            match joined {
                Ok(report) => rows.push(report),
                Err(error) => std::panic::resume_unwind(error.into_panic()), // nobody else can abort these tasks
            }
        }
        rows.sort_by_key(|report: &RowReport| report.row);
        rows
    }

    fn calls(&self) -> impl Iterator<Item = Call> {
        let experiment_id = experiment_id();
        self.rows.iter().enumerate().map(move |(index, row)| {
            let space_id = row.space_id.as_ref().unwrap_or(&self.space_id).clone();
            let project = row.project.as_ref().unwrap_or(&self.project).clone();
            Call::new(
                index + 1,
                row.input.clone(),
                space_id,
                project,
                experiment_id.clone(),
            )
        })
    }
}

/// What the agent did before a request failed is what one most wants to see; a request that was never sent
/// leaves nothing to wait for.
fn worth_waiting(report: &RowReport, wait: Duration) -> Duration {
    match report.failure {
        Some(Failure::NotSent) => Duration::ZERO,
        _ => wait,
    }
}
