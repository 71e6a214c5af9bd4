//! Passing on what is received.

#![cfg(unix)] // `collect` is ended by a signal

use std::time::Duration;

use arize_local::{Answer, Receiver, Span};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tonic::Code;

use crate::agent::{Call, Export, Reply};
use crate::check_command::check_plain_agent;
use crate::collect::{Collect, span};
use crate::command::{cannot_start_as, file, run_against};
use crate::plain_agent::Pitfall;
use crate::receiver::{both, export};

const PATIENCE: Duration = Duration::from_secs(20);

/// The URLs to reach a receiver at, over gRPC and HTTP.
fn urls(target: &Receiver) -> [String; 2] {
    let http = target.http_endpoint().expect("there is an HTTP port");
    [target.endpoint(), http + "/v1/traces"]
}

/// The warning at the end of an output, on one line.
fn warning(output: &str) -> String {
    let start = output.rfind("WARN ").unwrap_or_else(|| panic!("{output}"));
    let words: Vec<&str> = output[start..].split_whitespace().collect();
    words.join(" ")
}

fn resource_project(span: &Span) -> Option<&str> {
    let mut attributes = span.resource.iter();
    let (_, project) = attributes.find(|(key, _)| key == "openinference.project.name")?;
    project.as_str()
}

#[tokio::test]
async fn spans_go_on_with_their_project_and_space_but_without_their_key() {
    let target = both().await;
    for (number, url) in urls(&target).into_iter().enumerate() {
        let more = [
            "--forward",
            &url,
            "--forward-header",
            "authorization=Bearer mine",
        ];
        let collect = Collect::start(&more).await;
        let mut unrouted = span(1, 3, 2, "c", "TOOL", "P");
        unrouted.attributes.clear();
        let spans = vec![
            span(1, 1, 0, "a", "CHAIN", "flights"),
            span(1, 2, 1, "b", "TOOL", "hotels"),
            unrouted,
            span(1, 4, 1, "d", "TOOL", "flights"),
        ];
        let mut sent = Export::new("S=", spans);
        sent.headers.push(("api_key", "the-agents".to_owned()));
        sent.headers
            .push(("authorization", "the-agents".to_owned()));
        export(&collect.grpc, sent).await.expect("is taken");
        let (code, rest) = collect.interrupt().await;
        let told = format!("forwarded 4 spans to {url}\n");
        assert!(code == Some(0) && rest.contains(&told), "{rest}");

        let request = &target.requests()[number];
        let headers = ["arize-space-id", "space_id", "authorization", "api_key"];
        let headers = headers.map(|name| request.header(name));
        assert_eq!(headers, [Some("S="), Some("S="), Some("Bearer mine"), None]);
        let routed: Vec<_> = request
            .spans
            .iter()
            .map(|span| (span.name.as_str(), resource_project(span)))
            .collect();
        let wanted = [
            ("a", Some("flights")),
            ("d", Some("flights")),
            ("b", Some("hotels")),
            ("c", None),
        ];
        assert_eq!(routed, wanted);
        let first = &request.spans[0];
        assert_eq!((first.flags, first.attributes.len()), (0x101, 2));
    }
}

#[tokio::test]
async fn a_run_passes_on_the_experiment_span_of_each_row() {
    let target = both().await;
    let rows = file("forwarded.jsonl", "{\"row\": 1}\n{\"row\": 2}\n");
    let behaviour = |call: &Call| {
        let status = if call.row() == 2 { 500 } else { 200 };
        Reply {
            status,
            ..Reply::ok(vec![Export::new(&call.space, call.spans())])
        }
    };
    let more = [
        "--forward",
        &target.endpoint(),
        "--project",
        "P",
        "--space-id",
        "S=",
    ];
    let (_, output) = run_against(behaviour, &rows, &more).await;
    assert!(
        output.contains(&format!("forwarded 10 spans to {}\n", target.endpoint())),
        "{output}"
    );
    let spans = target.spans();
    assert_eq!(spans.len(), 10);
    assert!(spans.iter().all(|span| resource_project(span) == Some("P")));
    let rows: Vec<&Span> = spans
        .iter()
        .filter(|span| span.name == "agent.experiment.run")
        .collect();
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_experiment_span(row, &target);
    }
}

/// What Arize makes of a row, the second of which failed.
fn assert_experiment_span(row: &Span, target: &Receiver) {
    let chain = target
        .trace(&row.trace_id)
        .into_iter()
        .find(|span| span.name == "run_agent");
    let chain = chain.expect("is in the same trace");
    assert_eq!(
        (row.parent_span_id.as_ref(), chain.parent_span_id.as_deref()),
        (None, Some(&*row.span_id))
    );
    assert!(row.duration() > Duration::ZERO && row.start_unix_nano <= chain.start_unix_nano);
    let text = |key| row.attr_str(key).unwrap_or_default();
    assert_eq!(
        (text("openinference.span.kind"), text("arize.space_id")),
        ("CHAIN", "S=")
    );
    assert_eq!(
        (text("input.mime_type"), text("output.mime_type")),
        ("application/json", "application/json")
    );
    let input: Value = serde_json::from_str(text("input.value")).expect("is JSON");
    let output: Value = serde_json::from_str(text("output.value")).expect("is JSON");
    assert_eq!(output["text"], "a trip");
    assert_eq!(
        (row.is_error(), row.status.message.contains("500")),
        (input["row"] == 2, input["row"] == 2)
    );
    assert_eq!(row.space_header.as_deref(), Some("S="));
    assert!(row.resource.contains(&(
        "service.name".to_owned(),
        arize_local::AttributeValue::String("arize-local".into())
    )));
}

#[tokio::test]
async fn a_target_that_is_down_is_told_with_what_to_do() {
    for path in ["", "/v1/traces"] {
        let url = format!("http://127.0.0.1:1{path}");
        let collect = Collect::start(&["--forward", &url]).await;
        export(
            &collect.grpc,
            Export::new("S=", vec![span(1, 1, 0, "a", "CHAIN", "P")]),
        )
        .await
        .expect("is taken");
        let (code, rest) = collect.interrupt().await;
        assert_eq!(code, Some(0));
        let told = format!("WARN forwarded only 0 of 1 span to {url}: ");
        let warning = warning(&rest);
        assert!(
            warning.starts_with(&told)
                && warning.contains("refused")
                && warning.contains(" → see that it is running"),
            "{warning}"
        );
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let target = both().await;
    for url in urls(&target) {
        target.answer_with(Answer::Throttle(Duration::from_secs(1)));
        let collect = Collect::start(&["--forward", &url]).await;
        let before = target.spans().len();
        export(
            &collect.grpc,
            Export::new("S=", vec![span(1, 1, 0, "a", "CHAIN", "P")]),
        )
        .await
        .expect("is taken");
        tokio::time::sleep(Duration::from_millis(300)).await; // some attempts fail
        target.answer_with(Answer::Status(Code::Unavailable, "restarting".into()));
        tokio::time::sleep(Duration::from_millis(300)).await;
        target.answer_with(Answer::Ok);
        let spans = target
            .wait_until(PATIENCE, |spans| spans.len() > before)
            .await;
        assert_eq!(spans.len(), before + 1);
        let (_, rest) = collect.interrupt().await;
        assert!(
            rest.contains(&format!("forwarded 1 span to {url}\n")),
            "{rest}"
        );
    }
}

#[tokio::test]
async fn what_is_refused_or_rejected_is_not_tried_again() {
    let target = both().await;
    let rejects = Answer::PartialSuccess {
        rejected: 1,
        message: "too\nold".into(),
    };
    for url in urls(&target) {
        for (answer, wanted) in [
            (
                Answer::Status(Code::Unauthenticated, "no key".into()),
                "`--forward-header`",
            ),
            (
                Answer::Status(Code::InvalidArgument, "nonsense".into()),
                "→ see that",
            ),
            (rejects.clone(), "the spans were rejected: too old"),
        ] {
            target.answer_with(answer);
            let collect = Collect::start(&["--forward", &url]).await;
            export(
                &collect.grpc,
                Export::new("S=", vec![span(1, 1, 0, "a", "CHAIN", "P")]),
            )
            .await
            .expect("is taken");
            let (_, rest) = collect.interrupt().await;
            let warning = warning(&rest);
            assert!(
                warning.starts_with("WARN forwarded only 0 of 1 span") && warning.contains(wanted),
                "{warning}"
            );
        }
    }
}

#[tokio::test]
async fn a_forward_that_cannot_work_is_told_at_the_start() {
    let forward = |url| ["--forward", url];
    cannot_start_as(
        "collect",
        &forward("localhost:4317"),
        &["`localhost:4317`", "`--forward`"],
    )
    .await;
    let header = [
        &forward("http://127.0.0.1:1")[..],
        &["--forward-header", "authorization: x"],
    ]
    .concat();
    cannot_start_as(
        "collect",
        &header,
        &["`--forward-header`", "'authorization=...'"],
    )
    .await;
}

/// A server that answers whatever it is sent with these bytes. It reads all that comes: a connection that is closed before
/// is reset, and its answer may be lost with it.
async fn answering(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("is bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(bytes).await;
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            });
        }
    });
    address.to_string()
}

#[tokio::test]
async fn the_wrong_protocol_is_told_at_the_end_of_a_report() {
    let web = answering(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    // An HTTP/2 server begins with its settings.
    let grpc = answering(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
    let rows = file("wrong-protocol.jsonl", "{\"row\": 1}\n");
    let cases = [
        (
            format!("http://{web}"),
            format!("this is probably a web port; try `--forward http://{web}/v1/traces`"),
        ),
        (
            format!("http://{grpc}/v1/traces"),
            "this is probably an OTLP/gRPC port; leave `/v1/traces` off".to_owned(),
        ),
        (
            format!("https://{web}/v1/traces"),
            "it speaks no TLS; write `http://`".to_owned(),
        ),
        (
            format!("https://{web}"),
            "it speaks no TLS; write `http://`".to_owned(),
        ),
    ];
    for (url, remedy) in cases {
        let (code, output) = run_against(Call::right, &rows, &["--forward", &url]).await;
        assert_eq!(code, 0, "{output}");
        let last: Vec<&str> = output.lines().rev().take(4).collect();
        assert_eq!(last[0], "all good: 1 row, 4 spans", "{output}");
        assert!(last[1].contains(&remedy), "{url}: {output}");
        let told = last[2..]
            .iter()
            .any(|line| line.starts_with("WARN forwarded only 0 of 5 spans to "));
        assert!(told, "{output}");
    }
}

#[tokio::test]
async fn a_check_says_at_its_end_what_was_forwarded() {
    let target = both().await;
    let url = target.endpoint();
    let more = ["--only", "both-different", "--forward", &url];
    let (code, output) = check_plain_agent(Pitfall::None, &more).await;
    assert_eq!(code, 0, "{output}");
    let last: Vec<&str> = output.lines().rev().take(2).collect();
    assert!(last[0].starts_with("all good: 1 variation"), "{output}");
    assert!(
        last[1].starts_with("forwarded ") && last[1].ends_with(&format!(" spans to {url}")),
        "{output}"
    );
}
