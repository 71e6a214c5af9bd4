//! The command `arize-local check`: what it takes, prints, writes and exits with.

use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::command::{arize_local, file, finish, text};
use crate::plain_agent::{self, Pitfall};

const ROW: &str = r#"{"goal": "a weekend in Lisbon"}"#;

/// Exit status, standard output and standard error of a check that ends by itself.
async fn check(arguments: &[&str]) -> (i32, String, String) {
    let mut all = vec!["check"];
    all.extend(arguments);
    let output = arize_local(&all)
        .output()
        .await
        .expect("the command starts");
    let text = |bytes| String::from_utf8(bytes).expect("is UTF-8");
    let code = output.status.code().expect("ends by itself");
    (code, text(output.stdout), text(output.stderr))
}

/// Checks an agent that is told the receiver's port as a person would be: from the output.
pub(crate) async fn check_plain_agent(pitfall: Pitfall, arguments: &[&str]) -> (i32, String) {
    let (endpoint, known) = watch::channel(None);
    let url = plain_agent::serve(pitfall, known).await;
    let mut all = vec!["check", "--agent", &url, "--row", ROW];
    all.extend(["--wait", "2"]);
    all.extend(arguments);
    finish(&all, &endpoint).await
}

/// An agent that exports nothing, answers 200 and tells what it was sent.
async fn mute_agent() -> (String, mpsc::UnboundedReceiver<(HeaderMap, Value)>) {
    let (told, requests) = mpsc::unbounded_channel();
    let invoke = move |headers: HeaderMap, Json(body): Json<Value>| async move {
        told.send((headers, body)).expect("the test listens");
        Json(json!({"text": "a trip"}))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/invoke", listener.local_addr().expect("is bound"));
    let app = Router::new().route("/invoke", post(invoke));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, requests)
}

#[tokio::test]
async fn a_right_agent_exits_with_0_and_a_report() {
    let json = file("check.json", "");
    let more = ["--json", text(&json), "--expect", "search_flights,plan"];
    let (code, output) = check_plain_agent(Pitfall::None, &more).await;
    assert_eq!(code, 0, "{output}");
    assert!(output.ends_with("all good: 13 variations\n"), "{output}");
    assert!(
        !output.contains("FAIL") && !output.contains('\x1b'),
        "{output}"
    );

    let help = arize_local(&["check", "--help"])
        .output()
        .await
        .expect("the command starts");
    let help = String::from_utf8(help.stdout).expect("is UTF-8");
    for part in [
        "`arize-local run --space-id ID --project NAME`",
        "with `--forward`, each of them is made there",
        "[default: grpc]",
    ] {
        assert!(help.contains(part), "the help lacks {part}");
    }
    for line in output.lines().filter_map(|line| line.strip_prefix("ok   ")) {
        assert!(
            help.contains(&format!("\n  {line}\n")),
            "the help lacks {line}"
        );
    }

    let report = std::fs::read_to_string(json).expect("is written");
    let report: Value = serde_json::from_str(&report).expect("is JSON");
    assert_eq!(report["ok"], true);
    let bodies = &report["variations"][9];
    assert_eq!(
        (&bodies["name"], &bodies["outcome"]),
        (&json!("bodies"), &json!("ok"))
    );
    assert_eq!(
        bodies["requests"][1]["spans"][0]["attributes"]["arize.project.name"],
        "check-bodies-2"
    );
}

#[tokio::test]
async fn a_variation_that_fails_exits_with_1_and_is_named_in_the_last_line() {
    let more = ["--only", "neither,baggage-only,base64-space"];
    let (code, output) = check_plain_agent(Pitfall::CutsAtEquals, &more).await;
    assert_eq!(code, 1, "{output}");
    assert!(output.ends_with("failed: base64-space\n"), "{output}");
    assert!(
        output.contains("ok   neither") && output.contains("FAIL base64-space"),
        "{output}"
    );
}

#[tokio::test]
async fn what_is_sent_differs_as_the_variations_say() {
    let (url, mut requests) = mute_agent().await;
    let row = file("check-row.json", ROW);
    let row = format!("@{}", text(&row));
    let header = [
        "--header",
        "authorization=Bearer s3cret",
        "--header",
        "x-tenant=a=b",
    ];
    let arguments = [
        "--agent",
        &url,
        "--row",
        &row,
        "--body",
        "top-level",
        "--wait",
        "0.1",
    ];
    let (code, output, error) = check(&[&arguments[..], &header[..]].concat()).await;
    assert_eq!(code, 1, "{output}");
    assert!(
        !output.contains("s3cret") && !error.contains("s3cret"),
        "{output}{error}"
    );

    let mut all = Vec::new();
    while let Ok(request) = requests.try_recv() {
        all.push(request);
    }
    assert_eq!(all.len(), 15);
    assert!(all.iter().all(|(headers, _)| {
        headers["authorization"] == "Bearer s3cret" && headers["x-tenant"] == "a=b"
    }));
    let count = |wanted: fn(&HeaderMap, &Value) -> bool| {
        all.iter()
            .filter(|(headers, body)| wanted(headers, body))
            .count()
    };
    assert_eq!(count(|_, body| body.get("input").is_some()), 1, "of bodies");
    assert_eq!(count(|_, body| body["goal"] == "a weekend in Lisbon"), 14);
    assert_eq!(count(|_, body| body.get("arize_metadata").is_none()), 4);
    assert_eq!(
        count(|_, body| body.get("arize_metadata") == Some(&Value::Null)),
        1
    );
    assert_eq!(count(|headers, _| !headers.contains_key("baggage")), 2);
    assert_eq!(
        count(|headers, _| headers.get_all("baggage").iter().count() == 2),
        1
    );
    assert_eq!(count(|headers, _| !headers.contains_key("traceparent")), 1);
    let ends = |headers: &HeaderMap| {
        let traceparent = headers.get("traceparent");
        traceparent.is_some_and(|value| value.as_bytes().ends_with(b"-00"))
    };
    assert_eq!(all.iter().filter(|(headers, _)| ends(headers)).count(), 1);
}

#[tokio::test]
async fn an_agent_that_exports_nothing_is_told_once() {
    let (url, _requests) = mute_agent().await;
    let (code, output, _) = check(&["--agent", &url, "--row", "\"hello\"", "--wait", "0.1"]).await;
    assert_eq!(code, 1, "{output}");
    assert_eq!(output.matches('→').count(), 1, "{output}");
    assert!(output.contains("no OTLP request arrived"), "{output}");
}

#[tokio::test]
async fn what_cannot_start_is_one_line_and_exits_with_2() {
    let unused = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let dead = format!("http://{}/invoke", unused.local_addr().expect("is bound"));
    drop(unused);
    let agent = ["--agent", &dead];
    let cases: [(&[&str], &str); 7] = [
        (&["--row", "{}"], "cannot reach the agent"),
        (
            &["--row", "{}", "--only", "baggage"],
            "choose from metadata-only, baggage-only,",
        ),
        (
            &["--row", "{}", "--header", "authorization: Bearer s3cret"],
            "written with `=`, not with `:`",
        ),
        (
            &["--row", "{}", "--header", "x y=s3cret"],
            "is no name of a header",
        ),
        (&["--row", "{}", "--header", "x=s3cret\u{7f}"], "`x`"),
        (
            &["--row", "{}", "--json", "/no/such/folder/file"],
            "cannot write `/no/such/folder/file`",
        ),
        (&["--row", "{}", "--json", "/"], "cannot write `/`"),
    ];
    for (arguments, part) in cases {
        let (code, _, error) = check(&[&agent[..], arguments].concat()).await;
        assert_eq!((code, error.lines().count()), (2, 1), "{error}");
        assert!(error.contains(part) && !error.contains("s3cret"), "{error}");
    }
    for (row, part) in [
        ("{goal}", "not JSON"),
        ("@no-such-file", "cannot read `no-such-file`"),
    ] {
        let (code, _, error) = check(&[&agent[..], &["--row", row]].concat()).await;
        assert_eq!(code, 2, "{error}");
        assert!(error.contains(part), "{error}");
    }
}
