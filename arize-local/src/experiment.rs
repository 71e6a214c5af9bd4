//! One experiment: rows sent to an agent the way Arize sends them, and what came back.

use std::time::Duration;

use serde_json::Value;

use crate::call::{Call, experiment_id};
use crate::form::RequestForm;
use crate::receiver::Receiver;
use crate::report::Report;
use course::Course;
pub(crate) use course::Follow;

mod course;

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
    retries: usize,
    fail_fast: bool,
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
            retries: 3,
            fail_fast: false,
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

    /// How many more times a row is sent whose request fails in a way that may pass: 3 unless said, as with Arize's
    /// own client for experiments (arize-phoenix-client 3.5).
    ///
    /// That is where nobody answers (no connection, a broken one, no answer in time) and where the status is 408,
    /// 429, 502, 503 or 504. The pauses are 200 ms, 400 ms and so on, or what `Retry-After` asks for, and 30 s at
    /// most. Every attempt is part of the same run, with the same `traceparent`, and the last one counts.
    pub fn retries(mut self, retries: usize) -> Self {
        self.retries = retries;
        self
    }

    /// Whether nothing more is sent after the first row that failed: rows that are under way are finished.
    pub fn fail_fast(mut self, fail_fast: bool) -> Self {
        self.fail_fast = fail_fast;
        self
    }

    /// Sends every row, waits for its spans, and judges them.
    ///
    /// Waiting for spans does not hold up other rows. A failure of one row is part of the report. The latest
    /// 1,000 rows and the first 100 that failed are kept in full; of others, in a longer run, the report has the
    /// result alone ([`RowReport::is_complete`](crate::RowReport::is_complete)).
    pub async fn run(self, receiver: &Receiver) -> Report {
        self.run_followed(receiver, &mut (), std::future::pending())
            .await
    }

    /// Runs until `stop` at most, and tells somebody of each row.
    pub(crate) async fn run_followed(
        mut self,
        receiver: &Receiver,
        follow: &mut impl Follow,
        stop: impl Future<Output = ()>,
    ) -> Report {
        let rows = std::mem::take(&mut self.rows);
        Course::new(&self, receiver, follow).run(rows, stop).await
    }

    /// The rows as calls, each made when it is asked for.
    fn calls(&self, rows: Vec<Row>) -> impl ExactSizeIterator<Item = Call> {
        let experiment_id = experiment_id();
        rows.into_iter().enumerate().map(move |(index, row)| {
            let space_id = row.space_id.unwrap_or_else(|| self.space_id.clone());
            let project = row.project.unwrap_or_else(|| self.project.clone());
            Call {
                retries: self.retries,
                ..Call::new(
                    index + 1,
                    row.input,
                    space_id,
                    project,
                    experiment_id.clone(),
                )
            }
        })
    }
}
