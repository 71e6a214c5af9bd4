//! Whether every span went to the space and project that were asked for.

use std::collections::BTreeMap;

use super::{bounded, has, span_list};
use crate::report::{Check, RowReport};
use crate::span::Span;
use crate::tree::Trace;

pub(super) const SPACE: &str = "arize.space_id";
const PROJECT: &str = "arize.project.name";

/// Where spans of right attributes came with another header, or none.
pub(crate) const SEND_HEADER: &str = "send the header `arize-space-id` with each OTLP request, and with it the spans of \
    that space only: one exporter for each space";

const SET_ATTRIBUTES: &str = "start every span of a request inside its routing; in plain OpenTelemetry, set \
    `arize.space_id` and `arize.project.name` on every span, in the `on_start` of a span processor";

const SEND_AND_SET: &str = "start and export every span of a request inside its routing; in plain OpenTelemetry, set \
    `arize.space_id` and `arize.project.name` on every span, in the `on_start` of a span processor, and send the \
    header `arize-space-id` with each OTLP request: one exporter for each space";

/// What is wrong with where a span went.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Header(Option<String>),
    Missing(Vec<&'static str>),
    Wrong(&'static str, String),
}

/// `routed`: header and attributes of every span name what was asked for.
pub(super) fn routed(trace: &Trace<'_>, row: &RowReport) -> Option<Check> {
    let mut by_faults: BTreeMap<Vec<Fault>, Vec<&Span>> = BTreeMap::new();
    for span in &trace.spans {
        let faults = faults(span, row);
        if !faults.is_empty() {
            by_faults.entry(faults).or_default().push(span);
        }
    }
    if by_faults.is_empty() {
        return None;
    }
    let told: Vec<String> = by_faults
        .iter()
        .map(|(faults, spans)| {
            let has = has(spans);
            let faults: Vec<String> = faults.iter().map(|fault| fault.told(has)).collect();
            format!("{} {}", span_list(spans), faults.join(" and "))
        })
        .collect();
    let detail = format!(
        "asked for space `{}`, project `{}`, but {}",
        row.space_id,
        row.project,
        bounded(&told, 3, "; ")
    );
    let faults: Vec<&Fault> = by_faults.keys().flatten().collect();
    Some(Check::fail("routed", detail, remedy(trace, row, &faults)))
}

fn remedy(trace: &Trace<'_>, row: &RowReport, faults: &[&Fault]) -> &'static str {
    let cut_at_equals = |sent: Option<&str>| {
        sent.is_some_and(|sent| {
            !sent.is_empty() && sent != row.space_id && sent == row.space_id.trim_end_matches('=')
        })
    };
    let cut = |span: &&Span| {
        cut_at_equals(span.attr_str(SPACE)) || cut_at_equals(span.space_header.as_deref())
    };
    let any = |wanted: fn(&Fault) -> bool| faults.iter().any(|fault| wanted(fault));
    let header = any(|fault| matches!(fault, Fault::Header(_)));
    let missing = any(|fault| matches!(fault, Fault::Missing(_)));
    let wrong = any(|fault| matches!(fault, Fault::Wrong(..)));
    if trace.spans.iter().any(cut) {
        "read baggage with a parser that keeps `=` inside values: space ids are base64"
    } else if wrong {
        "resolve space and project for each request (`arize_metadata`, then baggage) and start and export every span \
         of it inside that routing"
    } else if header && missing {
        SEND_AND_SET
    } else if header {
        SEND_HEADER
    } else {
        SET_ATTRIBUTES
    }
}

impl Fault {
    fn told(&self, has: &str) -> String {
        match self {
            Self::Header(Some(space)) => format!("came with the space header `{space}`"),
            Self::Header(None) => "came without an `arize-space-id` header".to_owned(),
            Self::Missing(names) => format!("{has} no `{}`", names.join("`, no `")),
            Self::Wrong(name, value) => format!("{has} `{name}` = {value}"),
        }
    }
}

fn faults(span: &Span, row: &RowReport) -> Vec<Fault> {
    let mut faults = Vec::new();
    if span.space_header.as_ref() != Some(&row.space_id) {
        faults.push(Fault::Header(span.space_header.clone()));
    }
    let missing: Vec<&str> = [SPACE, PROJECT]
        .into_iter()
        .filter(|name| span.attr(name).is_none())
        .collect();
    if !missing.is_empty() {
        faults.push(Fault::Missing(missing));
    }
    for (name, wanted) in [(SPACE, &row.space_id), (PROJECT, &row.project)] {
        match span.attr(name) {
            Some(value) if value.as_str() != Some(wanted) => {
                faults.push(Fault::Wrong(name, value.to_json().to_string()));
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
