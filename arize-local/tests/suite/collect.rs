//! The command `collect` as a process, with real exporters.

#![cfg(unix)] // it is ended by a signal

use std::process::Stdio;

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk::trace::SpanExporter as _;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout};

use crate::agent::{Export, SpanExt};
use crate::command::{arize_local, cannot_start_as, file, text};
use crate::exporter::{span_data, span_exporter_http};
use crate::receiver::export;

/// The command, running.
pub(crate) struct Collect {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) grpc: String,
    http: String,
}

impl Collect {
    pub(crate) async fn start(more: &[&str]) -> Self {
        let arguments = [&["collect"], more].concat();
        let mut command = arize_local(&arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = BufReader::new(child.stdout.take().expect("is piped"));
        let mut collect = Self {
            child,
            stdout,
            grpc: String::new(),
            http: String::new(),
        };
        let start = collect.read_until("Ctrl-C ends\n\n").await;
        let first = start.lines().next().expect("there is a line");
        let mut addresses = first
            .split([' ', ';'])
            .filter(|word| word.starts_with("127.0.0.1:"));
        let mut endpoint = || format!("http://{}", addresses.next().expect("is said"));
        (collect.grpc, collect.http) = (endpoint(), endpoint());
        collect
    }

    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        let mut output = String::new();
        while !output.ends_with(end) {
            let read = self
                .stdout
                .read_line(&mut output)
                .await
                .expect("is readable");
            assert!(read > 0, "ended before `{end}`:\n{output}");
        }
        output
    }

    /// Ends it as Ctrl-C does; gives its exit status and the rest of its output.
    pub(crate) async fn interrupt(mut self) -> (Option<i32>, String) {
        let id = self.child.id().expect("is running");
        let id = Pid::from_raw(id.try_into().expect("fits")).expect("is no zero");
        kill_process(id, Signal::INT).expect("is there");
        let mut rest = String::new();
        self.stdout
            .read_to_string(&mut rest)
            .await
            .expect("is readable");
        (self.child.wait().await.expect("ends").code(), rest)
    }
}

pub(crate) fn span(trace: u8, id: u8, parent: u8, name: &str, kind: &str, project: &str) -> Span {
    let mut span = Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        parent_span_id: if parent == 0 {
            Vec::new()
        } else {
            vec![parent; 8]
        },
        name: name.to_owned(),
        flags: if parent == 9 { 0x301 } else { 0x101 },
        ..Span::default()
    };
    span.set("arize.project.name", project);
    span.set("openinference.span.kind", kind);
    span
}

#[tokio::test]
async fn each_trace_is_printed_once_it_is_complete() {
    let json = file("collected.jsonl", "");
    let mut collect = Collect::start(&["--settle", "0.3", "--json", text(&json)]).await;
    let spans = vec![
        span(1, 2, 1, "search", "TOOL", "flights"),
        span(1, 1, 9, "run_agent", "CHAIN", "travel"),
    ];
    export(&collect.grpc, Export::new("S=", spans))
        .await
        .expect("is taken");
    let printed = collect.read_until("\n\n").await;
    let wanted = format!(
        "trace {}  2 spans  grpc\n\
         project flights, space S=\n\
         project travel, space S=\n\
         └─ ? span {} is the caller's\n   \
         └─ run_agent [CHAIN]  0 µs\n      \
         └─ search [TOOL]  0 µs\n\n",
        "01".repeat(16),
        "09".repeat(8)
    );
    assert_eq!(printed, wanted);

    let late = vec![span(1, 3, 1, "late", "TOOL", "travel")];
    export(&collect.grpc, Export::new("S=", late))
        .await
        .expect("is taken");
    let printed = collect.read_until("\n\n").await;
    assert!(
        printed.starts_with(&format!("more of trace {}  1 span", "01".repeat(16))),
        "{printed}"
    );
    assert!(
        printed.contains(&format!("? span {} came before, or never", "01".repeat(8))),
        "{printed}"
    );

    let exporter = span_exporter_http(&format!("{}/v1/traces", collect.http), |builder| builder);
    exporter
        .export(vec![span_data("by http")])
        .await
        .expect("is taken");
    let printed = collect.read_until("\n\n").await;
    assert!(
        printed.contains("  1 span  http/") && printed.contains("no project, no space\n└─ by http"),
        "{printed}"
    );

    let (code, rest) = collect.interrupt().await;
    assert_eq!((code, rest.as_str()), (Some(0), "2 traces, 4 spans\n"));
    let lines = std::fs::read_to_string(&json).expect("is written");
    let spans: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("is JSON"))
        .collect();
    let names: Vec<&Value> = spans.iter().map(|span| &span["name"]).collect();
    assert_eq!(names, ["search", "run_agent", "late", "by http"]);
}

#[tokio::test]
async fn what_is_left_is_printed_at_the_end() {
    let collect = Collect::start(&["--settle", "60"]).await;
    let spans = vec![span(1, 2, 1, "search", "TOOL", "P")];
    export(&collect.grpc, Export::new("S=", spans))
        .await
        .expect("is taken");
    let (code, rest) = collect.interrupt().await;
    assert_eq!(code, Some(0));
    assert!(
        rest.contains(" never arrived\n   └─ search [TOOL]"),
        "{rest}"
    );
    assert!(rest.ends_with("\n\n1 trace, 1 span\n"), "{rest}");
}

#[tokio::test]
async fn requests_that_come_to_the_wrong_port_are_told_of() {
    let mut collect = Collect::start(&[]).await;
    let exporter = span_exporter_http(&format!("{}/v1/traces", collect.grpc), |builder| builder);
    exporter
        .export(vec![span_data("a")])
        .await
        .expect_err("is refused");
    let printed = collect.read_until("\n\n").await;
    assert!(
        printed.starts_with("WARN 1 OTLP/HTTP request came to the gRPC port"),
        "{printed}"
    );
    assert!(
        printed.contains("OTEL_EXPORTER_OTLP_PROTOCOL=grpc"),
        "{printed}"
    );
    let (code, rest) = collect.interrupt().await;
    assert_eq!((code, rest.as_str()), (Some(0), "0 traces, 0 spans\n"));
}

#[tokio::test]
async fn it_ends_when_nobody_reads() {
    let Collect {
        mut child,
        stdout,
        grpc,
        ..
    } = Collect::start(&["--settle", "0"]).await;
    drop(stdout);
    // It may end before it has answered.
    let _ = export(
        &grpc,
        Export::new("S=", vec![span(1, 1, 0, "a", "CHAIN", "P")]),
    )
    .await;
    assert_eq!(child.wait().await.expect("ends").code(), Some(0));
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told_before_anything_else() {
    let arguments = ["--json", "/no/such/folder/a.jsonl"];
    cannot_start_as(
        "collect",
        &arguments,
        &["/no/such/folder/a.jsonl", "No such file"],
    )
    .await;
}
