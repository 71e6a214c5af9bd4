//! What a row sends, how rows fail, and how long they wait.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arize_local::{Experiment, Outcome, Receiver, Row};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::agent::{self, Call, Export, Reply};

async fn receiver() -> Receiver {
    Receiver::bind("127.0.0.1:0".parse().expect("an address"))
        .await
        .expect("a free port")
}

fn experiment(url: &str, rows: u64) -> Experiment {
    Experiment::new(url)
        .rows((1..=rows).map(|row| json!({"row": row}).into()).collect())
        .settle(Duration::from_millis(100))
        .wait(Duration::from_millis(500))
        .retries(0)
}

#[tokio::test]
async fn a_row_is_sent_the_way_arize_sends_it() {
    let receiver = receiver().await;
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let url = agent::serve(receiver.endpoint(), move |call| {
        seen.lock().expect("no panic").push(call.clone());
        call.right()
    })
    .await;
    let report = experiment(&url, 1)
        .space_id("U3BhY2U6MQ==")
        .project("my agent")
        .run(&receiver)
        .await;
    assert!(report.ok());
    let calls = calls.lock().expect("no panic");
    let (headers, metadata) = (&calls[0].headers, &calls[0].body["arize_metadata"]);
    let row = &report.rows[0];
    assert_eq!(
        headers["traceparent"],
        format!("00-{}-{}-01", row.trace_id, row.span_id)
    );
    assert!(headers.contains_key("tracestate"));
    assert_eq!(headers["content-type"], "application/json");
    let baggage = agent::baggage(headers);
    assert_eq!(baggage["arize.space_id"], "U3BhY2U6MQ==");
    assert_eq!(baggage["arize.project_name"], "my%20agent");
    assert_eq!(metadata["space_id"], "U3BhY2U6MQ==");
    assert_eq!(metadata["project_name"], "my agent");
    assert_eq!(
        headers["x-arize-experiment-id"],
        metadata["experiment_id"].as_str().expect("is text")
    );
    assert_eq!(
        headers["x-arize-experiment-run-id"],
        metadata["run_id"].as_str().expect("is text")
    );
    assert!(metadata["dataset_id"].is_string() && metadata["example_id"].is_string());
    assert_eq!(calls[0].body["input"], json!({"row": 1}));
}

#[tokio::test]
async fn fields_keep_the_order_of_the_dataset() {
    let line =
        r#"{"goal":"a trip","from":"BER","budget":{"most":600,"least":1},"cities":["b","a"]}"#;
    let receiver = receiver().await;
    let sent = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&sent);
    let url = agent::serve(receiver.endpoint(), move |call| {
        *seen.lock().expect("no panic") = call.body["input"].to_string();
        call.right()
    })
    .await;
    let input: Value = serde_json::from_str(line).expect("is JSON");
    let report = experiment(&url, 0)
        .rows(vec![input.into()])
        .run(&receiver)
        .await;
    assert_eq!(*sent.lock().expect("no panic"), line);
    assert_eq!(report.rows[0].to_json()["input"].to_string(), line);
}

#[tokio::test]
async fn rows_may_ask_for_spaces_of_their_own() {
    let receiver = receiver().await;
    let url = agent::serve(receiver.endpoint(), Call::right).await;
    let row = |n: u64| {
        Row::from(json!({"row": n}))
            .space_id(format!("space-{}", n % 3))
            .project(format!("project-{}", n % 2))
    };
    let report = experiment(&url, 0)
        .rows((0..12).map(row).collect())
        .concurrency(12)
        .run(&receiver)
        .await;
    assert!(report.ok(), "{:?}", report.checks);
    assert_eq!(report.rows[4].space_id, "space-1");
    assert!(
        report.rows[4]
            .spans
            .iter()
            .all(|span| span.space_header.as_deref() == Some("space-1"))
    );
}

#[tokio::test]
async fn rows_fail_one_by_one() {
    let receiver = receiver().await;
    let url = agent::serve(receiver.endpoint(), |call| match call.row() {
        2 => Reply {
            status: 500,
            body: "out of order".into(),
            ..Reply::ok(Vec::new())
        },
        3 => Reply {
            delay: Duration::from_secs(30),
            ..call.right()
        },
        4 => Reply {
            body: "no JSON".into(),
            ..call.right()
        },
        _ => call.right(),
    });
    let report = experiment(&url.await, 4)
        .timeout(Duration::from_secs(1))
        .concurrency(1)
        .run(&receiver)
        .await;
    assert_eq!(report.failed(), ["request"]);
    let checks: Vec<_> = report
        .checks
        .iter()
        .filter(|check| check.name == "request")
        .collect();
    assert_eq!(checks[0].outcome, Outcome::Fail);
    assert!(
        checks[0]
            .detail
            .contains("row 2: the agent answered with HTTP status 500"),
        "{}",
        checks[0].detail
    );
    assert_eq!(checks[1].detail, "row 3: no answer within 1 s");
    assert_eq!(
        (checks[2].outcome, checks[2].rows.as_slice()),
        (Outcome::Warn, [4].as_slice())
    );
    assert_eq!(report.rows[1].response, Some(json!("out of order")));
    assert_eq!((report.rows[2].status, report.rows[0].ok()), (None, true));
}

#[tokio::test]
async fn an_agent_that_is_gone_fails_its_rows_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = agent::url(listener.local_addr().expect("is bound"));
    drop(listener);
    let start = Instant::now();
    let report = experiment(&url, 2)
        .wait(Duration::from_secs(30))
        .run(&receiver().await)
        .await;
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(report.failed(), ["request"]);
    assert!(
        report.checks[0]
            .detail
            .contains("rows 1, 2: cannot connect to the agent: "),
        "{:?}",
        report.checks[0]
    );
}

#[tokio::test]
async fn the_wait_ends_once_the_chain_is_there_and_quiet() {
    let receiver = receiver().await;
    let url = agent::serve(receiver.endpoint(), Call::right).await;
    let start = Instant::now();
    let report = experiment(&url, 8)
        .concurrency(1)
        .settle(Duration::from_millis(500))
        .wait(Duration::from_secs(30))
        .run(&receiver)
        .await;
    assert!(report.ok());
    // Waiting for spans holds up no other row: 8 rows do not take 8 times the 500 ms.
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn spans_that_come_after_the_answer_are_waited_for() {
    let receiver = receiver().await;
    let endpoint = receiver.endpoint();
    let url = agent::serve(receiver.endpoint(), move |call| {
        let mut late = call.right();
        let (endpoint, exports) = (endpoint.clone(), std::mem::take(&mut late.exports));
        tokio::spawn(async move {
            for export in exports.into_iter().flat_map(one_span_each) {
                tokio::time::sleep(Duration::from_millis(50)).await;
                crate::receiver::export(&endpoint, export)
                    .await
                    .expect("is taken");
            }
        });
        late
    })
    .await;
    let report = experiment(&url, 1)
        .wait(Duration::from_secs(5))
        .settle(Duration::from_secs(1))
        .run(&receiver)
        .await;
    assert!(report.ok(), "{:?}", report.checks);
    assert_eq!(report.rows[0].spans.len(), 4);
}

fn one_span_each(export: Export) -> Vec<Export> {
    let headers = export.headers;
    export
        .spans
        .into_iter()
        .map(|span| Export {
            headers: headers.clone(),
            spans: vec![span],
        })
        .collect()
}
