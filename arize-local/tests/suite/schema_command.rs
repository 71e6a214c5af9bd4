//! `arize-local schema` as a process.

use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::command::{arize_local, cannot_start_as, file, free_address, text, texts};

/// The variable that tells the agent of these tests its address.
const AGENT_ADDRESS: &str = "TEST_SCHEMA_AGENT_ADDRESS";

fn contract() -> Value {
    json!({
        "json_schema": {
            "type": "object",
            "properties": {
                "input": {
                    "type": "object",
                    "properties": {"goal": {"type": "string"}, "nights": {"type": "integer"}},
                    "required": ["goal"],
                },
            },
            "required": ["input"],
        },
        "input_template": {"goal": "{{goal}}", "nights": "{{nights}}"},
        "request_presets": {"weekend": {"goal": "Lisbon"}},
    })
}

fn router() -> Router {
    let guarded = |headers: HeaderMap| async move {
        if headers.contains_key("x-key") {
            Json(contract()).into_response()
        } else {
            StatusCode::UNAUTHORIZED.into_response()
        }
    };
    Router::new()
        .route("/schema", get(|| async { Json(contract()) }))
        .route("/guarded", get(guarded))
        .route(
            "/text",
            get(|| async { Response::new("no JSON".to_owned()) }),
        )
}

async fn agent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("is bound"));
    tokio::spawn(async move { axum::serve(listener, router()).await });
    url
}

async fn schema(arguments: &[&str]) -> (i32, String, String) {
    let mut command = arize_local(&[&["schema"], arguments].concat());
    texts(&command.output().await.expect("the command starts"))
}

#[tokio::test]
async fn what_an_agent_says_is_printed_and_rows_are_compared_with_it() {
    let url = agent().await + "/schema";
    let rows = file("schema_right.jsonl", "{\"goal\": \"x\", \"nights\": 2}\n");
    let (code, stdout, stderr) = schema(&["--agent", &url, "--dataset", text(&rows)]).await;
    assert_eq!(code, 0, "{stderr}");
    let printed: Value = serde_json::from_str(&stdout).expect("nothing else is printed");
    assert_eq!(printed, contract());
    assert!(stderr.contains("1 row and 1 preset fit it"), "{stderr}");

    let lines =
        "{\"goal\": \"x\", \"nights\": 2}\n{\"goal\": 7, \"nights\": 2}\n{\"goal\": \"x\"}\n";
    let rows = file("schema_wrong.jsonl", lines);
    let (code, _, stderr) = schema(&["--agent", &url, "--dataset", text(&rows)]).await;
    assert_eq!(code, 1, "{stderr}");
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{stderr}");
    assert!(
        lines[0].contains("row 2") && lines[0].contains("`/input/goal`"),
        "{stderr}"
    );
    assert!(
        lines[1].contains("row 3") && lines[1].contains("`nights`"),
        "{stderr}"
    );
}

#[tokio::test]
async fn an_agent_may_ask_for_authorization() {
    let url = agent().await + "/guarded";
    let (code, _, stderr) = schema(&["--agent", &url, "--header", "x-key=hush-hush"]).await;
    assert_eq!(code, 0, "{stderr}");
    cannot_start_as("schema", &["--agent", &url], &["HTTP status 401"]).await;
}

#[tokio::test]
async fn what_is_no_schema_exits_with_2() {
    let url = agent().await;
    let wanted = ["no JSON object", "a route that answers a GET"];
    cannot_start_as("schema", &["--agent", &format!("{url}/text")], &wanted).await;
    let wanted = ["HTTP status 404", "a route that answers a GET"];
    cannot_start_as("schema", &["--agent", &format!("{url}/else")], &wanted).await;
    let nobody = format!("http://{}/schema", free_address().await);
    cannot_start_as(
        "schema",
        &["--agent", &nobody],
        &["cannot connect", "is running"],
    )
    .await;
}

/// Not a test of its own: the agent that the next test has the command start.
#[tokio::test]
#[ignore = "serves until it is stopped; `a_command_is_started_and_stopped` runs it"]
async fn schema_agent_process() {
    let Ok(address) = std::env::var(AGENT_ADDRESS) else {
        return;
    };
    assert_eq!(std::env::var("ARIZE_API_KEY").as_deref(), Ok("local"));
    let listener = TcpListener::bind(&address).await.expect("is free");
    axum::serve(listener, router()).await.expect("is stopped");
}

#[tokio::test]
async fn a_command_is_started_and_stopped() {
    let address = free_address().await;
    let this = std::env::current_exe().expect("is known");
    let url = format!("http://{address}/schema");
    let agent = [
        "--exact",
        "schema_command::schema_agent_process",
        "--ignored",
    ];
    let options = ["schema", "--agent", &url, "--", text(&this)];
    let mut command = arize_local(&[&options[..], &agent[..]].concat());
    command.env(AGENT_ADDRESS, &address);
    let (code, stdout, stderr) = texts(&command.output().await.expect("the command starts"));
    assert_eq!(code, 0, "{stdout}\n{stderr}");
    let printed: Value = serde_json::from_str(&stdout).expect("the agent's output is not in ours");
    assert_eq!(printed, contract());
    TcpListener::bind(&address)
        .await
        .expect("the agent is gone");
}
