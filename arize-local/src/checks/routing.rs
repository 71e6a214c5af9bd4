//! Whether every span went to the space and project that were asked for.

use std::collections::BTreeMap;

use super::{bounded, span_list};
use crate::report::{Check, RowReport};
use crate::span::Span;
use crate::tree::Trace;

pub(super) const SPACE: &str = "arize.space_id";
const PROJECT: &str = "arize.project.name";

/// `routed`: header and attributes of every span name what was asked for.
pub(super) fn routed(trace: &Trace<'_>, row: &RowReport) -> Option<Check> {
    let mut by_fault: BTreeMap<String, Vec<&Span>> = BTreeMap::new();
    for span in &trace.spans {
        let faults = faults(span, row);
        if !faults.is_empty() {
            by_fault.entry(faults.join(", ")).or_default().push(span);
        }
    }
    if by_fault.is_empty() {
        return None;
    }
    let cut_at_equals = trace.spans.iter().any(|span| {
        let sent = span.attr_str(SPACE).unwrap_or_default();
        !sent.is_empty() && sent != row.space_id && sent == row.space_id.trim_end_matches('=')
    });
    let faults: Vec<String> = by_fault
        .iter()
        .map(|(fault, spans)| format!("{} {fault}", span_list(spans)))
        .collect();
    let detail = format!(
        "asked for space `{}`, project `{}`, but {}",
        row.space_id,
        row.project,
        bounded(&faults, 3, "; ")
    );
    let remedy = if cut_at_equals {
        "read baggage with a parser that keeps `=` inside values: space ids are base64"
    } else {
        "resolve space and project for each request (`arize_metadata`, then baggage) and start and export every span \
         of it inside that routing"
    };
    Some(Check::fail("routed", detail, remedy))
}

fn faults(span: &Span, row: &RowReport) -> Vec<String> {
    let mut faults = Vec::new();
    match span.space_header.as_deref() {
        Some(space) if space == row.space_id => {}
        Some(space) => faults.push(format!("came with the space header `{space}`")),
        None => faults.push("came without an `arize-space-id` header".to_owned()),
    }
    let missing: Vec<&str> = [SPACE, PROJECT]
        .into_iter()
        .filter(|name| span.attr(name).is_none())
        .collect();
    if !missing.is_empty() {
        faults.push(format!("has no `{}`", missing.join("`, no `")));
    }
    for (name, wanted) in [(SPACE, &row.space_id), (PROJECT, &row.project)] {
        match span.attr(name) {
            Some(value) if value.as_str() != Some(wanted) => {
                faults.push(format!("has `{name}` = {}", value.to_json()));
            }
            _ => {}
        }
    }
    faults
}

/// `one-route`: spans that name a route all name the same one.
pub(super) fn one_route(trace: &Trace<'_>) -> Option<Check> {
    let mut routes: BTreeMap<(&str, &str), Vec<&Span>> = BTreeMap::new();
    for span in &trace.spans {
        if let (Some(space), Some(project)) = (span.attr_str(SPACE), span.attr_str(PROJECT)) {
            routes.entry((space, project)).or_default().push(span);
        }
    }
    if routes.len() < 2 {
        return None;
    }
    let parts: Vec<String> = routes
        .iter()
        .map(|((space, project), spans)| format!("{} in `{space}`/`{project}`", span_list(spans)))
        .collect();
    Some(Check::fail(
        "one-route",
        format!(
            "the trace is split over {} routes: {}",
            routes.len(),
            bounded(&parts, 3, "; ")
        ),
        "resolve the route once for a request, before its first span, and start all its spans inside it",
    ))
}
