//! What a check has shown: a verdict for each variation, and its JSON.

use serde_json::{Value, json};

use super::judge::{NOTHING_CAME, Sent};
use super::variation::{Expects, Variation};
use crate::forward::Forwarded;
use crate::report::{Check, Outcome, RowReport};
use crate::span::Span;

/// What one variation has shown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verdict {
    /// The variation's name: `baggage-only`, `unsampled`, ...
    pub name: &'static str,
    /// What a right agent does in it.
    pub promise: &'static str,
    /// The worst that its checks say; skipped where it promises that nothing wrong arrives, and nothing at all did.
    pub outcome: Outcome,
    /// What failed and what is warned of, with the remedies for this variation.
    pub findings: Vec<Check>,
    /// The requests that were sent, with all their checks and spans.
    pub requests: Vec<RowReport>,
}

impl Verdict {
    /// Whether nothing failed; a warning is not a failure.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.outcome != Outcome::Fail
    }

    fn new(variation: &'static Variation, requests: Vec<RowReport>) -> Self {
        let mut findings: Vec<Check> = requests
            .iter()
            .flat_map(|request| &request.checks)
            .filter(|check| matches!(check.outcome, Outcome::Fail | Outcome::Warn))
            .cloned()
            .collect();
        if variation.expects == Expects::AnyBody {
            findings = forgive_one_body(findings, &requests, variation);
        }
        findings.sort_by_key(|check| check.outcome != Outcome::Fail);
        let unjudged =
            |check: &Check| check.outcome == Outcome::Skipped && check.detail == NOTHING_CAME;
        let mut checks = requests.iter().flat_map(|request| &request.checks);
        let outcome = match findings.first() {
            Some(finding) => finding.outcome,
            None if checks.any(unjudged) => Outcome::Skipped,
            None => Outcome::Ok,
        };
        Self {
            name: variation.name,
            promise: variation.promise,
            outcome,
            findings,
            requests,
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "ok": self.ok(),
            "outcome": format!("{:?}", self.outcome).to_lowercase(),
            "promise": self.promise,
            "findings": self.findings.iter().map(Check::to_json).collect::<Value>(),
            "requests": self.requests.iter().map(RowReport::to_json).collect::<Value>(),
        })
    }
}

/// An agent may be made for one body shape, for Arize sends the one that its integration is set up for.
fn forgive_one_body(
    findings: Vec<Check>,
    requests: &[RowReport],
    variation: &Variation,
) -> Vec<Check> {
    let shapes = ["with the row as `input`", "with the row at the top level"];
    let refused: Vec<(&RowReport, &str)> = requests
        .iter()
        .zip(shapes)
        .filter(|(request, _)| request.error.is_some() && request.status.is_some())
        .collect();
    let [(request, shape)] = refused[..] else {
        return findings;
    };
    let mut kept: Vec<Check> = findings
        .into_iter()
        .filter(|check| check.rows != [request.row])
        .collect();
    let status = request.status.unwrap_or_default();
    let detail =
        format!("a body {shape} is refused with HTTP status {status}, the other shape is taken");
    kept.push(Check::warn("request", detail, variation.refused));
    kept
}

/// What a check has shown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckReport {
    /// A verdict for each variation, in their order.
    pub verdicts: Vec<Verdict>,
    /// Spans that arrived during the check and belong to the trace of no request.
    pub stray_spans: Vec<Span>,
    /// Whether it was known which tools there should be.
    pub(crate) knows_tools: bool,
    /// What became of the spans that were to be passed on.
    pub(crate) forwarded: Option<Forwarded>,
}

impl CheckReport {
    pub(super) fn new(sent: Vec<Sent>, stray: Vec<Span>, knows_tools: bool) -> Self {
        let mut variations: Vec<(&'static Variation, Vec<RowReport>)> = Vec::new();
        for Sent { variation, report } in sent {
            match variations.last_mut() {
                Some((last, reports)) if last.name == variation.name => reports.push(report),
                _ => variations.push((variation, vec![report])),
            }
        }
        let verdicts: Vec<Verdict> = variations
            .into_iter()
            .map(|(variation, reports)| Verdict::new(variation, reports))
            .collect();
        let is_of_request = |span: &Span| {
            let mut requests = verdicts.iter().flat_map(|verdict| &verdict.requests);
            requests.any(|request| {
                request
                    .spans
                    .iter()
                    .any(|own| own.trace_id == span.trace_id)
            })
        };
        let stray_spans = stray
            .into_iter()
            .filter(|span| !is_of_request(span))
            .collect();
        Self {
            verdicts,
            stray_spans,
            knows_tools,
            forwarded: None,
        }
    }

    /// Whether no variation failed.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.verdicts.iter().all(Verdict::ok)
    }

    /// The names of the variations that failed, in their order.
    #[must_use]
    pub fn failed(&self) -> Vec<&'static str> {
        let failed = self.verdicts.iter().filter(|verdict| !verdict.ok());
        failed.map(|verdict| verdict.name).collect()
    }

    /// The report as JSON: `{"ok": bool, "variations": [{"name", "outcome", "findings", "requests", ...}], ...}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "ok": self.ok(),
            "variations": self.verdicts.iter().map(Verdict::to_json).collect::<Value>(),
            "stray_spans": self.stray_spans.iter().map(Span::to_json).collect::<Value>(),
        })
    }
}
