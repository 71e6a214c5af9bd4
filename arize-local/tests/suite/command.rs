//! The command as a process: what it prints, writes and exits with.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;

use crate::agent::{self, Call, Export, Reply, SpanExt};

/// The variable that tells the agent of these tests its address.
const AGENT_ADDRESS: &str = "TEST_AGENT_ADDRESS";

/// The command; it receives at ports of the system's choice unless the arguments name some.
pub(crate) fn arize_local(arguments: &[&str]) -> Command {
    const PORTS: [&str; 4] = ["--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_arize-local"));
    let (subcommand, rest) = arguments.split_at(1);
    command.args(subcommand);
    if ["run", "check", "collect"].contains(&subcommand[0]) && !rest.contains(&"--otlp-grpc") {
        command.args(PORTS);
    }
    command.args(rest).stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn run(arguments: &[&str]) -> (i32, String, String) {
    texts(
        &arize_local(arguments)
            .output()
            .await
            .expect("the command starts"),
    )
}

pub(crate) fn texts(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("is UTF-8");
    (
        output.status.code().expect("ends by itself"),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// A file of this name and content in a folder of these tests; names are the tests' own.
pub(crate) fn file(name: &str, content: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("the folder is there");
    path
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("is UTF-8")
}

pub(crate) async fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("is bound").to_string()
}

/// Runs the command against an agent that is told the receiver's port as a person would be: from the output.
pub(crate) async fn run_against(
    behaviour: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    dataset: &Path,
    more: &[&str],
) -> (i32, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = agent::url(listener.local_addr().expect("is bound"));
    let (endpoint, known) = watch::channel(None);
    tokio::spawn(agent::serve_on(listener, known, behaviour));
    let mut arguments = vec![
        "run",
        "--agent",
        &url,
        "--dataset",
        text(dataset),
        "--wait",
        "1",
    ];
    arguments.extend(more);
    finish(&arguments, &endpoint).await
}

/// Runs the command to its end, and tells an agent the endpoint that it prints.
pub(crate) async fn finish(
    arguments: &[&str],
    endpoint: &watch::Sender<Option<String>>,
) -> (i32, String) {
    let (mut child, mut stdout, mut output) = start(arguments, endpoint).await;
    stdout
        .read_to_string(&mut output)
        .await
        .expect("is readable");
    let status = child.wait().await.expect("ends");
    (status.code().expect("ends by itself"), output)
}

/// Starts the command, and tells an agent the endpoint that it prints; gives what it printed until then.
pub(crate) async fn start(
    arguments: &[&str],
    endpoint: &watch::Sender<Option<String>>,
) -> (Child, BufReader<ChildStdout>, String) {
    let mut child = arize_local(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("is piped"));
    let mut output = String::new();
    let prefix = "  ARIZE_COLLECTOR_ENDPOINT=";
    while !output.contains(prefix) || !output.ends_with('\n') {
        let read = stdout.read_line(&mut output).await.expect("is readable");
        assert!(read > 0, "ended before it named the endpoint: {output}");
    }
    let address = output.lines().find_map(|line| line.strip_prefix(prefix));
    endpoint.send_replace(address.map(str::to_owned));
    (child, stdout, output)
}

#[tokio::test]
async fn a_right_agent_exits_with_0() {
    let rows = file("right.jsonl", "{\"row\": 1}\n\n{\"row\": 2}\n");
    let json = file("right.json", "");
    let more = [
        "--space-id",
        "S=",
        "--project",
        "P",
        "--expect",
        "search_flights,plan",
        "--json",
        text(&json),
    ];
    let (code, output) = run_against(Call::right, &rows, &more).await;
    assert_eq!(code, 0, "{output}");
    assert!(
        !output.contains("FAIL") && !output.contains("WARN") && !output.contains('\x1b'),
        "{output}"
    );
    for line in [
        "  ARIZE_API_KEY=local",
        "   ├─ search_flights [TOOL]",
        "   │  └─ http_request",
        "ok   routed",
    ] {
        assert!(
            output.lines().any(|found| found.starts_with(line)),
            "`{line}` is not in\n{output}"
        );
    }
    assert!(
        output.lines().all(|line| line.chars().count() <= 100),
        "{output}"
    );

    let report: Value = serde_json::from_str(&std::fs::read_to_string(&json).expect("is written"))
        .expect("is JSON");
    assert_eq!(report["ok"], true);
    let row = &report["rows"][1];
    assert_eq!(
        (&row["row"], &row["status"], &row["space_id"]),
        (&2.into(), &200.into(), &"S=".into())
    );
    assert_eq!(row["trace_id"].as_str().map(str::len), Some(32));
    assert_eq!(row["response"]["text"], "a trip");
    assert_eq!(
        row["spans"][0]["attributes"]["openinference.span.kind"],
        "CHAIN"
    );
    let checks = row["checks"].as_array().expect("is a list");
    assert!(
        checks.len() >= 11
            && checks
                .iter()
                .all(|check| check["ok"] == true && check["detail"].is_string())
    );
}

#[tokio::test]
async fn failing_checks_exit_with_1() {
    let rows = file(
        "failing.jsonl",
        "{\"row\": 1}\n{\"row\": 2}\n{\"row\": 3}\n",
    );
    let json = file("failing.json", "");
    let behaviour = |call: &Call| {
        let mut spans = call.spans();
        spans[3].set("llm.model.name", "gpt");
        spans[1].unset("input.value");
        let status = if call.row() == 3 { 503 } else { 200 };
        Reply {
            status,
            ..Reply::ok(vec![Export::new(&call.space, spans)])
        }
    };
    let (code, output) = run_against(behaviour, &rows, &["--json", text(&json)]).await;
    assert_eq!(code, 1, "{output}");
    for line in [
        "FAIL request: row 3: ",
        "FAIL known-names: rows 1-3: `llm.model.name` on `plan` [LLM]",
        "WARN input-output: rows 1-3: ",
    ] {
        assert_eq!(
            output
                .lines()
                .filter(|found| found.starts_with(line))
                .count(),
            1,
            "`{line}` in\n{output}"
        );
    }
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&json).expect("is written"))
        .expect("is JSON");
    assert_eq!(report["ok"], false);
    let checks = report["rows"][0]["checks"].as_array().expect("is a list");
    let failed: Vec<&Value> = checks
        .iter()
        .filter(|check| check["ok"] == false)
        .map(|check| &check["name"])
        .collect();
    assert_eq!(failed, ["known-names"]);
}

/// Not a test of its own: the agent that the next test has the command start.
#[tokio::test]
#[ignore = "serves until it is stopped; `a_command_is_started_and_stopped` runs it"]
async fn agent_process() {
    let Ok(address) = std::env::var(AGENT_ADDRESS) else {
        return;
    };
    assert_eq!(std::env::var("ARIZE_API_KEY").as_deref(), Ok("local"));
    assert_eq!(std::env::var("ARIZE_SPACE_ID").ok(), None);
    let endpoint = std::env::var("ARIZE_COLLECTOR_ENDPOINT").expect("is set");
    assert_eq!(
        std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").as_ref(),
        Ok(&endpoint)
    );
    tokio::time::sleep(Duration::from_millis(200)).await; // a slow start is waited for
    let listener = TcpListener::bind(&address).await.expect("is free");
    let (_, endpoint) = watch::channel(Some(endpoint));
    agent::serve_on(listener, endpoint, Call::right).await;
}

#[tokio::test]
async fn a_command_is_started_and_stopped() {
    let rows = file("started.jsonl", "{\"row\": 1}\n");
    let address = free_address().await;
    let this = std::env::current_exe().expect("is known");
    let url = format!("http://{address}/invoke");
    let options = ["run", "--agent", &url, "--dataset", text(&rows)];
    let agent = [
        "--",
        text(&this),
        "--exact",
        "command::agent_process",
        "--ignored",
        "--nocapture",
    ];
    let mut command = arize_local(&[&options[..], &agent[..]].concat());
    command
        .env(AGENT_ADDRESS, &address)
        .env_remove("ARIZE_SPACE_ID");
    let (code, stdout, stderr) = texts(&command.output().await.expect("the command starts"));
    assert_eq!(code, 0, "{stdout}\n{stderr}");
    assert!(
        !stdout.contains("running 1 test"),
        "the agent's output is not in ours:\n{stdout}"
    );
    TcpListener::bind(&address)
        .await
        .expect("the agent is gone");
}

/// Exit status 2, nothing on standard output but the receiver's address, and one line on standard error.
pub(crate) async fn cannot_start(arguments: &[&str], wanted: &[&str]) {
    cannot_start_as("run", arguments, wanted).await;
}

pub(crate) async fn cannot_start_as(command: &str, arguments: &[&str], wanted: &[&str]) {
    let (code, _, stderr) = run(&[&[command], arguments].concat()).await;
    assert_eq!(code, 2, "{stderr}");
    let last = stderr.lines().last().expect("says why");
    assert!(
        last.starts_with("arize-local: ") && last.contains("; "),
        "{stderr}"
    );
    for part in wanted {
        assert!(last.contains(part), "`{part}` is not in: {last}");
    }
}

#[tokio::test]
async fn datasets_that_cannot_be_read_exit_with_2() {
    let options = ["--agent", "http://127.0.0.1:1/invoke", "--dataset"];
    let with = |dataset: &'static str| [&options[..], &[dataset]].concat();
    let path = "; give the path of a file that is there";
    cannot_start(&with("missing.csv"), &["missing.csv", "No such file", path]).await;
    let table = file("table.txt", "goal,nights\nx,2\n");
    cannot_start(
        &[&options[..], &[text(&table)]].concat(),
        &[
            "table.txt` line 1 is not JSON",
            "or name the format with `--format csv`",
        ],
    )
    .await;
    let bad = file("bad.jsonl", "{\"row\": 1}\n\n{\"row\": }\n");
    cannot_start(
        &[&options[..], &[text(&bad)]].concat(),
        &["bad.jsonl` line 3", "expected value"],
    )
    .await;
    let empty = file("empty.jsonl", "\n\n");
    cannot_start(&[&options[..], &[text(&empty)]].concat(), &["no rows"]).await;
}

#[tokio::test]
async fn agents_that_cannot_be_reached_exit_with_2() {
    let rows = file("unreachable.jsonl", "1\n");
    let address = free_address().await;
    let url = format!("http://{address}/invoke");
    let options = ["--dataset", text(&rows), "--agent"];
    cannot_start(&[&options[..], &[&url]].concat(), &[&address, "refused"]).await;
    cannot_start(
        &[&options[..], &["localhost:8000"]].concat(),
        &["`localhost:8000`", "http://"],
    )
    .await;
    let start = |command: &[&'static str]| [&options[..], &[&url, "--"], command].concat();
    cannot_start(
        &start(&["no-such-program"]),
        &["cannot start `no-such-program`"],
    )
    .await;
    cannot_start(&start(&["false"]), &["`false` ended (exit status: 1)"]).await;
    let patience = [
        &options[..],
        &[&url, "--start-timeout", "0.2", "--", "sleep", "60"],
    ]
    .concat();
    cannot_start(&patience, &["accepts no connections after 0.2 s"]).await;
}

#[tokio::test]
async fn wrong_usage_exits_with_2_and_help_is_complete() {
    let (code, _, stderr) = run(&["run", "--agent", "http://127.0.0.1:1"]).await;
    assert_eq!(code, 2);
    assert!(stderr.contains("--dataset"), "{stderr}");
    let (code, help, _) = run(&["run", "--help"]).await;
    assert_eq!(code, 0);
    for option in [
        "--agent",
        "--dataset",
        "--space-id",
        "--project",
        "--concurrency",
        "--timeout",
        "--wait",
        "--expect",
        "--otlp-grpc",
        "--otlp-http",
        "--json",
        "--start-timeout",
        "-- python agent.py",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "NO_COLOR",
        "Exit status: 0",
    ] {
        assert!(help.contains(option), "`{option}` is not in\n{help}");
    }
}
