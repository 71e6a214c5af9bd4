//! Readers that have gone away, as in `arize-local run ... | head`.

use std::io::PipeWriter;
use std::time::Duration;

use arize_local::Receiver;
use serde_json::Value;

use crate::agent::{self, Reply};
use crate::command::{arize_local, file, text};

/// A pipe that nobody reads.
fn unread() -> PipeWriter {
    let (reader, writer) = std::io::pipe().expect("pipes are to be had");
    drop(reader);
    writer
}

#[tokio::test]
async fn a_run_that_nobody_reads_ends_as_any_other() {
    let endpoint = "http://127.0.0.1:1"; // never used
    let url = agent::serve(endpoint, |_| Reply::ok(Vec::new())).await;
    let rows = file("unread.jsonl", "{\"row\": 1}\n");
    let json = file("unread.json", "");
    let arguments = [
        "run",
        "--agent",
        &url,
        "--dataset",
        text(&rows),
        "--wait",
        "0.1",
        "--json",
        text(&json),
    ];
    let mut command = arize_local(&arguments);
    command.stdout(unread());
    let output = command.output().await.expect("the command starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*stderr), (Some(1), ""));
    let report = std::fs::read_to_string(&json).expect("is written");
    let report: Value = serde_json::from_str(&report).expect("is JSON");
    assert_eq!(report["checks"][1]["name"], "received");
}

#[tokio::test]
async fn an_error_that_nobody_reads_is_an_error() {
    let arguments = ["run", "--agent", "http://127.0.0.1:1", "--dataset", "none"];
    let mut command = arize_local(&arguments);
    command.stdout(unread()).stderr(unread());
    let status = command.status().await.expect("the command starts");
    assert_eq!(status.code(), Some(2), "101 is a panic");
}

/// Not a test of its own: a program that prints a report, run by the next test.
#[tokio::test]
#[ignore = "`a_report_that_nobody_reads_is_printed` runs it"]
async fn printing_process() {
    let receiver = Receiver::bind("127.0.0.1:0".parse().expect("an address"))
        .await
        .expect("a free port");
    let report = arize_local::Experiment::new("http://127.0.0.1:1/invoke")
        .rows((0..50).map(|_| Value::Null.into()).collect())
        .wait(Duration::ZERO)
        .retries(0)
        .run(&receiver)
        .await;
    // The harness prints too, and panics where nobody reads it: so this decides the exit status.
    let printed = report.print_to_stdout();
    std::process::exit(if printed.is_ok() { 42 } else { 1 });
}

#[tokio::test]
async fn a_report_that_nobody_reads_is_printed() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let this = std::env::current_exe().expect("is known");
    let mut child = tokio::process::Command::new(this)
        .args([
            "--exact",
            "pipes::printing_process",
            "--ignored",
            "--nocapture",
        ])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("is piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).await.expect("is readable");
    stdout.read_line(&mut line).await.expect("is readable");
    drop(stdout);
    let status = child.wait().await.expect("ends");
    assert_eq!(status.code(), Some(42));
}
