//! The checks: what a right agent's traces look like, and what to do where they do not.
//!
//! One fault should give one finding. So each check judges what no other one has told already: where the
//! CHAIN is missing, say, nobody complains of the spans under it.

use crate::protocol::Misdirected;
use crate::report::{Check, Outcome, RowReport};
use crate::span::Span;
use crate::tree::Trace;

pub(crate) use adopt::adopt;
pub(crate) use routing::SEND_HEADER;
pub(crate) use tally::Tally;

mod adopt;
mod content;
mod routing;
mod structure;
mod tally;

/// Every check by name, in the order of the report.
const NAMES: [&str; 12] = [
    "request",
    "received",
    "trace-joined",
    "chain-parent",
    "chain-exported",
    "tools-exported",
    "tools-under-chain",
    "no-orphans",
    "routed",
    "one-route",
    "known-names",
    "input-output",
];

/// What the checks of a row must know of the run.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// The tools that every row must have.
    pub(crate) expect: &'a [String],
    /// Spans that arrived during the run in traces nobody asked for.
    pub(crate) stray: Vec<Span>,
    /// How many OTLP requests arrived during the run.
    pub(crate) requests: usize,
    /// How many connections the receiver has had.
    pub(crate) connections: usize,
    /// Export requests that came to the wrong port or path.
    pub(crate) misdirected: Vec<Misdirected>,
}

impl Run<'_> {
    /// The requests to tell of where no other arrived: there the way to the receiver is wrong, and nothing else shows.
    pub(crate) fn only_misdirected(&self) -> Option<&Misdirected> {
        let most = self.misdirected.iter().max_by_key(|wrong| wrong.count);
        most.filter(|_| self.requests == 0)
    }
}

/// Fills in every row's checks.
pub(crate) fn judge(rows: &mut [RowReport], run: &Run<'_>) {
    let strays = structure::strays_by_row(rows, run);
    for (row, strays) in rows.iter_mut().zip(strays) {
        row.checks = judge_row(row, run, &strays);
    }
}

/// The checks of one row, in their order; `strays` are the stray spans that it seems to have made.
pub(crate) fn judge_row(row: &RowReport, run: &Run<'_>, strays: &[&Span]) -> Vec<Check> {
    let mut findings = content::request(row);
    if row.spans.is_empty() {
        if row.error.is_none() {
            findings.push(structure::nothing_arrived(run, strays));
        }
        return in_order(row.row, &findings, "no span arrived");
    }
    let trace = Trace::new(&row.span_id, &row.spans);
    findings.extend(structure::joined(strays));
    findings.extend(structure::chain(&trace));
    findings.extend(structure::tools(&trace, run, strays));
    findings.extend(structure::orphans(&trace));
    findings.extend(routing::routed(&trace, row));
    findings.extend(routing::one_route(&trace));
    findings.extend(content::known_names(&trace));
    findings.extend(content::input_output(&trace));
    leave_out_consequences(&mut findings, row);
    if !row.names.route {
        set_aside(
            &mut findings,
            &["routed"],
            "the request names no space and project",
        );
    }
    if !row.names.trace {
        set_aside(&mut findings, &NEED_A_TRACE, "the request names no trace");
    }
    in_order(row.row, &findings, "")
}

/// What only the trace asked for can show.
const NEED_A_TRACE: [&str; 4] = [
    "trace-joined",
    "chain-parent",
    "tools-under-chain",
    "no-orphans",
];

/// A request that failed need not have reached its tools, and one that was given up has spans that have not
/// ended: nothing of that is a fault of the tracing.
fn leave_out_consequences(findings: &mut Vec<Check>, row: &RowReport) {
    let failed = row.failure.is_some();
    let mut names = Vec::new();
    for check in &*findings {
        let consequence = match check.name {
            "tools-exported" => failed,
            "chain-exported" | "no-orphans" => row.cut_spans_off(),
            _ => false,
        };
        if consequence {
            names.push(check.name);
        }
    }
    let reason = if failed {
        "the request failed"
    } else {
        "an earlier attempt was cut off"
    };
    set_aside(findings, &names, reason);
}

/// Whatever these checks have found, it cannot be judged.
fn set_aside(findings: &mut Vec<Check>, names: &[&'static str], reason: &str) {
    findings.retain(|check| !names.contains(&check.name));
    findings.extend(names.iter().map(|name| Check::skipped(name, reason)));
}

/// Puts the findings into the fixed order and adds the checks that found nothing.
///
/// `unjudged` says why nothing could be found, if so.
fn in_order(row: usize, findings: &[Check], unjudged: &str) -> Vec<Check> {
    let mut checks = Vec::new();
    for name in NAMES {
        let mut named: Vec<Check> = findings
            .iter()
            .filter(|check| check.name == name)
            .cloned()
            .collect();
        named.sort_by_key(|check| check.outcome != Outcome::Fail);
        if named.is_empty() {
            let judged = unjudged.is_empty()
                || name == "request"
                // Spans that came in another trace did come.
                || name == "received" && findings.iter().any(|check| check.name == "trace-joined");
            named.push(if judged {
                Check::passed(name)
            } else {
                Check::skipped(name, unjudged)
            });
        }
        checks.extend(named);
    }
    for check in &mut checks {
        check.rows = vec![row];
    }
    checks
}

/// `` `a` [TOOL], `b` and 3 more``: the spans concerned, each name once, bounded.
pub(crate) fn span_list(spans: &[&Span]) -> String {
    bounded(&span_names(spans), 4, ", ")
}

/// The verb after a [`span_list`], which has each name once.
pub(crate) fn has(spans: &[&Span]) -> &'static str {
    match span_names(spans).len() {
        1 => "has",
        _ => "have",
    }
}

fn span_names(spans: &[&Span]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for span in spans {
        let name = match span.openinference_kind() {
            Some(kind) => format!("`{}` [{kind}]", span.name),
            None => format!("`{}`", span.name),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Joins the first texts and says how many more there are.
fn bounded(texts: &[String], most: usize, separator: &str) -> String {
    let shown = texts[..texts.len().min(most)].join(separator);
    if texts.len() > most {
        format!("{shown} and {} more", texts.len() - most)
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::tests::span;

    #[test]
    fn spans_are_listed_once_by_name() {
        let spans = [
            span("a", "", "x", "TOOL"),
            span("b", "", "x", "TOOL"),
            span("c", "", "y", ""),
        ];
        let spans: Vec<&Span> = spans.iter().collect();
        assert_eq!(span_list(&spans), "`x` [TOOL], `y`");
        assert_eq!((has(&spans), has(&spans[..2])), ("have", "has"));
    }
}
