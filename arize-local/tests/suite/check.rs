//! `check` against an agent written with OpenTelemetry alone, that is right or at least consistent.

use std::io;
use std::time::Duration;

use arize_local::{
    AgentOptions, BodyShape, Check, CheckOptions, CheckReport, Experiment, Outcome, ReceiveOptions,
    Receiver, Row, check,
};
use serde_json::json;
use tokio::sync::watch;

use crate::plain_agent::{self, Pitfall};

/// Reads the variables as a person would, and tells the agent.
struct Told(Vec<u8>, watch::Sender<Option<String>>);

impl io::Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.0);
        let prefix = "  ARIZE_COLLECTOR_ENDPOINT=";
        let endpoint = text.lines().find_map(|line| line.strip_prefix(prefix));
        self.1.send_replace(endpoint.map(str::to_owned));
        Ok(())
    }
}

fn options(url: String) -> CheckOptions {
    CheckOptions {
        agent: AgentOptions {
            url,
            command: Vec::new(),
            start_timeout: Duration::from_secs(1),
        },
        row: json!({"goal": "a weekend in Lisbon"}),
        only: Vec::new(),
        body: BodyShape::Wrapped,
        headers: axum::http::HeaderMap::new(),
        timeout: Duration::from_secs(20),
        wait: Duration::from_secs(2),
        expect: vec!["search_flights".to_owned()],
        receive: ReceiveOptions {
            otlp_grpc: "127.0.0.1:0".parse().expect("an address"),
            otlp_http: "127.0.0.1:0".parse().expect("an address"),
            ..ReceiveOptions::default()
        },
        json: None,
    }
}

pub(crate) async fn checked(
    pitfall: Pitfall,
    change: impl FnOnce(&mut CheckOptions),
) -> CheckReport {
    let (endpoint, known) = watch::channel(None);
    let url = plain_agent::serve(pitfall, known).await;
    checked_at(url, endpoint, change).await
}

/// Checks an agent that is told where to export by `endpoint`.
pub(crate) async fn checked_at(
    url: String,
    endpoint: watch::Sender<Option<String>>,
    change: impl FnOnce(&mut CheckOptions),
) -> CheckReport {
    let mut options = options(url);
    change(&mut options);
    check(options, &mut Told(Vec::new(), endpoint))
        .await
        .expect("starts")
}

pub(crate) async fn report(pitfall: Pitfall) -> CheckReport {
    checked(pitfall, |_| {}).await
}

pub(crate) fn printed(report: &CheckReport) -> String {
    let mut text = Vec::new();
    report
        .print(&mut text, false)
        .expect("a Vec takes everything");
    let text = String::from_utf8(text).expect("is UTF-8");
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    text
}

/// A text as it was before it was broken into lines.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Asserts that these variations fail, and these checks in them; gives the first finding of the first of them.
#[track_caller]
pub(crate) fn only<'a>(report: &'a CheckReport, variations: &[&str], checks: &[&str]) -> &'a Check {
    let text = printed(report);
    assert_eq!(report.failed(), variations, "{text}");
    let findings = || report.verdicts.iter().flat_map(|verdict| &verdict.findings);
    for finding in findings() {
        assert!(
            checks.contains(&finding.name),
            "{} in\n{text}",
            finding.name
        );
    }
    for check in checks {
        assert!(
            findings().any(|finding| finding.name == *check),
            "no {check} in\n{text}"
        );
    }
    findings().next().expect("one is there")
}

#[tokio::test]
async fn a_right_agent_passes_every_variation() {
    let report = report(Pitfall::None).await;
    let text = printed(&report);
    assert!(report.ok(), "{text}");
    assert!(
        report
            .verdicts
            .iter()
            .all(|verdict| verdict.outcome == Outcome::Ok),
        "{text}"
    );
    assert!(text.ends_with("\nall good: 13 variations\n"), "{text}");
    assert!(report.stray_spans.is_empty());
    let spans = |name: &str| {
        let verdict = report.verdicts.iter().find(|verdict| verdict.name == name);
        let requests = &verdict.expect("is there").requests;
        requests
            .iter()
            .map(|request| request.spans.len())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (spans("no-traceparent"), spans("two-at-once")),
        (vec![3], vec![3, 3])
    );
    assert_eq!((spans("unsampled"), spans("neither")), (vec![0], vec![0]));
}

#[tokio::test]
async fn a_route_of_the_agent_s_own_is_right_where_the_request_names_none() {
    let report = report(Pitfall::OwnRoute).await;
    assert!(report.ok(), "{}", printed(&report));
    let neither = &report.verdicts[3];
    assert_eq!(
        (neither.name, neither.requests[0].spans.len()),
        ("neither", 3)
    );
}

#[tokio::test]
async fn a_right_agent_passes_a_run() {
    let receiver = Receiver::bind("127.0.0.1:0".parse().expect("an address"))
        .await
        .expect("a free port");
    let (_, endpoint) = watch::channel(Some(receiver.endpoint()));
    let url = plain_agent::serve(Pitfall::None, endpoint).await;
    let rows =
        (1..=6).map(|row| Row::from(json!({"goal": row})).space_id(format!("U3BhY2U6{row}=")));
    let report = Experiment::new(url)
        .rows(rows.collect())
        .settle(Duration::from_millis(500))
        .expect_tools(["search_flights"])
        .run(&receiver)
        .await;
    assert_eq!(report.failed(), [""; 0]);
    assert!(
        report
            .checks
            .iter()
            .all(|check| check.outcome == Outcome::Ok),
        "{:?}",
        report.checks
    );
}

#[tokio::test]
async fn a_body_shape_that_alone_is_refused_is_a_warning() {
    let wrapped_only = report(Pitfall::WrappedOnly).await;
    let text = printed(&wrapped_only);
    assert!(wrapped_only.ok(), "{text}");
    let warned: Vec<_> = wrapped_only
        .verdicts
        .iter()
        .filter(|verdict| verdict.outcome == Outcome::Warn)
        .map(|verdict| (verdict.name, verdict.findings.len()))
        .collect();
    assert_eq!(warned, [("bodies", 1)], "{text}");
    assert!(
        text.contains("at the top level is refused with HTTP status 422"),
        "{text}"
    );

    // The other way round, every variation is in the shape that is refused.
    let report = checked(Pitfall::WrappedOnly, |options| {
        options.body = BodyShape::TopLevel;
        options.only = vec!["metadata-only".to_owned(), "bodies".to_owned()];
    })
    .await;
    only(&report, &["metadata-only"], &["request"]);
}

#[tokio::test]
async fn an_agent_that_always_fails_is_told_once() {
    let report = report(Pitfall::FailsAlways).await;
    let text = printed(&report);
    assert_eq!(report.failed().len(), 13, "{text}");
    assert_eq!(text.matches("→").count(), 1, "{text}");
    let text = one_line(&text);
    assert!(
        text.contains("status 500: no key for the model; so in every variation"),
        "{text}"
    );
}

#[test]
fn options_do_not_show_what_headers_hold() {
    let mut options = options("http://127.0.0.1:1/invoke".to_owned());
    let secret = "Bearer s3cret".parse().expect("is a header's value");
    options.headers.insert("authorization", secret);
    let text = format!("{options:?}");
    assert!(
        text.contains("authorization") && !text.contains("s3cret"),
        "{text}"
    );
}
