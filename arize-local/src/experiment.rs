//! One experiment: rows sent to an agent the way Arize sends them, and what came back.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::checks::{self, Run};
use crate::client::{Client, agent_uri};
use crate::receiver::Receiver;
use crate::report::{Report, RowReport};

/// The space asked for unless another is named: like real ones it is base64 and ends in `=`.
pub const DEFAULT_SPACE_ID: &str = "U3BhY2U6MTpsb2NhbA==";

/// The project asked for unless another is named.
pub const DEFAULT_PROJECT: &str = "arize-local";

/// One row of a dataset, with a space and a project of its own where they are given.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What the agent gets as `input`.
    pub input: Value,
    /// The space asked for, if not the experiment's.
    pub space_id: Option<String>,
    /// The project asked for, if not the experiment's.
    pub project: Option<String>,
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
/// report.print(&mut std::io::stdout(), true)?;
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

    /// How long to wait at most for a row's spans after its answer: 10 s unless said.
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

    /// Sends every row, waits for its spans, and judges them.
    ///
    /// Waiting for spans does not hold up other rows. A failure of one row is part of the report.
    pub async fn run(self, receiver: &Receiver) -> Report {
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
        };
        let checks = checks::judge(&mut rows, &run);
        Report {
            rows,
            checks,
            stray_spans: run.stray,
        }
    }

    async fn send_all(&self, receiver: &Receiver) -> Vec<RowReport> {
        let target = agent_uri(&self.agent).and_then(|uri| Ok((Client::new(&uri)?, uri)));
        let experiment_id = format!("experiment-{:08x}", fastrand::u32(..));
        let permits = Arc::new(Semaphore::new(self.concurrency));
        let mut tasks = JoinSet::new();
        for (index, row) in self.rows.iter().enumerate() {
            let call = Call::new(self, row, index + 1, &experiment_id);
            receiver.store().expect_trace(&call.trace_id);
            let (receiver, permits, target) =
                (receiver.clone(), Arc::clone(&permits), target.clone());
            tasks.spawn(async move {
                let permit = permits.acquire().await;
                let report = call.send(target).await;
                drop(permit);
                call.spans_settled(&report, &receiver).await;
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
}

/// One row on its way: what the agent is asked, and under which names.
#[derive(Debug)]
struct Call {
    row: usize,
    input: Value,
    space_id: String,
    project: String,
    trace_id: String,
    span_id: String,
    experiment_id: String,
    run_id: String,
    timeout: Duration,
    wait: Duration,
    settle: Duration,
}

impl Call {
    fn new(experiment: &Experiment, row: &Row, number: usize, experiment_id: &str) -> Self {
        Self {
            row: number,
            input: row.input.clone(),
            space_id: row
                .space_id
                .clone()
                .unwrap_or_else(|| experiment.space_id.clone()),
            project: row
                .project
                .clone()
                .unwrap_or_else(|| experiment.project.clone()),
            trace_id: format!("{:032x}", fastrand::u128(1..)),
            span_id: format!("{:016x}", fastrand::u64(1..)),
            experiment_id: experiment_id.to_owned(),
            run_id: format!("run-{:08x}", fastrand::u32(..)),
            timeout: experiment.timeout,
            wait: experiment.wait,
            settle: experiment.settle,
        }
    }

    fn body(&self) -> Value {
        json!({
            "input": self.input,
            "arize_metadata": {
                "space_id": self.space_id,
                "project_name": self.project,
                "dataset_id": "dataset-local",
                "experiment_id": self.experiment_id,
                "run_id": self.run_id,
                "example_id": format!("example-{}", self.row),
            },
        })
    }

    fn headers(&self) -> HeaderMap {
        let baggage = format!(
            "arize.space_id={},arize.project_name={}",
            baggage_value(&self.space_id),
            baggage_value(&self.project)
        );
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/json"),
            (
                "user-agent",
                concat!("arize-local/", env!("CARGO_PKG_VERSION")),
            ),
            (
                "traceparent",
                &format!("00-{}-{}-01", self.trace_id, self.span_id),
            ),
            ("tracestate", "arize=local"),
            ("baggage", &baggage),
            ("x-arize-experiment-id", &self.experiment_id),
            ("x-arize-experiment-run-id", &self.run_id),
        ] {
            let value =
                HeaderValue::from_str(value).expect("ids are hex and baggage is percent-encoded");
            headers.insert(HeaderName::from_static(name), value);
        }
        headers
    }

    async fn send(&self, target: Result<(Client, Uri), String>) -> RowReport {
        let sent = SystemTime::now();
        let start = Instant::now();
        let answer = match target {
            Ok((client, uri)) => {
                client
                    .post(&uri, self.headers(), &self.body(), self.timeout)
                    .await
            }
            Err(error) => Err(error),
        };
        let response_is_json = answer.as_ref().is_ok_and(|answer| answer.is_json);
        let (status, response, error) = match answer {
            Ok(answer) => {
                let failed = !(200..300).contains(&answer.status);
                let error = failed
                    .then(|| format!("the agent answered with HTTP status {}", answer.status));
                (Some(answer.status), Some(answer.body), error)
            }
            Err(error) => (None, None, Some(error)),
        };
        RowReport {
            row: self.row,
            input: self.input.clone(),
            space_id: self.space_id.clone(),
            project: self.project.clone(),
            trace_id: self.trace_id.clone(),
            span_id: self.span_id.clone(),
            sent,
            duration: start.elapsed(),
            status,
            response,
            response_is_json,
            error,
            spans: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// Waits for the row's spans. A failed request may have left some, but is not worth the whole wait.
    async fn spans_settled(&self, report: &RowReport, receiver: &Receiver) {
        let wait = match (&report.error, report.status) {
            (None, _) => self.wait,
            (Some(_), Some(_)) => self.wait.min(self.settle),
            (Some(_), None) => Duration::ZERO,
        };
        receiver
            .store()
            .trace_settled(&self.trace_id, self.settle, wait)
            .await;
    }
}

/// Percent-encodes what W3C baggage does not allow in a value. `=` is allowed and stays.
fn baggage_value(value: &str) -> String {
    use std::fmt::Write;
    value.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'%' => encoded.push_str("%25"),
            0x21 | 0x23..=0x2B | 0x2D..=0x3A | 0x3C..=0x5B | 0x5D..=0x7E => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}"); // writing to a String cannot fail
            }
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baggage_keeps_base64_and_encodes_the_rest() {
        assert_eq!(
            baggage_value("U3BhY2U6MTIzOmFiYw=="),
            "U3BhY2U6MTIzOmFiYw=="
        );
        assert_eq!(baggage_value("a+b/c="), "a+b/c=");
        assert_eq!(
            baggage_value("my agent, 50%; \"é\"\\"),
            "my%20agent%2C%2050%25%3B%20%22%C3%A9%22%5C"
        );
    }

    #[test]
    fn the_request_is_what_arize_sends() {
        let row = Row {
            input: json!({"goal": "x"}),
            space_id: Some("S=".into()),
            project: None,
        };
        let call = Call::new(
            &Experiment::new("http://a").project("my project"),
            &row,
            3,
            "experiment-1",
        );
        let headers = call.headers();
        assert_eq!(
            headers["traceparent"],
            format!("00-{}-{}-01", call.trace_id, call.span_id)
        );
        assert_eq!(
            headers["baggage"],
            "arize.space_id=S=,arize.project_name=my%20project"
        );
        assert_eq!(headers["x-arize-experiment-id"], "experiment-1");
        assert_eq!(call.body()["input"], json!({"goal": "x"}));
        assert_eq!(call.body()["arize_metadata"]["project_name"], "my project");
        assert_eq!(call.body()["arize_metadata"]["example_id"], "example-3");
    }
}
