//! The options of `arize-local run`, as a process.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::agent::{Call, Export, Reply, SpanExt};
use crate::command::{arize_local, cannot_start, file, run_against, text};

/// A right agent that shows the bodies it gets.
fn watched() -> (
    Arc<Mutex<Vec<Call>>>,
    impl Fn(&Call) -> Reply + Send + Sync + 'static,
) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let behaviour = move |call: &Call| {
        seen.lock().expect("no panic").push(call.clone());
        call.right()
    };
    (calls, behaviour)
}

#[tokio::test]
async fn a_table_a_template_and_a_secret() {
    let rows = file(
        "table.csv",
        "\u{feff}goal,nights,context\n\"Rome, Italy\",2,\"{\"\"x\"\": 1}\"\n",
    );
    let body = file(
        "body.json",
        r#"{"question": "{{goal}} for {{nights}}", "context": "{{context}}"}"#,
    );
    let template = format!("@{}", text(&body));
    let json = file("secret.json", "");
    let (calls, behaviour) = watched();
    let options = [
        "--template",
        &template,
        "--header",
        "authorization=Bearer hush-hush",
        "--json",
        text(&json),
    ];
    let (code, output) = run_against(behaviour, &rows, &options).await;
    assert_eq!(code, 0, "{output}");
    let calls = calls.lock().expect("no panic");
    assert_eq!(calls[0].headers["authorization"], "Bearer hush-hush");
    assert_eq!(calls[0].body["question"], "Rome, Italy for 2");
    assert_eq!(calls[0].body["context"], "{\"x\": 1}", "cells are strings");
    let report = std::fs::read_to_string(&json).expect("is written");
    assert!(!output.contains("hush-hush") && !report.contains("hush-hush"));
}

#[tokio::test]
async fn a_row_may_stand_beside_the_metadata() {
    let rows = file("examples.json", r#"{"examples": [{"goal": "x"}]}"#);
    let (calls, behaviour) = watched();
    let options = ["--body", "top-level", "--no-baggage"];
    let (code, output) = run_against(behaviour, &rows, &options).await;
    assert_eq!(code, 0, "{output}");
    let calls = calls.lock().expect("no panic");
    assert_eq!(calls[0].body["goal"], "x");
    assert!(!calls[0].headers.contains_key("baggage"));
}

#[tokio::test]
async fn what_cannot_be_sent_is_told_before_anything_is() {
    let agent = ["--agent", "http://127.0.0.1:1/invoke"];
    let rows = file(
        "two.jsonl",
        "{\"goal\": \"x\", \"id\": 1}\n{\"goal\": \"y\"}\n",
    );
    let dataset = ["--dataset", text(&rows)];
    let with = |more: &[&'static str]| [&agent[..], &dataset, more].concat();
    let template = with(&["--template", "{\"a\": \"{{id}}\"}"]);
    cannot_start(&template, &["row 2 of", "`id`", "its columns are `goal`"]).await;
    let row = with(&["--row", "{}"]);
    let output = arize_local(&[&["run"], &row[..]].concat()).output().await;
    let stderr = output.expect("the command starts").stderr;
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(
        stderr.contains("tip: `--row` is an option of `arize-local check`\n"),
        "{stderr}"
    );
    assert!(!stderr.contains("-- --row"), "{stderr}");
    let missing = with(&["--template", "@no-such.json"]);
    cannot_start(&missing, &["cannot read the template `no-such.json`"]).await;
    let colon = with(&["--header", "Authorization: Bearer hush-hush"]);
    cannot_start(&colon, &["'authorization=...'"]).await;
    let table = with(&["--format", "csv"]);
    cannot_start(
        &table,
        &["two.jsonl` line 2 has 1 cell, but the header has 2"],
    )
    .await;
    let json = with(&["--format", "json"]);
    cannot_start(&json, &["line 2 is not JSON", "--format jsonl"]).await;
    let nowhere = with(&["--junit", "no-such-folder/report.xml"]);
    cannot_start(&nowhere, &["cannot write `no-such-folder/report.xml`"]).await;
    let both = with(&["--template", "{}", "--body", "wrapped"]);
    let output = arize_local(&[&["run"], &both[..]].concat()).output().await;
    let output = output.expect("the command starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr.contains("--body") && stderr.contains("--template"),
        "{stderr}"
    );
}

#[tokio::test]
async fn rows_may_come_from_standard_input() {
    let mut command = arize_local(&[
        "run",
        "--agent",
        "http://127.0.0.1:1/invoke",
        "--dataset",
        "-",
    ]);
    command
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::null());
    let mut child = command.spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("is piped");
    stdin
        .write_all(b"{\"goal\": \"x\"}\n{]\n")
        .await
        .expect("is read");
    drop(stdin);
    let output = child.wait_with_output().await.expect("ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr.contains("standard input line 2 is not JSON")
            && stderr.contains("or name the format with `--format csv`"),
        "{stderr}"
    );
}

/// Rows 7 and 11 fail: one is not answered, one is not routed.
fn two_fail(call: &Call) -> Reply {
    match call.row() {
        7 => Reply {
            status: 500,
            body: "out of \x1b[31morder <&>".to_owned(),
            ..call.right()
        },
        11 => {
            let mut spans = call.spans();
            spans[1].unset("arize.space_id");
            Reply::ok(vec![Export::new(&call.space, spans)])
        }
        _ => call.right(),
    }
}

fn numbered(name: &str, rows: usize) -> std::path::PathBuf {
    let lines =
        (1..=rows).map(|row| format!("{{\"row\": {row}, \"goal\": \"a <trip> & {row}\"}}\n"));
    file(name, &lines.collect::<Vec<_>>().concat())
}

#[tokio::test]
async fn of_many_rows_those_that_failed_are_printed_and_all_are_written() {
    let rows = numbered("sixty.jsonl", 60);
    let (json, junit) = (file("sixty.json", ""), file("sixty.xml", ""));
    let options = ["--json", text(&json), "--junit", text(&junit)];
    let (code, output) = run_against(two_fail, &rows, &options).await;
    assert_eq!(code, 1, "{output}");
    let trees = output.matches("\nagent.experiment.run").count();
    assert_eq!(trees, 2, "{output}");
    assert!(
        output.contains("\nand 58 more rows; `--json FILE` has all of them\n"),
        "{output}"
    );
    let last = output.lines().last().expect("is there");
    assert_eq!(last, "failed: request, routed (2 of 60 rows, 240 spans)");
    let times = output.lines().rev().nth(1).expect("is there");
    for part in ["(p50)", "(p95)", "(max)", "rows/s"] {
        assert!(times.contains(part), "{times}");
    }
    assert!(
        output.lines().all(|line| line.chars().count() <= 100),
        "{output}"
    );

    let report = std::fs::read_to_string(&json).expect("is written");
    let report: Value = serde_json::from_str(&report).expect("is JSON");
    let numbers: Vec<&Value> = report["rows"]
        .as_array()
        .expect("is a list")
        .iter()
        .map(|row| &row["row"])
        .collect();
    assert_eq!(json!(numbers), json!((1..=60).collect::<Vec<_>>()));
    assert_eq!(
        (&report["ok"], &report["not_sent"]),
        (&json!(false), &json!(0))
    );
    assert!(report["checks"].is_array() && report["stray_spans"].is_array());

    let junit = std::fs::read_to_string(&junit).expect("is written");
    assert!(!junit.contains(" \n") && !junit.contains(" >"), "{junit}");
    assert_eq!(junit.matches("<testcase ").count(), 60, "{junit}");
    assert_eq!(junit.matches("<failure ").count(), 2, "{junit}");
    for part in [
        "tests=\"60\" failures=\"2\" errors=\"0\" skipped=\"0\"",
        "name=\"row 7: a &lt;trip&gt; &amp; 7\"",
        "<failure type=\"routed\" message=\"routed: asked for space `",
    ] {
        assert!(junit.contains(part), "`{part}` is not in\n{junit}");
    }
}

#[tokio::test]
async fn trees_are_printed_as_asked() {
    let rows = numbered("twelve.jsonl", 12);
    for (which, trees) in [("all", 12), ("failed", 2), ("none", 0)] {
        let (_, output) = run_against(two_fail, &rows, &["--trees", which]).await;
        let printed = output.matches("\nagent.experiment.run").count();
        assert_eq!(printed, trees, "{which}: {output}");
        assert!(
            output.contains("\n 12  200 "),
            "the table has all rows\n{output}"
        );
    }
}

#[tokio::test]
async fn a_run_that_stops_at_a_failure_exits_with_1() {
    let rows = numbered("stops.jsonl", 40);
    let junit = file("stops.xml", "");
    let options = ["--fail-fast", "--concurrency", "1", "--junit", text(&junit)];
    let behaviour = |call: &Call| match call.row() {
        1 => Reply {
            status: 500,
            ..Reply::ok(Vec::new())
        },
        _ => Reply {
            delay: Duration::from_millis(300),
            ..call.right()
        },
    };
    let (code, output) = run_against(behaviour, &rows, &options).await;
    assert_eq!(code, 1, "{output}");
    let last = output.lines().last().expect("is there");
    // Row 1's spans are waited for, but no row is sent meanwhile.
    assert_eq!(
        last,
        "failed: request (1 of 1 row, 0 spans; 39 rows not sent)"
    );
    let junit = std::fs::read_to_string(&junit).expect("is written");
    assert_eq!(junit.matches("<testcase ").count(), 40, "{junit}");
    assert!(junit.contains("<skipped message="), "{junit}");
}
