//! Spans in traces that nobody asked for: whose they are.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::report::RowReport;
use crate::span::Span;

/// How far clocks of one machine may seem apart.
const CLOCK_SLACK: Duration = Duration::from_millis(20);

/// The stray spans of each request.
///
/// A trace is of the request that was sent last before it began: requests follow each other, and the route of a
/// span may be the very thing that is wrong with it. The route decides between requests that are under way
/// together, and where the agent has another clock.
pub(super) fn by_request<'a>(requests: &[&RowReport], stray: &'a [Span]) -> Vec<Vec<&'a Span>> {
    let mut owned: Vec<Vec<&Span>> = vec![Vec::new(); requests.len()];
    let same_clock = requests.iter().all(|request| clock_agrees(request));
    for trace in traces(stray) {
        let began = trace.iter().map(|span| started(span)).min();
        let before = |at: usize| began.is_some_and(|began| requests[at].sent <= began);
        let under_way = |at: usize| {
            before(at)
                && began.is_some_and(|began| began <= requests[at].sent + requests[at].duration)
        };
        let by_time = (0..requests.len()).rev().find(|at| before(*at));
        let by_route =
            (0..requests.len()).find(|at| trace.iter().any(|span| is_for(span, requests[*at])));
        let whose = match (by_time, by_route) {
            (Some(_), Some(route)) if under_way(route) || !same_clock => Some(route),
            (time, route) => time.or(route),
        };
        if let Some(at) = whose {
            owned[at].extend(trace);
        }
    }
    owned
}

/// The spans by trace, in arrival order.
pub(super) fn traces<'a>(spans: impl IntoIterator<Item = &'a Span>) -> Vec<Vec<&'a Span>> {
    let mut traces: Vec<Vec<&Span>> = Vec::new();
    for span in spans {
        match traces
            .iter_mut()
            .find(|trace| trace[0].trace_id == span.trace_id)
        {
            Some(trace) => trace.push(span),
            None => traces.push(vec![span]),
        }
    }
    traces
}

/// Whether anything of the span names the request's space or project.
pub(super) fn is_for(span: &Span, request: &RowReport) -> bool {
    names(span, &request.space_id, &request.project)
}

/// Whether anything of the span names this space or this project.
pub(super) fn names(span: &Span, space_id: &str, project: &str) -> bool {
    span.space_header.as_deref() == Some(space_id)
        || span.attr_str("arize.space_id") == Some(space_id)
        || span.attr_str("arize.project.name") == Some(project)
}

/// Whether the spans under the request began while it was under way, as far as there are any.
fn clock_agrees(request: &RowReport) -> bool {
    let top = request
        .spans
        .iter()
        .filter(|span| span.parent_span_id.as_deref() == Some(&request.span_id));
    let from = request.sent - CLOCK_SLACK;
    let until = request.sent + request.duration + CLOCK_SLACK;
    top.map(started)
        .all(|began| from <= began && began <= until)
}

fn started(span: &Span) -> SystemTime {
    UNIX_EPOCH
        .checked_add(Duration::from_nanos(span.start_unix_nano))
        .unwrap_or(UNIX_EPOCH)
}
