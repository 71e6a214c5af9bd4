//! What a run has shown: rows and checks, and their JSON.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::form::Named;
use crate::forward::Forwarded;
use crate::span::Span;

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Worth a look, but not a failure.
    Warn,
    /// Wrong.
    Fail,
    /// Could not be judged, because something else that failed comes first.
    Skipped,
}

/// One check: of one row, or of the whole run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Check {
    /// Its name: `trace-joined`, `routed`, ...
    pub name: &'static str,
    /// What it says.
    pub outcome: Outcome,
    /// The spans and values concerned; empty where all is well.
    pub detail: String,
    /// What to do in the agent, in a sentence.
    pub remedy: Option<&'static str>,
    /// The rows concerned, counted from 1.
    pub rows: Vec<usize>,
}

impl Check {
    /// Whether the check did not fail; a warning is not a failure.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.outcome != Outcome::Fail
    }

    pub(crate) fn fail(name: &'static str, detail: String, remedy: &'static str) -> Self {
        Self {
            name,
            outcome: Outcome::Fail,
            detail,
            remedy: Some(remedy),
            rows: Vec::new(),
        }
    }

    pub(crate) fn warn(name: &'static str, detail: String, remedy: &'static str) -> Self {
        Self {
            outcome: Outcome::Warn,
            ..Self::fail(name, detail, remedy)
        }
    }

    pub(crate) fn skipped(name: &'static str, detail: &str) -> Self {
        Self {
            name,
            outcome: Outcome::Skipped,
            detail: detail.to_owned(),
            remedy: None,
            rows: Vec::new(),
        }
    }

    pub(crate) fn passed(name: &'static str) -> Self {
        Self {
            outcome: Outcome::Ok,
            ..Self::skipped(name, "")
        }
    }

    /// The check as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "ok": self.ok(),
            "outcome": format!("{:?}", self.outcome).to_lowercase(),
            "detail": self.detail,
            "remedy": self.remedy,
        })
    }
}

/// What happened to one row.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RowReport {
    /// Which row, counted from 1.
    pub row: usize,
    /// What was sent as `input`.
    pub input: Value,
    /// The space asked for.
    pub space_id: String,
    /// The project asked for.
    pub project: String,
    /// The trace asked for: 32 hex digits.
    pub trace_id: String,
    /// The experiment span, the parent that the agent was given: 16 hex digits.
    pub span_id: String,
    /// When the request was sent, for the first time.
    pub sent: SystemTime,
    /// How long the last attempt's answer took.
    pub duration: Duration,
    /// How long all attempts took, with the pauses between them.
    pub(crate) took: Duration,
    /// How many times the request was sent; what is said here of its answer is that of the last.
    pub attempts: usize,
    /// How the attempts before the last failed.
    pub(crate) earlier: Vec<(Failure, String)>,
    /// What the request named.
    pub(crate) names: Named,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The body of the answer: JSON, or a string where it is none.
    pub response: Option<Value>,
    /// Whether the body of the answer was JSON.
    pub response_is_json: bool,
    /// Why the request failed: no answer, or not a 2xx status.
    pub error: Option<String>,
    /// The kind of `error`.
    pub(crate) failure: Option<Failure>,
    /// The spans of the row's trace, in arrival order.
    pub spans: Vec<Span>,
    /// How many spans there were besides.
    pub(crate) spans_left_out: usize,
    /// Whether the row was let go.
    pub(crate) shortened: bool,
    /// The checks of this row, in a fixed order; a check may say two things.
    pub checks: Vec<Check>,
}

impl RowReport {
    /// Whether the request succeeded and no check failed.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.error.is_none() && self.checks.iter().all(Check::ok)
    }

    /// How many spans the row's trace had; in a long run they are not all kept in [`spans`](Self::spans).
    #[must_use]
    pub fn span_count(&self) -> usize {
        self.spans.len() + self.spans_left_out
    }

    /// Whether input, response, spans and the details of checks are here. A long run does not keep those of all
    /// its rows: `arize-local run --json FILE` writes them while it runs.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.shortened
    }

    /// Drops what takes room, and keeps the result.
    pub(crate) fn shorten(&mut self) {
        self.shortened = true;
        self.spans_left_out = self.span_count();
        self.spans = Vec::new();
        self.input = Value::Null;
        self.response = None;
        self.earlier = Vec::new();
        self.checks.retain(|check| !check.ok());
        self.checks.shrink_to_fit(); // most rows have none left
        for check in &mut self.checks {
            check.detail = String::new();
            check.rows = Vec::new();
        }
    }

    /// Whether an attempt was given up before its spans can have ended.
    pub(crate) fn cut_spans_off(&self) -> bool {
        let earlier = self.earlier.iter().map(|(failure, _)| *failure);
        earlier.chain(self.failure).any(Failure::cuts_spans_off)
    }

    /// The row as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "row": self.row,
            "ok": self.ok(),
            "status": self.status,
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "space_id": self.space_id,
            "project_name": self.project,
            "input": self.input,
            "response": self.response,
            "error": self.error,
            "duration_ms": millis(self.duration),
            "attempts": self.attempts,
            "spans": self.spans.iter().map(Span::to_json).collect::<Value>(),
            "checks": self.checks.iter().map(Check::to_json).collect::<Value>(),
        })
    }
}

/// What a run has shown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The rows that were sent and finished, in the order of the dataset.
    pub rows: Vec<RowReport>,
    /// How many rows were not sent, because one before them failed or the run was interrupted.
    pub not_sent: usize,
    /// How many rows were sent and then given up, because the run was interrupted.
    pub not_finished: usize,
    /// Whether the run was interrupted.
    pub interrupted: bool,
    /// The checks over all rows: one entry for each remedy of a check that failed or warns, else one for each check.
    pub checks: Vec<Check>,
    /// Spans that arrived during the run in traces nobody asked for.
    pub stray_spans: Vec<Span>,
    /// How many of those were too many to keep.
    pub(crate) strays_dropped: usize,
    /// How long the run took, from the first request to the last span.
    pub elapsed: Duration,
    /// How long it took until the last answer came.
    pub(crate) answering: Duration,
    /// What became of the spans that were to be passed on.
    pub(crate) forwarded: Option<Forwarded>,
    /// The rows whose traces are printed as trees.
    pub trees: Trees,
}

/// The rows whose traces are printed as trees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trees {
    /// All of them in a run of 10 rows at most, else as [`Failed`](Self::Failed).
    #[default]
    Few,
    /// Every row that was kept in full.
    All,
    /// The first 20 rows that failed.
    Failed,
    /// None.
    None,
}

impl Report {
    /// Whether every row was sent and finished, every request succeeded and no check failed.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.not_sent == 0
            && !self.interrupted
            && self.rows.iter().all(RowReport::ok)
            && self.checks.iter().all(Check::ok)
    }

    /// The failing checks' names, each once, in their order: what a test compares.
    #[must_use]
    pub fn failed(&self) -> Vec<&'static str> {
        let failed = self.checks.iter().filter(|check| !check.ok());
        let mut names: Vec<_> = failed.map(|check| check.name).collect();
        names.dedup(); // the checks are in the order of their names
        names
    }

    /// The report as JSON: `{"rows": [{"row", "status", "trace_id", "response", "spans", "checks", ...}], "ok": bool, ...}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let rows: Value = self.rows.iter().map(RowReport::to_json).collect();
        let rest = self.json_without_rows().into_iter();
        std::iter::once(("rows", rows)).chain(rest).collect()
    }

    pub(crate) fn json_without_rows(&self) -> Vec<(&'static str, Value)> {
        let mut checks = Vec::new();
        for check in &self.checks {
            let mut json = check.to_json();
            json["rows"] = json!(check.rows);
            checks.push(json);
        }
        let stray_spans = self.stray_spans.iter().map(Span::to_json).collect();
        vec![
            ("ok", self.ok().into()),
            ("interrupted", self.interrupted.into()),
            ("not_sent", self.not_sent.into()),
            ("not_finished", self.not_finished.into()),
            ("elapsed_ms", millis(self.elapsed).into()),
            ("checks", checks.into()),
            ("stray_spans", stray_spans),
        ]
    }
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
