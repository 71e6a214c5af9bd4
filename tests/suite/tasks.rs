//! Tasks and threads that a handler starts: their spans stay under it.

use std::time::Duration;

use arize_local::{Span, StatusCode};
use arize_runtime::{JoinSetExt as _, experiment_handler, tool};
use axum::routing::post;
use axum::{Json, Router};
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Agent, TRACE, TRACEPARENT, named, names, route};

#[tool]
async fn lookup(n: u64) -> u64 {
    tokio::task::yield_now().await;
    n
}

#[tool]
fn compute(n: u64) -> u64 {
    n
}

/// What a handler does with its number.
async fn in_tasks(how: &str, n: u64) -> u64 {
    match how {
        "spawn" => arize_runtime::spawn(lookup(n)).await.unwrap(),
        "spawn_blocking" => arize_runtime::spawn_blocking(move || compute(n))
            .await
            .unwrap(),
        "spawn_thread" => arize_runtime::spawn_thread(move || compute(n))
            .join()
            .unwrap(),
        "join_set" => {
            let mut set = JoinSet::new();
            set.spawn_with_context(lookup(n));
            set.spawn_with_context(async move { lookup(n).await });
            set.spawn_blocking_with_context(move || compute(n));
            set.join_all().await.into_iter().sum()
        }
        "in a task of a task" => {
            let inner = async move { arize_runtime::spawn(lookup(n)).await.unwrap() };
            arize_runtime::spawn(inner).await.unwrap()
        }
        "without" => tokio::spawn(lookup(n)).await.unwrap(),
        other => panic!("`{other}` is unknown"),
    }
}

#[experiment_handler(name = "run_agent")]
async fn invoke(headers: HeaderMap, Json(body): Json<Value>) -> Json<Value> {
    let how = body["how"].as_str().unwrap();
    Json(json!(in_tasks(how, body["n"].as_u64().unwrap()).await))
}

/// The answer to a request of this kind, and its spans.
async fn request(how: &str) -> (String, Vec<Span>) {
    let agent = Agent::start(Router::new().route("/invoke", post(invoke))).await;
    let metadata = json!({ "space_id": "U3BhY2U6Nw==", "project_name": "tasks" });
    let body = json!({ "how": how, "n": 7, "arize_metadata": metadata });
    let headers = [("traceparent", TRACEPARENT)];
    let (_, answer) = agent.post(&headers, body.to_string()).await;
    (answer, agent.spans().await)
}

#[tokio::test]
async fn tools_in_tasks_and_threads_are_under_the_chain_in_the_space_of_the_request() {
    for (how, expected, tools) in [
        ("spawn", "7", 1),
        ("spawn_blocking", "7", 1),
        ("spawn_thread", "7", 1),
        ("join_set", "21", 3),
        ("in a task of a task", "7", 1),
    ] {
        let (answer, spans) = request(how).await;
        assert_eq!(answer, expected, "{how}");
        let chain = named(&spans, "run_agent");
        let found: Vec<_> = spans
            .iter()
            .filter(|span| span.name != chain.name)
            .collect();
        assert_eq!(found.len(), tools, "{how}: {}", names(&spans));
        for tool in found {
            assert_eq!(tool.parent_span_id.as_ref(), Some(&chain.span_id), "{how}");
            assert_eq!(tool.trace_id, TRACE, "{how}");
            let space = "U3BhY2U6Nw==";
            assert_eq!(route(tool), (space, space, "tasks"), "{how}");
        }
    }
}

#[tokio::test]
async fn without_the_helper_the_span_is_not_in_the_tree() {
    let (answer, spans) = request("without").await;
    assert_eq!(answer, "7");
    assert_eq!(names(&spans), "run_agent");
}

#[tokio::test]
async fn a_panic_in_a_task_comes_with_its_handle_and_is_told_on_the_span() {
    #[tool]
    async fn fragile() -> u64 {
        panic!("no fuel")
    }
    #[tool]
    fn fragile_blocking() -> u64 {
        panic!("no fuel")
    }
    #[experiment_handler(name = "run_agent")]
    async fn invoke(headers: HeaderMap, body: String) -> String {
        let task = arize_runtime::spawn(fragile()).await.unwrap_err();
        let blocking = arize_runtime::spawn_blocking(fragile_blocking).await;
        let thread = arize_runtime::spawn_thread::<_, ()>(move || panic!("no {body}"));
        let payloads = [
            task.into_panic(),
            blocking.unwrap_err().into_panic(),
            thread.join().unwrap_err(),
        ];
        let text = |payload: &Box<dyn std::any::Any + Send>| {
            let text = payload.downcast_ref::<&str>().map(ToString::to_string);
            text.or_else(|| payload.downcast_ref().cloned())
        };
        let texts: Vec<String> = payloads.iter().filter_map(text).collect();
        texts.join(", ")
    }
    let agent = Agent::start(Router::new().route("/invoke", post(invoke))).await;
    let baggage = [("baggage", "arize.space_id=s,arize.project_name=p")];
    let (_, answer) = agent.post(&baggage, "oil").await;
    assert_eq!(answer, "no fuel, no fuel, no oil");
    let spans = agent.spans().await;
    for tool in ["fragile", "fragile_blocking"] {
        let tool = named(&spans, tool);
        assert_eq!(tool.status.message, "panic: no fuel");
        let chain = &named(&spans, "run_agent").span_id;
        assert_eq!(tool.parent_span_id.as_ref(), Some(chain));
    }
    assert_eq!(named(&spans, "run_agent").status.code, StatusCode::Ok);
}

#[tokio::test]
async fn an_aborted_task_ends_its_span_as_cancelled() {
    #[tool(skip(started))]
    async fn slow(started: tokio::sync::oneshot::Sender<()>) {
        let _ = started.send(());
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    #[experiment_handler(name = "run_agent")]
    async fn invoke(headers: HeaderMap, body: String) -> String {
        let (send, started) = tokio::sync::oneshot::channel();
        let task = arize_runtime::spawn(slow(send));
        started.await.unwrap();
        task.abort();
        let cancelled = task.await.unwrap_err().is_cancelled();
        format!("{body} {cancelled}")
    }
    let agent = Agent::start(Router::new().route("/invoke", post(invoke))).await;
    let baggage = [("baggage", "arize.space_id=s,arize.project_name=p")];
    let (_, answer) = agent.post(&baggage, "cancelled:").await;
    assert_eq!(answer, "cancelled: true");
    let spans = agent.spans().await;
    let slow = named(&spans, "slow");
    assert_eq!(slow.status.code, StatusCode::Error);
    assert_eq!(slow.status.message, "cancelled");
    let chain = named(&spans, "run_agent");
    assert_eq!(slow.parent_span_id.as_ref(), Some(&chain.span_id));
    assert_eq!(chain.status.code, StatusCode::Ok);
}
