//! The checks: what a right agent's traces look like, and what to do where they do not.
//!
//! One fault should give one finding. So each check judges what no other one has told already: where the
//! CHAIN is missing, say, nobody complains of the spans under it.

use crate::failure::Failure;
use crate::report::{Check, Outcome, RowReport};
use crate::span::Span;
use crate::tree::Trace;

mod content;
mod routing;
mod structure;

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
}

/// Fills in every row's checks and gives those of the run.
pub(crate) fn judge(rows: &mut [RowReport], run: &Run<'_>) -> Vec<Check> {
    let strays = structure::strays_by_row(rows, run);
    for (row, strays) in rows.iter_mut().zip(strays) {
        row.checks = judge_row(row, run, &strays);
    }
    NAMES
        .into_iter()
        .flat_map(|name| combine(name, rows))
        .collect()
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
    if let Some(failure) = row.failure {
        leave_out_consequences(&mut findings, failure);
    }
    in_order(row.row, &findings, "")
}

/// A request that failed need not have reached its tools, and one that was given up has spans that have not
/// ended: nothing of that is a fault of the tracing.
fn leave_out_consequences(findings: &mut Vec<Check>, failure: Failure) {
    let mut left_out = Vec::new();
    findings.retain(|check| {
        let consequence = match check.name {
            "tools-exported" => true,
            "chain-exported" | "no-orphans" => failure.cuts_spans_off(),
            _ => false,
        };
        if consequence {
            left_out.push(check.name);
        }
        !consequence
    });
    findings.extend(
        left_out
            .into_iter()
            .map(|name| Check::skipped(name, "the request failed")),
    );
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

/// One check over all rows: what failed and what is warned of, once for each remedy, or that all is well.
fn combine(name: &'static str, rows: &[RowReport]) -> Vec<Check> {
    let all: Vec<&Check> = rows
        .iter()
        .flat_map(|row| &row.checks)
        .filter(|check| check.name == name)
        .collect();
    let found: Vec<Check> = [Outcome::Fail, Outcome::Warn]
        .into_iter()
        .flat_map(|outcome| by_remedy(&all, outcome))
        .collect();
    match all.first() {
        _ if !found.is_empty() => found,
        // Rows that could not be judged do not make a check fail, nor do they make it pass.
        Some(first) if all.iter().all(|check| check.outcome == Outcome::Skipped) => {
            vec![Check::skipped(name, &first.detail)]
        }
        _ => vec![Check::passed(name)],
    }
}

/// Unlike faults stay apart: what helps against one does not help against the other.
fn by_remedy(checks: &[&Check], outcome: Outcome) -> Vec<Check> {
    let mut kinds: Vec<Vec<&Check>> = Vec::new();
    for check in checks.iter().filter(|check| check.outcome == outcome) {
        match kinds.iter_mut().find(|kind| kind[0].remedy == check.remedy) {
            Some(kind) => kind.push(check),
            None => kinds.push(vec![check]),
        }
    }
    kinds.iter().filter_map(|kind| merge(kind)).collect()
}

/// How many different details of one check are told; the JSON has all of them.
const MAX_DETAILS: usize = 3;

/// The same fault of many rows as one check.
fn merge(checks: &[&Check]) -> Option<Check> {
    let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
    let mut rows = Vec::new();
    for check in checks {
        rows.extend(&check.rows);
        match groups
            .iter_mut()
            .find(|(detail, _)| *detail == check.detail)
        {
            Some((_, rows)) => rows.extend(&check.rows),
            None => groups.push((&check.detail, check.rows.clone())),
        }
    }
    let first = checks.first()?;
    let mut details: Vec<String> = groups
        .iter()
        .take(MAX_DETAILS)
        .map(|(detail, rows)| format!("{}: {detail}", row_list(rows)))
        .collect();
    if groups.len() > MAX_DETAILS {
        let rest: Vec<usize> = groups[MAX_DETAILS..]
            .iter()
            .flat_map(|(_, rows)| rows)
            .copied()
            .collect();
        details.push(format!("more in {}", row_list(&rest)));
    }
    rows.sort_unstable();
    rows.dedup();
    Some(Check {
        detail: details.join("; "),
        rows,
        ..(*first).clone()
    })
}

/// `row 3`, `rows 1-4, 7`: bounded, whatever the number of rows.
fn row_list(rows: &[usize]) -> String {
    const MAX_RANGES: usize = 6;
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    rows.dedup();
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for row in &rows {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *row => *last = *row,
            _ => ranges.push((*row, *row)),
        }
    }
    let text = |(first, last): &(usize, usize)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}-{last}"),
    };
    let shown: Vec<String> = ranges.iter().take(MAX_RANGES).map(text).collect();
    let shown = shown.join(", ");
    match (rows.len(), ranges.len() > MAX_RANGES) {
        (1, _) => format!("row {shown}"),
        (_, false) => format!("rows {shown}"),
        (count, true) => format!("rows {shown}, ... ({count} rows)"),
    }
}

/// `` `a` [TOOL], `b` and 3 more``: the spans concerned, each name once, bounded.
pub(crate) fn span_list(spans: &[&Span]) -> String {
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
    bounded(&names, 4, ", ")
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
    fn rows_are_listed_as_ranges_and_bounded() {
        assert_eq!(row_list(&[3]), "row 3");
        assert_eq!(row_list(&[2, 1]), "rows 1, 2");
        assert_eq!(row_list(&[1, 2, 3, 7]), "rows 1-3, 7");
        let odd: Vec<usize> = (0..50).map(|n| 2 * n + 1).collect();
        assert_eq!(row_list(&odd), "rows 1, 3, 5, 7, 9, 11, ... (50 rows)");
    }

    #[test]
    fn spans_are_listed_once_by_name() {
        let spans = [
            span("a", "", "x", "TOOL"),
            span("b", "", "x", "TOOL"),
            span("c", "", "y", ""),
        ];
        assert_eq!(
            span_list(&spans.iter().collect::<Vec<_>>()),
            "`x` [TOOL], `y`"
        );
    }

    #[test]
    fn the_same_finding_in_many_rows_is_told_once() {
        let check = |row, detail: &str| Check {
            rows: vec![row],
            ..Check::fail("routed", detail.into(), "do")
        };
        let checks: Vec<Check> = vec![check(1, "a"), check(2, "a"), check(3, "b")];
        let checks: Vec<&Check> = checks.iter().collect();
        let [merged] = &by_remedy(&checks, Outcome::Fail)[..] else {
            panic!("one remedy is one line");
        };
        assert_eq!(merged.detail, "rows 1, 2: a; row 3: b");
        assert_eq!(merged.rows, [1, 2, 3]);
        assert!(by_remedy(&checks, Outcome::Warn).is_empty());
    }
}
