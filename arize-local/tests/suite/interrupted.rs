//! Commands that are interrupted: what is done is not lost, and nothing is left behind.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::sync::{Notify, watch};

use crate::agent::{self, Call, Reply};
use crate::command::{file, start, text};

/// Longer than any test takes.
const NEVER: Duration = Duration::from_secs(600);

/// A command against an agent that answers the rows up to the given one, of which it fails the last.
struct Interrupted {
    child: Child,
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn send(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id().expect("runs")).expect("is one");
    kill_process(Pid::from_raw(id).expect("is one"), signal).expect("is ours");
}

/// Starts the command, waits until it has called the agent so often and for a while more, and sends the signals.
async fn interrupt(more: &[&str], answered: u64, calls: usize, signals: &[Signal]) -> Interrupted {
    let called = Arc::new(Notify::new());
    let (seen, count) = (Arc::clone(&called), std::sync::Mutex::new(0));
    let behaviour = move |call: &Call| {
        let mut count = count.lock().expect("no panic");
        *count += 1;
        if *count == calls {
            seen.notify_one();
        }
        let right = call.right();
        Reply {
            status: if call.row() == answered { 500 } else { 200 },
            delay: if call.row() > answered {
                NEVER
            } else {
                Duration::ZERO
            },
            ..right
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = agent::url(listener.local_addr().expect("is bound"));
    let (endpoint, known) = watch::channel(None);
    tokio::spawn(agent::serve_on(listener, known, behaviour));
    let arguments = [&more[..1], &["--agent", &url, "--wait", "1"], &more[1..]].concat();
    let (child, mut stdout, output) = start(&arguments, &endpoint).await;
    let mut ended = Interrupted {
        child,
        code: None,
        stdout: output,
        stderr: String::new(),
    };
    called.notified().await;
    tokio::time::sleep(Duration::from_secs(5)).await; // the rows that were answered get their spans
    for signal in signals {
        send(&ended.child, *signal);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let rest = stdout.read_to_string(&mut ended.stdout).await;
    rest.expect("is readable");
    let mut stderr = ended.child.stderr.take().expect("is piped");
    let rest = stderr.read_to_string(&mut ended.stderr).await;
    rest.expect("is readable");
    ended.code = ended.child.wait().await.expect("ends").code();
    ended
}

fn forty(name: &str) -> std::path::PathBuf {
    let lines = (1..=40).map(|row| format!("{{\"row\": {row}}}\n"));
    file(name, &lines.collect::<String>())
}

#[tokio::test]
async fn the_rows_that_were_finished_are_reported() {
    for signal in [Signal::INT, Signal::TERM] {
        let name = |end| format!("interrupted-{}{end}", signal.as_raw());
        let rows = forty(&name(".jsonl"));
        let (json, junit) = (file(&name(".json"), ""), file(&name(".xml"), ""));
        let (json, junit) = (text(&json), text(&junit));
        let more = [
            "run",
            "--dataset",
            text(&rows),
            "--concurrency",
            "2",
            "--json",
            json,
            "--junit",
            junit,
        ];
        let ended = interrupt(&more, 3, 5, &[signal]).await;
        let output = ended.stdout;
        assert_eq!(ended.code, Some(130), "{output}{}", ended.stderr);
        assert_eq!(
            output.lines().last().expect("is there"),
            "interrupted: 3 of 40 rows, 12 spans; failed: request (1 row)"
        );
        let trees = output.matches("\nagent.experiment.run").count();
        assert_eq!(trees, 3, "{output}");
        assert!(output.contains("\nok   routed\n"), "{output}");

        let report = std::fs::read_to_string(json).expect("is written");
        let report: Value = serde_json::from_str(&report).expect("is JSON");
        assert_eq!(report["rows"].as_array().map(Vec::len), Some(3));
        assert_eq!(
            (&report["ok"], &report["interrupted"]),
            (&false.into(), &true.into())
        );
        let counts = [&report["not_sent"], &report["not_finished"]];
        assert_eq!(counts, [35, 2]);
        let junit = std::fs::read_to_string(junit).expect("is written");
        assert_eq!(junit.matches("<testcase ").count(), 40, "{junit}");
        assert_eq!(
            junit.matches("the run was interrupted").count(),
            37,
            "{junit}"
        );
        assert!(junit.contains("tests=\"40\" failures=\"1\" errors=\"0\" skipped=\"37\" "));
        assert!(junit.ends_with("</testsuites>\n"), "{junit}");
    }
}

#[tokio::test]
async fn a_second_interruption_does_not_wait() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let target = format!("http://{}", silent.local_addr().expect("is bound"));
    let rows = forty("interrupted-twice.jsonl");
    let more = ["run", "--dataset", text(&rows), "--forward", &target];
    // The first one has it wait for the target, which never answers.
    let ended = interrupt(&more, 1, 5, &[Signal::INT, Signal::INT]).await;
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(!ended.stdout.contains("interrupted:"), "{}", ended.stdout);
}

#[tokio::test]
async fn an_agent_that_is_being_started_is_stopped() {
    let rows = forty("interrupted-start.jsonl");
    let id_file = file("interrupted-start.pid", "");
    let json = file("interrupted-start.json", "");
    let script = format!("echo $$ > {}; exec sleep 600", text(&id_file));
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = agent::url(free.local_addr().expect("is bound"));
    drop(free);
    let arguments = [
        "run",
        "--agent",
        &url,
        "--dataset",
        text(&rows),
        "--json",
        text(&json),
        "--",
        "sh",
        "-c",
        &script,
    ];
    let (endpoint, _) = watch::channel(None);
    let (mut child, mut stdout, mut output) = start(&arguments, &endpoint).await;
    let id = loop {
        let id = std::fs::read_to_string(&id_file).expect("is there");
        if let Ok(id) = id.trim().parse() {
            break Pid::from_raw(id).expect("is one");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    send(&child, Signal::INT);
    stdout
        .read_to_string(&mut output)
        .await
        .expect("is readable");
    assert_eq!(child.wait().await.expect("ends").code(), Some(130));
    assert!(
        output.ends_with("\ninterrupted: 0 of 40 rows, 0 spans\n"),
        "{output}"
    );
    assert!(!output.contains("ok "), "nothing was judged\n{output}");
    let report = std::fs::read_to_string(&json).expect("is written");
    let report: Value = serde_json::from_str(&report).expect("is JSON");
    assert_eq!(report["not_sent"], 40);
    // Killed, it is still there until somebody asks what became of it.
    while test_kill_process(id).is_ok() && !is_dead(id) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether the process has ended, whoever is to take note of it.
fn is_dead(id: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero()));
    stat.is_ok_and(|stat| stat.contains(") Z "))
}

#[tokio::test]
async fn an_interrupted_check_says_so() {
    let more = ["check", "--row", "{\"row\": 1}", "--only", "both-different"];
    let ended = interrupt(&more, 0, 1, &[Signal::INT]).await;
    assert_eq!(ended.code, Some(130), "{}", ended.stdout);
    assert_eq!(ended.stderr, "arize-local: interrupted\n");
}
