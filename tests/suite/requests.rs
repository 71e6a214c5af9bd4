//! Each request of `fixtures/requests.jsonl` over a real socket: in which trace, space and project the
//! spans of the agent arrive. The ids are those of the recorded behaviour of Python's `arize-otel`;
//! where ours is better, the line says why.

use axum::Router;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use arize_local::Span;

use arize_runtime::{Loss, experiment_handler, tool};

use crate::harness::{Agent, PARENT, TRACE, named, route};

#[derive(Deserialize)]
struct Case {
    id: String,
    headers: Vec<(String, String)>,
    body: String,
    env: std::collections::HashMap<String, String>,
    /// Space and project, or nothing where the spans are dropped.
    route: Option<(String, String)>,
    /// `REQUEST`, the one of the traceparent, or `NEW`.
    trace: String,
    tracestate: String,
    #[serde(default)]
    unsampled: bool,
}

#[tool]
fn search_flights(goal: &str) -> String {
    goal.to_uppercase()
}

/// Takes any body, so that every request of the fixtures is answered.
#[experiment_handler(name = "run_agent")]
async fn invoke(headers: HeaderMap, body: String) -> String {
    search_flights(&body)
}

/// The first thing of this request that is not as it should be.
async fn fault(case: &Case) -> Option<String> {
    fn pairs<'a>(
        lines: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Vec<(&'a str, &'a str)> {
        lines
            .into_iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }
    let router = Router::new().route("/invoke", post(invoke));
    let agent = Agent::with_environment(router, &pairs(&case.env)).await;
    let headers = pairs(case.headers.iter().map(|(name, value)| (name, value)));
    let (status, answer) = agent.post(&headers, case.body.clone()).await;
    let spans = agent.spans().await;
    let counts = agent.pipeline.arize.stats();

    let answered = status == StatusCode::OK && answer == case.body.to_uppercase();
    let mut wanted = vec![("the agent answers", answered)];
    match &case.route {
        _ if case.unsampled => wanted.extend([
            (
                "nothing of an unsampled request is exported",
                spans.is_empty() && counts.ended == 0,
            ),
            (
                "an unsampled request is counted",
                counts.unsampled_requests == 1,
            ),
        ]),
        None => wanted.extend([
            (
                "nothing of an unrouted request is exported",
                spans.is_empty(),
            ),
            (
                "both spans are counted as unrouted",
                counts.dropped.of(Loss::Unrouted) == 2,
            ),
        ]),
        Some(_) if spans.len() != 2 => wanted.push(("both spans arrive", false)),
        Some((space, project)) => wanted.extend(in_place(case, &spans, space, project)),
    }
    let (what, _) = wanted.into_iter().find(|(_, holds)| !holds)?;
    let arrived: Vec<_> = spans
        .iter()
        .map(|span| (&span.name, &span.trace_id, route(span), &span.trace_state))
        .collect();
    Some(format!(
        "{}: not so: {what}: {answer:.200} {arrived:?} {counts:?}",
        case.id
    ))
}

/// What holds of the spans of a request that has a route.
fn in_place(case: &Case, spans: &[Span], space: &str, project: &str) -> Vec<(&'static str, bool)> {
    let (chain, tool) = (named(spans, "run_agent"), named(spans, "search_flights"));
    let parent = chain.parent_span_id.as_deref();
    let joined = chain.trace_id == TRACE && parent == Some(PARENT);
    let root = chain.trace_id != TRACE && parent.is_none();
    let named_in_resource = |span: &Span| {
        let mut resource = span.resource.iter();
        resource.any(|(k, v)| k == "openinference.project.name" && v.as_str() == Some(project))
    };
    let all = |holds: &dyn Fn(&Span) -> bool| spans.iter().all(holds);
    vec![
        (
            "each span is routed",
            all(&|span| route(span) == (space, space, project)),
        ),
        ("the resource names the project", all(&named_in_resource)),
        (
            "tracestate is carried",
            all(&|span| span.trace_state == case.tracestate),
        ),
        (
            "the tool is under the chain",
            tool.parent_span_id.as_ref() == Some(&chain.span_id),
        ),
        ("all is one trace", tool.trace_id == chain.trace_id),
        (
            "the chain is where the traceparent says",
            if case.trace == "REQUEST" {
                joined
            } else {
                root
            },
        ),
    ]
}

#[tokio::test]
async fn each_recorded_request_lands_where_it_belongs() {
    let cases = include_str!("../fixtures/requests.jsonl").lines();
    let cases: Vec<Case> = cases
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(cases.len() >= 60, "the fixtures are there");
    let mut faults = Vec::new();
    for case in &cases {
        faults.extend(fault(case).await);
    }
    assert!(
        faults.is_empty(),
        "{} of {} fail\n{}",
        faults.len(),
        cases.len(),
        faults.join("\n")
    );
}
