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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::form::RequestForm;
    use crate::span::tests::span;

    /// A request that was sent at this second and took one.
    async fn request(row: usize, second: u64) -> RowReport {
        let space = format!("S{row}");
        let call = Call::new(row, "x".into(), space, format!("P{row}"), String::new());
        let target = Err("nobody is there".to_owned());
        let form = RequestForm::default();
        let mut report = call.send(target, &form, Duration::ZERO).await;
        report.sent = UNIX_EPOCH + Duration::from_secs(second);
        report.duration = Duration::from_secs(1);
        report
    }

    /// A span of this trace that started at this time and came to this space.
    fn stray(trace_id: &str, millis: u64, space: &str) -> Span {
        let mut stray = span(trace_id, "", "name", "CHAIN");
        stray.trace_id = trace_id.to_owned();
        stray.start_unix_nano = millis * 1_000_000;
        stray.space_header = Some(space.to_owned());
        stray.attributes.clear();
        stray
    }

    fn owners(requests: &[RowReport], stray: &Span) -> Vec<usize> {
        let requests: Vec<&RowReport> = requests.iter().collect();
        by_request(&requests, std::slice::from_ref(stray))
            .iter()
            .map(Vec::len)
            .collect()
    }

    #[tokio::test]
    async fn a_trace_is_of_the_request_sent_last_before_it_whatever_its_route() {
        let requests = [request(1, 10).await, request(2, 20).await];
        assert_eq!(owners(&requests, &stray("t", 20_100, "S1")), [0, 1]);
        assert_eq!(owners(&requests, &stray("t", 19_000, "-")), [1, 0]);
        assert_eq!(owners(&requests, &stray("t", 9_000, "-")), [0, 0]);
    }

    #[tokio::test]
    async fn the_route_decides_between_requests_at_once() {
        let requests = [request(1, 10).await, request(2, 10).await];
        assert_eq!(owners(&requests, &stray("t", 10_100, "S1")), [1, 0]);
        assert_eq!(owners(&requests, &stray("t", 10_100, "S2")), [0, 1]);
    }

    #[tokio::test]
    async fn the_route_decides_where_the_agent_has_another_clock() {
        let mut requests = [request(1, 10).await, request(2, 20).await];
        let mut own = stray("own", 15_000, "S1");
        own.parent_span_id = Some(requests[0].span_id.clone());
        requests[0].spans = vec![own];
        assert_eq!(owners(&requests, &stray("t", 25_100, "S1")), [1, 0]);
    }
}
