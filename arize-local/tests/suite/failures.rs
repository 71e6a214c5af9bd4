//! Requests that fail: their spans, their answers, and what each kind of failure is told.

use std::net::TcpStream;
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use arize_local::{Check, Experiment, Outcome, Receiver, Report};
use serde_json::json;

use crate::agent::{self, Call, Export, Reply};

async fn receiver() -> Receiver {
    Receiver::bind("127.0.0.1:0".parse().expect("an address"))
        .await
        .expect("a free port")
}

fn experiment(url: &str, rows: u64) -> Experiment {
    Experiment::new(url)
        .rows((1..=rows).map(|row| json!({"row": row}).into()).collect())
        .timeout(Duration::from_millis(400))
        .retries(0)
        .settle(Duration::from_millis(100))
        .wait(Duration::from_millis(400))
}

fn answer(status: u16, body: &str) -> Reply {
    Reply {
        status,
        body: body.to_owned(),
        ..Reply::ok(Vec::new())
    }
}

/// The agent's work ends with the CHAIN, which it exports after the request has failed.
fn export_late(endpoint: &str, call: &Call) {
    let endpoint = endpoint.to_owned();
    let chain = call.span(1, &call.parent, "run_agent", "CHAIN");
    let export = Export::new(&call.space, vec![chain]);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        crate::receiver::export(&endpoint, export)
            .await
            .expect("is taken");
    });
}

/// Three rows: one that is not answered in time, one whose connection is closed, one answered 500.
fn fails(call: &Call) -> Reply {
    match call.row() {
        1 => Reply {
            delay: Duration::from_secs(30),
            ..Reply::ok(Vec::new())
        },
        2 => resume_unwind(Box::new("closes the connection")),
        _ => answer(500, "out of order"),
    }
}

fn printed(report: &Report) -> String {
    let mut text = Vec::new();
    report
        .print(&mut text, false)
        .expect("a Vec takes everything");
    let text = String::from_utf8(text).expect("is UTF-8");
    let wide = text.lines().find(|line| line.chars().count() > 100);
    assert_eq!(wide, None, "{text}");
    text
}

/// The failing `request` check of these rows, which must be one of its own.
#[track_caller]
fn request<'a>(report: &'a Report, rows: &[usize]) -> &'a Check {
    let mut checks = report.checks.iter();
    checks
        .find(|check| check.name == "request" && !check.ok() && check.rows == rows)
        .unwrap_or_else(|| panic!("{rows:?} are not together: {:#?}", report.checks))
}

#[tokio::test]
async fn the_spans_of_failed_requests_are_waited_for() {
    let receiver = receiver().await;
    let endpoint = receiver.endpoint();
    let url = agent::serve(receiver.endpoint(), move |call| {
        export_late(&endpoint, call);
        fails(call)
    })
    .await;
    let start = Instant::now();
    let report = experiment(&url, 3)
        .wait(Duration::from_secs(20))
        .run(&receiver)
        .await;
    let spans: Vec<usize> = report.rows.iter().map(|row| row.spans.len()).collect();
    assert_eq!(spans, [1, 1, 1], "{}", printed(&report));
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "the wait ends once the CHAIN is there and quiet"
    );
}

#[tokio::test]
async fn a_failed_request_without_spans_is_waited_for_no_longer_than_asked() {
    let receiver = receiver().await;
    let url = agent::serve(receiver.endpoint(), fails).await;
    let start = Instant::now();
    let report = experiment(&url, 3).run(&receiver).await;
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(report.failed(), ["request"]);
    let mut checks = report.checks.iter();
    let check = checks.find(|check| check.name == "received");
    // Nothing was received, so that it is not `ok` either.
    assert_eq!(check.expect("is there").outcome, Outcome::Skipped);
}

#[tokio::test]
async fn every_kind_of_failure_has_a_line_and_a_remedy() {
    let receiver = receiver().await;
    let url = agent::serve(receiver.endpoint(), |call| match call.row() {
        4 => answer(422, "no goal"),
        5 => answer(400, "no goal"),
        6 => answer(503, "out of order"),
        7 => answer(405, ""),
        8 => answer(302, ""),
        9 => call.right(),
        _ => fails(call),
    })
    .await;
    let report = experiment(&url, 9).concurrency(9).run(&receiver).await;
    assert_eq!(report.failed(), ["request"]);
    for (rows, parts) in [
        (&[1][..], &["`--timeout`", "cancelled"][..]),
        (&[2], &["log", "still running at the address"]),
        (&[3, 6], &["the agent failed", "log", "ERROR spans"]),
        (
            &[4, 5],
            &[
                r#"`{"input": <row>, "arize_metadata": {...}}`"#,
                "refused",
                "read its answer above",
                "with a 2xx status",
            ],
        ),
        (&[7], &["path of `--agent`"]),
        (&[8], &["redirects", "with a 2xx status"]),
    ] {
        let remedy = request(&report, rows).remedy.expect("has one");
        for part in parts {
            assert!(remedy.contains(part), "`{part}` is not in: {remedy}");
        }
    }
    let text = printed(&report);
    assert_eq!(text.matches("FAIL request: ").count(), 6, "{text}");
    assert!(
        text.contains("\nfailed: request (8 of 9 rows, 4 spans)"),
        "{text}"
    );
}

#[tokio::test]
async fn an_agent_that_is_gone_has_a_remedy_of_its_own() {
    let report = experiment("http://127.0.0.1:1/invoke", 1)
        .run(&receiver().await)
        .await;
    let remedy = request(&report, &[1]).remedy.expect("has one");
    assert!(
        remedy.contains("is running") && !remedy.contains("--timeout"),
        "{remedy}"
    );
}

#[tokio::test]
async fn an_agent_without_tls_is_told_so_and_is_not_tried_again() {
    let receiver = receiver().await;
    let url = agent::serve(receiver.endpoint(), Call::right).await;
    let report = experiment(&url.replace("http:", "https:"), 1)
        .retries(3)
        .run(&receiver)
        .await;
    let check = request(&report, &[1]);
    assert_eq!(
        check.remedy,
        Some("the agent speaks plain HTTP; write `http://`")
    );
    assert_eq!(report.rows[0].attempts, 1, "{}", check.detail);
}

#[tokio::test]
async fn an_answer_that_was_shown_is_not_shown_again() {
    let receiver = receiver().await;
    let url = agent::serve(receiver.endpoint(), |call: &Call| match call.row() {
        3 => answer(404, "<p>No such trip</p>"),
        _ => answer(404, "<p>No such page</p>"),
    })
    .await;
    let report = experiment(&url, 4).run(&receiver).await;
    let text = printed(&report);
    let shown = |line: &str| text.lines().filter(|found| *found == line).count();
    assert_eq!(shown("  <p>No such page</p>"), 1, "{text}");
    assert_eq!(shown("  <p>No such trip</p>"), 1, "{text}");
    assert_eq!(shown("answered 404: as row 1"), 2, "{text}");
}

#[tokio::test]
async fn the_answer_of_a_failed_request_is_shown_in_full() {
    let problem =
        json!({"detail": [{"loc": ["body", "goal"], "msg": "field required ".repeat(12)}]});
    let (problem, endless) = (problem.to_string(), "x".repeat(2_500));
    let bodies = [
        problem.clone(),
        "Traceback:\n  File \"a.py\"\x1b[2J\tline 3\r\nKeyError".to_owned(),
        endless,
        String::new(),
        "line\n".repeat(300),
    ];
    let receiver = receiver().await;
    let url = agent::serve(receiver.endpoint(), move |call| {
        let row = usize::try_from(call.row()).expect("is small");
        bodies
            .get(row - 1)
            .map_or_else(|| call.right(), |body| answer(422, body))
    })
    .await;
    let text = printed(&experiment(&url, 6).run(&receiver).await);

    let of_row = |row: usize| {
        let (from, to) = (format!("\nrow {row}  "), "\nagent.experiment.run");
        let start = text.find(&from).unwrap_or_else(|| panic!("{text}")) + 1;
        let shown: Vec<&str> = text[start..text[start..].find(to).expect("a tree") + start]
            .lines()
            .skip(1)
            .collect();
        shown
    };
    let joined = of_row(1)[1..].concat().replace(' ', "");
    assert_eq!(joined, problem.replace(' ', ""), "{text}");
    assert_eq!(
        of_row(2),
        [
            "answered 422:",
            "  Traceback:",
            "    File \"a.py\"\\u{1b}[2J\\tline 3",
            "  KeyError"
        ]
    );
    let shown = of_row(3);
    assert_eq!(shown.concat().matches('x').count(), 2_000);
    assert_eq!(shown.last(), Some(&"  … 500 more characters"));
    assert_eq!(of_row(4), ["answered 422 with an empty body"]);
    assert!(of_row(5).len() < 80, "{text}");
    assert_eq!(
        of_row(6),
        [""; 0],
        "a row that is answered has no more than its tree"
    );
}

#[tokio::test]
async fn a_failed_request_need_not_have_called_its_tools() {
    let chain = |call: &Call| {
        let spans = call.spans()[..1].to_vec();
        Reply {
            exports: vec![Export::new(&call.space, spans)],
            ..answer(500, "out of order")
        }
    };
    for expect in [&[][..], &["search_flights"]] {
        let receiver = receiver().await;
        let url = agent::serve(receiver.endpoint(), chain).await;
        let report = experiment(&url, 1)
            .expect_tools(expect.iter().copied())
            .run(&receiver)
            .await;
        let text = printed(&report);
        assert!(!text.contains("WARN"), "{text}");
        assert_eq!(report.failed(), ["request"], "{text}");
    }
}

#[tokio::test]
async fn spans_that_have_not_ended_are_the_timeouts_fault() {
    let receiver = receiver().await;
    let endpoint = receiver.endpoint();
    let url = agent::serve(receiver.endpoint(), move |call| {
        let (endpoint, tool) = (endpoint.clone(), call.spans().remove(1));
        let export = Export::new(&call.space, vec![tool]);
        tokio::spawn(async move { crate::receiver::export(&endpoint, export).await });
        fails(call)
    })
    .await;
    let report = experiment(&url, 2).run(&receiver).await;
    let text = printed(&report);
    assert!(text.contains("never arrived"), "{text}");
    assert_eq!(report.failed(), ["request"], "{text}");
}

#[tokio::test]
async fn one_of_a_thing_is_in_the_singular() {
    let receiver = receiver().await;
    let endpoint = receiver.endpoint();
    let url = agent::serve(receiver.endpoint(), move |_| {
        let address = endpoint.trim_start_matches("http://");
        drop(TcpStream::connect(address).expect("connects"));
        Reply::ok(Vec::new())
    })
    .await;
    let report = experiment(&url, 1).run(&receiver).await;
    let text = printed(&report);
    assert!(text.contains("though there was 1 connection\n"), "{text}");
    let check = report.checks.iter().find(|check| !check.ok());
    let remedy = check.and_then(|check| check.remedy).expect("has one");
    for part in [
        "installs a pipeline",
        "`arize_runtime::register_with_routing().install()?`",
        "its handle kept",
        "ARIZE_COLLECTOR_ENDPOINT",
        "`OTEL_EXPORTER_OTLP_ENDPOINT`",
    ] {
        assert!(remedy.contains(part), "`{part}` is not in: {remedy}");
    }
}

#[tokio::test]
async fn one_span_too_many_is_in_the_singular() {
    let receiver = receiver().await;
    let url = agent::serve(receiver.endpoint(), |call| {
        let mut reply = call.right();
        let stray = (1..=6).map(|trace| {
            let mut span = call.span(100 + trace, &[], "health", "");
            span.trace_id = vec![trace; 16];
            span
        });
        reply.exports[0].spans.truncate(1);
        reply.exports[0].spans.extend(stray);
        reply
    })
    .await;
    let text = printed(&experiment(&url, 1).run(&receiver).await);
    assert!(
        text.contains("\nand 1 more span in no row's trace\n"),
        "{text}"
    );
    assert!(text.contains("all good: 1 row, 1 span\n"), "{text}");
}
