//! An experiment against an agent: what every framework's agent has to show.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use arize_local::{Experiment, Outcome, Receiver, Report, Row, RowReport, Span, StatusCode};
use arize_runtime::{Arize, register_with_routing};
use frameworks::NOWHERE;
use opentelemetry::Context;
use serde_json::json;

const ROUTES: [(&str, &str); 3] = [
    ("U3BhY2U6NDpjaXR5LWJyZWFrcw==", "city-breaks"),
    ("U3BhY2U6Mjpob2xpZGF5cw==", "holidays"),
    ("U3BhY2U6OTp3b3Jr", "work trips"),
];
const TOOLS: [&str; 2] = ["search_flights", "search_hotels"];

pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A pipeline and the collector behind it.
pub(crate) struct Pipeline {
    pub(crate) receiver: Receiver,
    arize: Arize,
}

impl Pipeline {
    pub(crate) async fn start() -> Self {
        let receiver = Receiver::bind(any_port()).await.unwrap();
        let nothing = HashMap::<String, String>::new();
        let arize = register_with_routing()
            .with_environment(move |name| nothing.get(name).cloned())
            .endpoint(receiver.endpoint())
            .batch_delay(Duration::from_millis(20))
            .build()
            .unwrap();
        Self { receiver, arize }
    }

    /// A Context whose spans come here; the server puts it around each request.
    pub(crate) fn context(&self) -> Context {
        self.arize.context()
    }
}

/// Sends rows of several spaces at once; every answer is right, and every span where it should be.
pub(crate) async fn judge(url: &str, receiver: &Receiver) {
    let report = experiment(url, rows()).run(receiver).await;
    let shown = shown(&report);
    assert!(report.ok(), "{shown}");
    assert!(report.stray_spans.is_empty(), "{shown}");
    for row in &report.rows {
        for check in &row.checks {
            assert_eq!(check.outcome, Outcome::Ok, "{shown}");
        }
        let goal = row.input["goal"].as_str().unwrap();
        let text = format!("a flight to {goal}, a hotel in {goal}");
        assert_eq!(row.response, Some(json!({ "text": text })), "{shown}");
        let chain = judge_tree(row);
        assert_eq!(chain.status.code, StatusCode::Ok, "{shown}");
        assert!(chain.attr_str("input.value").unwrap().contains(goal));
        assert!(chain.attr_str("output.value").is_some());
    }
}

/// Sends a row that the agent answers with a 5xx; gives what the CHAIN's status says of it.
pub(crate) async fn failure(url: &str, receiver: &Receiver) -> String {
    let (space, project) = ROUTES[1];
    let row = Row::from(json!({ "goal": NOWHERE }));
    let row = row.space_id(space).project(project);
    let report = experiment(url, vec![row]).retries(0).run(receiver).await;
    let row = &report.rows[0];
    let status = row.status.unwrap_or_default();
    assert!(status >= 500, "{}", shown(&report));
    let failed: Vec<_> = row.checks.iter().filter(|check| !check.ok()).collect();
    assert!(
        matches!(failed.as_slice(), [request] if request.name == "request"),
        "{failed:?}"
    );
    let chain = judge_tree(row);
    assert_eq!(chain.status.code, StatusCode::Error);
    assert_eq!(chain.events[0].name, "exception");
    chain.status.message.clone()
}

fn rows() -> Vec<Row> {
    let goals = ["Lisbon", "Oslo", "Rome", "Paris", "Bonn", "Graz", "Kyiv"];
    let routes = ROUTES.into_iter().cycle();
    let row = |(goal, (space, project))| {
        let row = Row::from(json!({ "goal": goal }));
        row.space_id(space).project(project)
    };
    goals.into_iter().zip(routes).map(row).collect()
}

fn experiment(url: &str, rows: Vec<Row>) -> Experiment {
    Experiment::new(url)
        .concurrency(rows.len())
        .rows(rows)
        .expect_tools(TOOLS)
        .settle(Duration::from_millis(300))
}

/// A CHAIN under the request's parent, both tools under the CHAIN, and nothing else; all on the row's route.
fn judge_tree(row: &RowReport) -> &Span {
    let mut names: Vec<_> = row.spans.iter().map(|span| span.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["run_agent", TOOLS[0], TOOLS[1]]);
    let is_chain = |span: &&Span| span.name == "run_agent";
    let chain = row.spans.iter().find(is_chain).unwrap();
    for span in &row.spans {
        let (kind, parent) = if is_chain(&span) {
            ("CHAIN", &row.span_id)
        } else {
            ("TOOL", &chain.span_id)
        };
        assert_eq!(span.openinference_kind(), Some(kind));
        assert_eq!(span.parent_span_id.as_ref(), Some(parent));
        assert_eq!(span.space_header.as_ref(), Some(&row.space_id));
        let attribute = |name| span.attr_str(name).unwrap().to_owned();
        assert_eq!(attribute("arize.space_id"), row.space_id);
        assert_eq!(attribute("arize.project.name"), row.project);
    }
    chain
}

fn shown(report: &Report) -> String {
    report.to_json().to_string()
}
