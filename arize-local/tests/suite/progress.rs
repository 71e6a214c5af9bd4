//! The progress of a run, on a real terminal.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::agent::{self, Reply};
use crate::command::{arize_local, file, text};

/// A terminal: its side for a program, and what is shown on it in the end.
fn terminal() -> (File, JoinHandle<String>) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("terminals are to be had");
    grantpt(&master).expect("is ours");
    unlockpt(&master).expect("is ours");
    let name = ptsname(&master, Vec::new()).expect("has a name");
    let name = name.into_string().expect("is UTF-8");
    let slave = OpenOptions::new().read(true).write(true).open(name);
    let shown = tokio::task::spawn_blocking(move || {
        let mut shown = Vec::new();
        // Ends with an error, when the last program has closed its side.
        let _ = File::from(master).read_to_end(&mut shown);
        String::from_utf8_lossy(&shown).into_owned()
    });
    (slave.expect("is there"), shown)
}

/// Runs rows that take a while against this; gives the exit status and what standard error shows.
async fn run(more: &[&str], interrupt: bool) -> (Option<i32>, String) {
    let called = Arc::new(Notify::new());
    let seen = Arc::clone(&called);
    let url = agent::serve("http://127.0.0.1:1", move |_| {
        seen.notify_one();
        Reply {
            delay: Duration::from_millis(if interrupt { 60_000 } else { 300 }),
            ..Reply::ok(Vec::new())
        }
    })
    .await;
    let rows = file("progress.jsonl", &"{\"row\": 1}\n".repeat(8));
    let arguments = [
        "run",
        "--agent",
        &url,
        "--dataset",
        text(&rows),
        "--wait",
        "0.1",
    ];
    let (slave, shown) = terminal();
    let mut command = arize_local(&[&arguments[..], more].concat());
    command
        .env("TERM", "xterm")
        .stdout(Stdio::null())
        .stderr(slave);
    let mut child = command.spawn().expect("the command starts");
    drop(command); // with the terminal
    if interrupt {
        called.notified().await;
        tokio::time::sleep(Duration::from_secs(1)).await; // the bar is drawn some times a second
        let id = i32::try_from(child.id().expect("runs")).expect("is one");
        let id = Pid::from_raw(id).expect("is one");
        kill_process(id, Signal::INT).expect("is ours");
    }
    let status = child.wait().await.expect("ends");
    (status.code(), shown.await.expect("no panic"))
}

#[tokio::test]
async fn a_bar_is_shown_and_taken_away() {
    let (code, shown) = run(&[], false).await;
    assert_eq!(code, Some(1));
    assert!(
        shown.contains("/8 rows, ") && shown.contains(" failed  "),
        "{shown:?}"
    );
    assert!(shown.ends_with("\r\x1b[2K"), "{shown:?}");
}

#[tokio::test]
async fn an_interrupted_run_leaves_no_bar() {
    let (code, shown) = run(&[], true).await;
    assert_eq!(code, Some(130));
    assert!(shown.contains("0/8 rows"), "{shown:?}");
    assert!(shown.ends_with("\r\x1b[2K"), "{shown:?}");
}

#[tokio::test]
async fn a_quiet_run_shows_nothing() {
    let (code, shown) = run(&["--quiet"], false).await;
    assert_eq!((code, shown.as_str()), (Some(1), ""));
}
