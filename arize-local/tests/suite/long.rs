//! Long runs: what is kept of them does not grow with their rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arize_local::{Experiment, Receiver, Report};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tonic::transport::Channel;

use crate::agent::{self, Call, Export};
use crate::command::{arize_local, file, text};

/// What the agent of these tests keeps: one connection, as real exporters do.
#[derive(Clone)]
struct Agent {
    endpoint: Arc<std::sync::OnceLock<String>>,
    client: Arc<OnceCell<TraceServiceClient<Channel>>>,
    calls: Arc<AtomicUsize>,
}

async fn invoke(
    State(agent): State<Agent>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    agent.calls.fetch_add(1, Ordering::Relaxed);
    let call = Call::new(headers, body);
    let connect = || async {
        let endpoint = agent.endpoint.get().expect("is known before a call");
        let client = TraceServiceClient::connect(endpoint.clone()).await;
        client.expect("connects")
    };
    let mut client = agent.client.get_or_init(connect).await.clone();
    let export = Export::new(&call.space, call.spans());
    client.export(export.request()).await.expect("is taken");
    let failed = call.body["input"]["fail"] == true;
    let status = if failed { 500 } else { 200 };
    let status = StatusCode::from_u16(status).expect("a status");
    (status, Json(json!({"text": "a trip ".repeat(20)})))
}

/// Serves an agent whose exporter keeps its connection; gives its URL.
async fn serve() -> (String, Agent) {
    let agent = Agent {
        endpoint: Arc::default(),
        client: Arc::default(),
        calls: Arc::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = agent::url(listener.local_addr().expect("is bound"));
    let app = Router::new()
        .route("/invoke", post(invoke))
        .with_state(agent.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, agent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_spans_of_a_long_run_are_not_all_kept() {
    const ROWS: usize = 3_000;
    const SPANS: usize = 4;
    let receiver = Receiver::bind("127.0.0.1:0".parse().expect("an address"))
        .await
        .expect("a free port");
    let (url, agent) = serve().await;
    agent.endpoint.set(receiver.endpoint()).expect("is not set");
    let (watched, mut most) = (receiver.clone(), 0);
    let run = Experiment::new(url)
        .rows(
            (1..=ROWS)
                .map(|row| json!({"row": row, "fail": row % 10 == 0}).into())
                .collect(),
        )
        .concurrency(32)
        .settle(Duration::from_millis(50))
        .run(&receiver);
    tokio::pin!(run);
    let report = loop {
        tokio::select! {
            report = &mut run => break report,
            () = tokio::time::sleep(Duration::from_millis(100)) => most = most.max(watched.spans().len()),
        }
    };
    // 1,000 rows may be under way, and 1,100 be finished.
    assert!(
        most > SPANS && most <= 2_100 * SPANS,
        "{most} spans were kept at once"
    );
    let kept = receiver.spans().len();
    assert!(kept <= 1_100 * SPANS, "{kept} spans are kept");

    nothing_of_the_result_is_lost(&report, ROWS, SPANS);
}

/// Of rows of which every tenth failed.
fn nothing_of_the_result_is_lost(report: &Report, all: usize, spans: usize) {
    let numbers: Vec<usize> = report.rows.iter().map(|row| row.row).collect();
    assert_eq!(numbers, (1..=all).collect::<Vec<_>>());
    assert!(
        report
            .rows
            .iter()
            .all(|row| row.span_count() == spans && row.ok() == (row.row % 10 != 0))
    );
    assert_eq!(report.failed(), ["request"]);
    let request = report.checks.iter().find(|check| !check.ok());
    assert_eq!(request.expect("failed").rows.len(), all / 10);
    assert!(
        request
            .expect("failed")
            .detail
            .contains("... (300 rows): the agent answered")
    );
    let complete = |ok| {
        let rows = report.rows.iter().filter(move |row| row.ok() == ok);
        rows.filter(|row| row.is_complete()).count()
    };
    assert!(
        (100..=220).contains(&complete(false)),
        "{}",
        complete(false)
    );
    assert!(complete(true) <= 1_100, "{}", complete(true));
    assert_eq!(report.stray_spans.len(), 0);
}

/// Prints the peak memory of the command for runs of several lengths.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: `cargo test --release -p arize-local -- --ignored --nocapture the_memory_of_long_runs`"]
async fn the_memory_of_long_runs() {
    for rows in [1_000, 10_000, 30_000] {
        let line = |row| format!("{{\"row\": {row}, \"goal\": \"a weekend in Lisbon\"}}\n");
        let lines: Vec<String> = (1..=rows).map(line).collect();
        let dataset = file("memory.jsonl", &lines.concat());
        let json = file("memory.json", "");
        let (url, agent) = serve().await;
        let grpc = free_address().await;
        let endpoint = format!("http://{grpc}");
        agent.endpoint.set(endpoint).expect("is not set");
        let mut command = arize_local(&[
            "run",
            "--agent",
            &url,
            "--dataset",
            text(&dataset),
            "--otlp-grpc",
            &grpc,
            "--otlp-http",
            "127.0.0.1:0",
            "--concurrency",
            "64",
            "--json",
            text(&json),
        ]);
        command.stdout(std::process::Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        let status = format!("/proc/{}/status", child.id().expect("runs"));
        let mut peak = String::new();
        while child.try_wait().expect("is ours").is_none() {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            if let Some(line) = text.lines().find(|line| line.starts_with("VmHWM")) {
                line.clone_into(&mut peak);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let output = child.wait_with_output().await.expect("ends");
        let output = String::from_utf8(output.stdout).expect("is UTF-8");
        assert_eq!(agent.calls.load(Ordering::Relaxed), rows, "{output}");
        let times: Vec<&str> = output.lines().rev().take(2).collect();
        println!("{rows} rows: {peak}; {times:?}");
    }
}

async fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("is bound").to_string()
}
