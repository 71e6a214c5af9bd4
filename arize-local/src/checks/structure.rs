//! How the spans of a trace hang together.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Run, bounded, span_list};
use crate::openinference::{is_chain, kind};
use crate::report::{Check, RowReport};
use crate::span::Span;
use crate::tree::{Parent, Trace};

/// The stray spans that each row's request seems to have made.
///
/// Nothing in a stray span names its row. If rows are left without any span, it is theirs; else it belongs
/// to the rows that were under way when it started. Spans without an OpenInference kind, such as those of a
/// web framework's health checks, accuse nobody who has spans of their own.
pub(super) fn strays_by_row<'a>(rows: &[RowReport], run: &'a Run<'_>) -> Vec<Vec<&'a Span>> {
    let some_row_is_empty = rows
        .iter()
        .any(|row| row.error.is_none() && row.spans.is_empty());
    let of_row = |row: &RowReport| {
        let strays = run.stray.iter();
        if !row.names.trace {
            Vec::new() // what can be its own has been given to it
        } else if some_row_is_empty {
            strays.filter(|_| row.spans.is_empty()).collect()
        } else {
            strays
                .filter(|span| kind(span).is_some() && under_way(row, span))
                .collect()
        }
    };
    rows.iter().map(of_row).collect()
}

/// Whether the span started while the row's request was under way.
pub(super) fn under_way(row: &RowReport, span: &Span) -> bool {
    const CLOCK_SLACK: Duration = Duration::from_millis(20);
    let nanos = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let started = Duration::from_nanos(span.start_unix_nano) + CLOCK_SLACK;
    let sent = nanos(row.sent);
    sent <= started && started <= sent + row.took + 2 * CLOCK_SLACK
}

/// The row's trace is empty: because nothing came, or because it came elsewhere.
pub(super) fn nothing_arrived(run: &Run<'_>, strays: &[&Span]) -> Check {
    if !strays.is_empty() {
        let detail = format!(
            "no span carries the trace id of the request; {} of the run came in other traces: {}",
            counted(strays.len()),
            span_list(strays)
        );
        return Check::fail(
            "trace-joined",
            detail,
            "extract `traceparent` from the request's headers and start the CHAIN span in that context",
        );
    }
    if run.requests > 0 {
        return Check::fail(
            "received",
            "no span of this request arrived, only those of others".to_owned(),
            "see that this request is sampled, that its route is complete (space and project), and that its spans \
             are exported before the wait is over (`--wait`)",
        );
    }
    if let Some(wrong) = run.only_misdirected() {
        return Check::fail("received", wrong.detail(), wrong.remedy());
    }
    let detail = match run.connections {
        0 => "no OTLP request arrived, and nobody connected to the receiver".to_owned(),
        1 => "no OTLP request arrived, though there was 1 connection".to_owned(),
        count => format!("no OTLP request arrived, though there were {count} connections"),
    };
    Check::fail(
        "received",
        detail,
        "see that the agent installs a pipeline (in Rust `arize_runtime::register_with_routing().install()?`, its handle \
         kept), that it exports to `ARIZE_COLLECTOR_ENDPOINT` (plain OpenTelemetry: `OTEL_EXPORTER_OTLP_ENDPOINT`), \
         and that it does so before `--wait` is over",
    )
}

/// `trace-joined`, where the row has spans: some of its work may still be in another trace.
pub(super) fn joined(strays: &[&Span]) -> Option<Check> {
    if strays.is_empty() {
        return None;
    }
    Some(Check::fail(
        "trace-joined",
        format!(
            "{} came in another trace: {}",
            counted(strays.len()),
            span_list(strays)
        ),
        "start these spans in the context of the CHAIN span, and carry that context into tasks, threads and callbacks",
    ))
}

/// `chain-parent` and `chain-exported`.
pub(super) fn chain(trace: &Trace<'_>) -> Vec<Check> {
    let chains = chains(trace);
    if !chains.is_empty() {
        return chain_parent(trace, &chains).into_iter().collect();
    }
    let under = |wanted: fn(&Parent<'_>) -> bool| -> Vec<&Span> {
        trace
            .spans
            .iter()
            .copied()
            .filter(|span| wanted(&trace.parent(span)))
            .collect()
    };
    let top = under(|parent| *parent == Parent::Experiment);
    let lost = under(|parent| matches!(parent, Parent::Missing(_) | Parent::None));
    let without_kind: Vec<&Span> = top
        .iter()
        .copied()
        .filter(|span| span.openinference_kind().is_none())
        .collect();
    let told = "no CHAIN arrived";
    if lost.is_empty() && without_kind.len() == top.len() {
        let detail = format!(
            "{} is under the experiment span, but is no CHAIN",
            span_list(&without_kind)
        );
        let remedy =
            "set the attribute `openinference.span.kind` of the agent's first span to `CHAIN`";
        return vec![
            Check::fail("chain-parent", detail, remedy),
            Check::skipped("chain-exported", told),
        ];
    }
    let mut hints = Vec::new();
    if !lost.is_empty() {
        hints.push(format!(
            "the parent of {} was never exported",
            span_list(&lost)
        ));
    }
    if !top.is_empty() {
        hints.push(format!(
            "{} hangs directly under the experiment span",
            span_list(&top)
        ));
    }
    let mut checks = vec![Check::fail(
        "chain-exported",
        format!("no CHAIN or AGENT span arrived: {}", hints.join("; ")),
        "attach the extracted context first, set space and project on top of it, then start the CHAIN span without \
         naming a context: a CHAIN without its route is dropped before export",
    )];
    checks.extend(
        ["chain-parent", "tools-under-chain", "no-orphans"].map(|name| Check::skipped(name, told)),
    );
    checks
}

fn chain_parent(trace: &Trace<'_>, chains: &[&Span]) -> Option<Check> {
    if chains
        .iter()
        .any(|chain| trace.parent(chain) == Parent::Experiment)
    {
        return None;
    }
    let topmost = chains
        .iter()
        .min_by_key(|chain| trace.ancestors(chain).0.len())?;
    let name = span_list(&[topmost]);
    let detail = match trace.parent(topmost) {
        Parent::Span(parent) => format!(
            "{name} is under {}, not under the experiment span",
            span_list(&[parent])
        ),
        Parent::Missing(_) => {
            format!("{name} has a parent that was never exported, not the experiment span")
        }
        Parent::None | Parent::Experiment => {
            format!("{name} has no parent, not even the experiment span")
        }
    };
    Some(Check::fail(
        "chain-parent",
        detail,
        "start the CHAIN span in the context extracted from the request, not under a span of the server or client",
    ))
}

/// `tools-exported` and `tools-under-chain`.
pub(super) fn tools(trace: &Trace<'_>, run: &Run<'_>, strays: &[&Span]) -> Vec<Check> {
    let chains = chains(trace);
    let mut checks: Vec<Check> = if run.expect.is_empty() {
        childless(trace, &chains, strays).into_iter().collect()
    } else {
        expected(trace, run, strays).into_iter().collect()
    };
    let outside = |span: &&&Span| {
        let (above, end) = trace.ancestors(span);
        kind(span) == Some("TOOL") && end == Parent::Experiment && !above.into_iter().any(is_chain)
    };
    let outside: Vec<&Span> = trace.spans.iter().filter(outside).copied().collect();
    if !chains.is_empty() && !outside.is_empty() {
        checks.push(Check::fail(
            "tools-under-chain",
            format!("no CHAIN or AGENT is above {}", span_list(&outside)),
            "start the tool's span while the CHAIN span is current, and carry its context into tasks and threads",
        ));
    }
    checks
}

fn expected(trace: &Trace<'_>, run: &Run<'_>, strays: &[&Span]) -> Option<Check> {
    let names =
        |span: &Span, tool: &str| span.name == tool || span.attr_str("tool.name") == Some(tool);
    let missing: Vec<String> = run
        .expect
        .iter()
        .filter(|tool| {
            !trace
                .spans
                .iter()
                .chain(strays)
                .any(|span| names(span, tool))
        })
        .map(|tool| format!("`{tool}`"))
        .collect();
    (!missing.is_empty()).then(|| {
        Check::fail(
            "tools-exported",
            format!("no span of {}", bounded(&missing, 8, ", ")),
            "start the tools' spans inside the same routing as the CHAIN, for spans without a route are dropped; \
             and see that the tools were called",
        )
    })
}

/// Without named tools, a CHAIN that stands alone is only worth a warning: the agent may have none.
fn childless(trace: &Trace<'_>, chains: &[&Span], strays: &[&Span]) -> Option<Check> {
    let alone = trace
        .spans
        .iter()
        .all(|span| is_chain(span) && trace.parent(span) == Parent::Experiment);
    (alone && strays.is_empty()).then(|| {
        Check::warn(
            "tools-exported",
            format!("{} has no span under it", span_list(chains)),
            "if the agent calls tools or models, start their spans inside the same routing as the CHAIN; \
             `--expect` names the tools that must be there",
        )
    })
}

/// `no-orphans`: what `chain` has told already is left out.
pub(super) fn orphans(trace: &Trace<'_>) -> Option<Check> {
    let chains = chains(trace);
    if chains.is_empty() {
        return None;
    }
    let chain_parent_failed = chain_parent(trace, &chains).is_some();
    let orphans: Vec<&Span> = trace
        .spans
        .iter()
        .copied()
        .filter(|span| matches!(trace.parent(span), Parent::Missing(_) | Parent::None))
        .filter(|span| !(chain_parent_failed && is_chain(span)))
        .collect();
    (!orphans.is_empty()).then(|| {
        Check::fail(
            "no-orphans",
            format!("the parent of {} never arrived", span_list(&orphans)),
            "export every span that has children: the same sampler, the same routing, ended and flushed in time",
        )
    })
}

fn chains<'a>(trace: &Trace<'a>) -> Vec<&'a Span> {
    trace
        .spans
        .iter()
        .copied()
        .filter(|span| is_chain(span))
        .collect()
}

fn counted(count: usize) -> String {
    if count == 1 {
        "1 span".to_owned()
    } else {
        format!("{count} spans")
    }
}
