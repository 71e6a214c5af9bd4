//! Rows that are sent again, and runs that stop at the first failure.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arize_local::{Check, Experiment, Outcome, Receiver, Report};
use axum::http::HeaderMap;
use serde_json::json;

use crate::agent::{self, Call, Export, Reply};

type Seen = Arc<Mutex<Vec<HeaderMap>>>;

/// Runs rows against an agent whose behaviour may depend on how many calls came before; gives their headers.
async fn run(
    rows: u64,
    behaviour: impl Fn(&Call, usize) -> Reply + Send + Sync + 'static,
    change: impl Fn(Experiment) -> Experiment,
) -> (Report, Vec<HeaderMap>) {
    let receiver = Receiver::bind("127.0.0.1:0".parse().expect("an address"))
        .await
        .expect("a free port");
    let seen = Seen::default();
    let calls = Arc::clone(&seen);
    let url = agent::serve(receiver.endpoint(), move |call| {
        let before = {
            let mut calls = calls.lock().expect("no panic under it");
            calls.push(call.headers.clone());
            calls.len() - 1
        };
        behaviour(call, before)
    })
    .await;
    let experiment = Experiment::new(url)
        .rows((1..=rows).map(|row| json!({"row": row}).into()).collect())
        .concurrency(1)
        .settle(Duration::from_millis(100))
        .wait(Duration::from_millis(500));
    let report = change(experiment).run(&receiver).await;
    let headers = std::mem::take(&mut *seen.lock().expect("no panic under it"));
    (report, headers)
}

fn status(status: u16) -> Reply {
    Reply {
        status,
        ..Reply::ok(Vec::new())
    }
}

fn printed(report: &Report) -> String {
    let mut text = Vec::new();
    report.print(&mut text, false).expect("a Vec takes all");
    String::from_utf8(text).expect("is UTF-8")
}

fn request(report: &Report) -> &Check {
    let mut checks = report.checks.iter();
    checks
        .find(|check| check.name == "request")
        .expect("is there")
}

#[tokio::test]
async fn what_may_pass_is_sent_again_as_the_same_run() {
    let behaviour = |call: &Call, before| match before {
        0 => status(503),
        1 => resume_unwind(Box::new("closes the connection")),
        _ => call.right(),
    };
    let (report, headers) = run(1, behaviour, |experiment| experiment).await;
    assert!(report.ok(), "{}", printed(&report));
    assert_eq!((report.rows[0].attempts, headers.len()), (3, 3));
    for name in ["traceparent", "baggage", "x-arize-experiment-run-id"] {
        assert!(
            headers.iter().all(|sent| sent[name] == headers[0][name]),
            "{name}"
        );
    }
    let check = request(&report);
    assert_eq!(check.outcome, Outcome::Warn);
    assert!(
        check
            .detail
            .starts_with("row 1: attempt 3 was answered; before: the request broke off"),
        "{}",
        check.detail
    );
    let text = printed(&report);
    assert!(text.starts_with("row  status  tries  "), "{text}");
    assert_eq!(report.rows[0].to_json()["attempts"], 3);
}

#[tokio::test]
async fn attempts_end() {
    for (retries, attempts) in [(0, 1), (2, 3)] {
        let (report, headers) = run(
            1,
            |_, _| status(504),
            |experiment| experiment.retries(retries),
        )
        .await;
        assert_eq!(
            (report.rows[0].attempts, headers.len()),
            (attempts, attempts)
        );
        assert_eq!(report.rows[0].status, Some(504));
        assert_eq!(report.failed(), ["request"]);
    }
    let (report, _) = run(1, |_, _| status(504), |experiment| experiment.retries(1)).await;
    let detail = &request(&report).detail;
    assert!(
        detail.ends_with("HTTP status 504 (the last of 2 attempts)"),
        "{detail}"
    );
}

#[tokio::test]
async fn what_the_agent_decided_is_not_asked_again() {
    for code in [400, 401, 404, 422, 500, 501] {
        let (report, headers) = run(1, move |_, _| status(code), |experiment| experiment).await;
        assert_eq!((headers.len(), report.rows[0].attempts), (1, 1), "{code}");
    }
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_asked_for_again() {
    let behaviour = |call: &Call, before| match before {
        0 => Reply {
            delay: Duration::from_secs(60),
            ..call.right()
        },
        _ => call.right(),
    };
    let change = |experiment: Experiment| experiment.timeout(Duration::from_millis(500));
    let (report, _) = run(1, behaviour, change).await;
    assert!(report.ok(), "{}", printed(&report));
    assert_eq!(report.rows[0].attempts, 2);
}

#[tokio::test]
async fn the_agent_may_ask_for_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = agent::url(listener.local_addr().expect("is bound"));
    let times = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&times);
    let app = axum::Router::new().fallback(move || {
        seen.lock().expect("no panic").push(Instant::now());
        async {
            (
                axum::http::StatusCode::TOO_MANY_REQUESTS,
                [("retry-after", "1")],
            )
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let receiver = Receiver::bind("127.0.0.1:0".parse().expect("an address"))
        .await
        .expect("a free port");
    let report = Experiment::new(url)
        .rows(vec![json!({}).into()])
        .retries(1)
        .wait(Duration::ZERO)
        .run(&receiver)
        .await;
    assert_eq!(report.rows[0].attempts, 2);
    let times = times.lock().expect("no panic");
    let pause = times[1] - times[0];
    assert!(pause >= Duration::from_secs(1), "{pause:?}");
}

#[tokio::test]
async fn the_spans_of_all_attempts_are_one_trace() {
    // The first attempt is cut off: its tool has ended, its CHAIN has not.
    let behaviour = |call: &Call, before| match before {
        0 => {
            let mut tool = call.span(9, &[8; 8], "search_flights", "TOOL");
            tool.end_time_unix_nano += 1;
            Reply {
                exports: vec![Export::new(&call.space, vec![tool])],
                delay: Duration::ZERO,
                ..status(503)
            }
        }
        1 => {
            let chain = call.span(7, &call.parent, "run_agent", "CHAIN");
            Reply {
                exports: vec![Export::new(&call.space, vec![chain])],
                ..status(503)
            }
        }
        _ => call.right(),
    };
    let (report, _) = run(1, behaviour, |experiment| experiment).await;
    assert_eq!(report.rows[0].spans.len(), 6);
    // The agent answered, so that its CHAIN should have come.
    assert_eq!(report.failed(), ["no-orphans"], "{}", printed(&report));

    let cut = move |call: &Call, before| match before {
        0 => Reply {
            delay: Duration::from_secs(60),
            ..Reply::ok(Vec::new())
        },
        1 => behaviour(call, 0),
        _ => call.right(),
    };
    let change = |experiment: Experiment| experiment.timeout(Duration::from_millis(500));
    let (report, _) = run(1, cut, change).await;
    assert_eq!(report.rows[0].attempts, 3);
    assert!(report.ok(), "two CHAINs are right: {}", printed(&report));
    let orphans = report
        .checks
        .iter()
        .find(|check| check.name == "no-orphans");
    assert_eq!(orphans.expect("is there").outcome, Outcome::Skipped);
}

#[tokio::test]
async fn nothing_is_sent_after_the_first_failure_if_so_asked() {
    // Of a failed request, and of a failed check.
    for code in [500, 200] {
        let behaviour = move |call: &Call, _| match call.row() {
            3 if code == 500 => status(500),
            3 => Reply::ok(vec![Export::new("other", call.spans())]),
            _ => call.right(),
        };
        let change = |experiment: Experiment| experiment.fail_fast(true);
        let (report, headers) = run(500, behaviour, change).await;
        assert!(!report.ok());
        assert!(
            (3..500).contains(&headers.len()),
            "{} were sent",
            headers.len()
        );
        assert_eq!(report.rows.len(), headers.len());
        assert_eq!(report.not_sent, 500 - headers.len());
        let text = printed(&report);
        let last = text.lines().last().expect("is there");
        assert!(
            last.contains(&format!("; {} rows not sent)", report.not_sent)),
            "{last}"
        );
        assert_eq!(report.to_json()["not_sent"], report.not_sent);
    }
}
