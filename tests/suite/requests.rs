//! Each request of `fixtures/requests.jsonl` over a real socket: in which trace, space and project the
//! spans of the agent arrive. The ids are those of the recorded behaviour of Python's `arize-otel`;
//! where ours is better, the line says why.

use axum::Router;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

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

async fn check(case: &Case) -> Result<(), String> {
    let environment: Vec<_> = case
        .env
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    let agent =
        Agent::with_environment(Router::new().route("/invoke", post(invoke)), &environment).await;
    let headers: Vec<_> = case
        .headers
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    let (status, answer) = agent.post(&headers, case.body.clone()).await;
    let spans = agent.spans().await;
    let counts = agent.pipeline.arize.stats();
    let arrived = || {
        spans
            .iter()
            .map(|span| (&span.name, &span.trace_id, route(span), &span.trace_state))
    };
    let told = || {
        format!(
            "{answer:.200} {:?} {counts:?}",
            arrived().collect::<Vec<_>>()
        )
    };
    let expect = |ok: bool, what: &str| {
        if ok {
            Ok(())
        } else {
            Err(format!("{what}: {}", told()))
        }
    };

    expect(
        status == StatusCode::OK && answer == case.body.to_uppercase(),
        "the agent answers",
    )?;
    if case.unsampled {
        expect(
            spans.is_empty() && counts.ended == 0,
            "nothing of an unsampled request is exported",
        )?;
        return expect(
            counts.unsampled_requests == 1,
            "an unsampled request is counted",
        );
    }
    let Some((space, project)) = &case.route else {
        expect(
            spans.is_empty(),
            "nothing of an unrouted request is exported",
        )?;
        return expect(
            counts.dropped.of(Loss::Unrouted) == 2,
            "both spans are counted as unrouted",
        );
    };
    expect(spans.len() == 2, "both spans arrive")?;
    let (chain, tool) = (named(&spans, "run_agent"), named(&spans, "search_flights"));
    for span in [chain, tool] {
        let wanted = (space.as_str(), space.as_str(), project.as_str());
        expect(route(span) == wanted, "each span is routed")?;
        let in_resource = span.resource.iter().any(|(key, value)| {
            key == "openinference.project.name" && value.as_str() == Some(project.as_str())
        });
        expect(in_resource, "the resource names the project")?;
        expect(span.trace_state == case.tracestate, "tracestate is carried")?;
    }
    expect(
        tool.parent_span_id.as_ref() == Some(&chain.span_id),
        "the tool is under the chain",
    )?;
    expect(tool.trace_id == chain.trace_id, "one trace")?;
    if case.trace == "REQUEST" {
        expect(
            chain.trace_id == TRACE,
            "the chain is in the request's trace",
        )?;
        expect(
            chain.parent_span_id.as_deref() == Some(PARENT),
            "its parent is the request's",
        )
    } else {
        expect(
            chain.trace_id != TRACE && chain.parent_span_id.is_none(),
            "the chain is a new root",
        )
    }
}

#[tokio::test]
async fn each_recorded_request_lands_where_it_belongs() {
    let cases = include_str!("../fixtures/requests.jsonl").lines();
    let cases: Vec<Case> = cases
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(cases.len() >= 60, "the fixtures are there");
    let mut failures = Vec::new();
    for case in &cases {
        if let Err(failure) = check(case).await {
            failures.push(format!("{}: {failure}", case.id));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} fail\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

#[derive(Deserialize)]
struct Elsewhere {
    id: String,
    /// The tests that show it.
    tests: Vec<String>,
}

/// Recorded cases that are not one request: `fixtures/elsewhere.jsonl` says which test shows each.
#[test]
fn each_other_recorded_case_names_a_test_that_exists() {
    let sources = [
        include_str!("trees.rs"),
        include_str!("routes_by_hand.rs"),
        include_str!("../../arize-local/tests/suite/pitfalls.rs"),
    ];
    let cases = include_str!("../fixtures/elsewhere.jsonl").lines();
    for case in cases.map(|line| serde_json::from_str::<Elsewhere>(line).unwrap()) {
        for test in &case.tests {
            let definition = format!("fn {test}(");
            assert!(
                sources.iter().any(|source| source.contains(&definition)),
                "{}: {test}",
                case.id
            );
        }
    }
}
