//! What belongs to a whole process: the environment, the global provider, and what is said on stderr.

use std::process::{Output, Stdio};

use arize_local::Receiver;
use serde_json::Value;
use tokio::process::Command;

use crate::harness::{any_port, names, route};

pub(crate) const ROUTED: &str =
    r#"{"n": 1, "arize_metadata": {"space_id": "s", "project_name": "p"}}"#;

/// Runs the agent process with nothing in its environment but `environment`.
pub(crate) async fn agent(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_agent_process"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap()
}

pub(crate) fn said(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| panic!("{text}{}", stderr(output)))
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn install_reads_the_environment_once_and_takes_the_global_provider() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let endpoint = receiver.endpoint();
    let output = agent(
        &["2", r#"{"n": 1}"#],
        &[
            ("ARIZE_COLLECTOR_ENDPOINT", &endpoint),
            ("ARIZE_OTLP_ENDPOINT", "http://127.0.0.1:1"),
            ("ARIZE_API_KEY", "secret-key"),
            ("ARIZE_SPACE_ID", "U3BhY2U6MTIzOmFiYw=="),
            ("ARIZE_PROJECT_NAME", "from the environment"),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "arize-space-id=other,space_id=other,authorization=other",
            ),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
            ("OTEL_SERVICE_NAME", "travel"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test"),
            ("ARIZE_PROJECT_TYPE", "experiment"),
        ],
    )
    .await;
    let said = said(&output);
    assert_eq!(
        (&said["ended"], &said["exported"]),
        (&6.into(), &6.into()),
        "{said}"
    );
    assert!(!said.to_string().contains("secret-key"), "{said}");
    let spans = receiver.spans();
    assert_eq!(spans.len(), 6, "{}", names(&spans));
    for span in &spans {
        let space = "U3BhY2U6MTIzOmFiYw==";
        assert_eq!(route(span), (space, space, "from the environment"));
        let resource = |key: &str| {
            let found = span.resource.iter().find(|(name, _)| name == key);
            found.and_then(|(_, value)| value.as_str())
        };
        assert_eq!(resource("service.name"), Some("travel"));
        assert_eq!(resource("deployment.environment"), Some("test"));
        assert_eq!(resource("arize.project.type"), None, "for `register` alone");
    }
    let keys = receiver.requests();
    let keys = keys[0]
        .metadata
        .iter()
        .filter(|(name, _)| name == "authorization");
    assert_eq!(
        keys.map(|(_, key)| key.as_str()).collect::<Vec<_>>(),
        ["secret-key"]
    );
    assert_eq!(stderr(&output), "");
}

#[tokio::test]
async fn an_unreachable_collector_is_told_once_with_its_variable_and_the_remedy() {
    let environment = [
        ("ARIZE_OTLP_ENDPOINT", "http://127.0.0.1:1/v1"),
        ("ARIZE_API_KEY", "secret-key"),
    ];
    let output = agent(&["3", ROUTED], &environment).await;
    let told = stderr(&output);
    let sum = "shut down with losses: 9 ended: 0 exported, 0 pending, 9 dropped (9 failed)";
    assert_eq!(told.lines().count(), 2, "the failure, and the sum: {told}");
    assert!(
        told.lines()
            .next_back()
            .is_some_and(|line| line.contains(sum)),
        "{told}"
    );
    for part in ["http://127.0.0.1:1", "ARIZE_OTLP_ENDPOINT", "UNAVAILABLE"] {
        assert!(told.contains(part), "{part} is missing: {told}");
    }
    assert!(!told.contains("secret-key"), "{told}");
    let said = said(&output);
    assert_eq!(
        (&said["dropped"], &said["exported"]),
        (&"9 failed".into(), &0.into())
    );
    assert!(said["shutdown"].as_str().unwrap().contains('9'), "{said}");
}

#[tokio::test]
async fn unrouted_requests_and_odd_metadata_are_told_once_each() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let environment = [("ARIZE_COLLECTOR_ENDPOINT", receiver.endpoint())];
    let environment = environment.each_ref().map(|(k, v)| (*k, v.as_str()));
    let output = agent(
        &[
            "5",
            r#"{"arize_metadata": {"space_id": 42, "project_name": "p"}}"#,
        ],
        &environment,
    )
    .await;
    let told = stderr(&output);
    let lines = |part: &str| told.lines().filter(|line| line.contains(part)).count();
    assert_eq!(
        lines("`arize_metadata.space_id` of a request is `42`"),
        1,
        "{told}"
    );
    assert_eq!(
        lines("the spans of `run_agent` are dropped: the request names no space"),
        1,
        "{told}"
    );
    assert_eq!(lines("ARIZE_SPACE_ID"), 1, "{told}");
    assert_eq!(said(&output)["dropped"], "15 unrouted");
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn unsampled_requests_are_told_once_and_export_nothing() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let environment = [("ARIZE_COLLECTOR_ENDPOINT", receiver.endpoint())];
    let environment = environment.each_ref().map(|(k, v)| (*k, v.as_str()));
    let output = agent(&["4", ROUTED, "unsampled"], &environment).await;
    let told = stderr(&output);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        told.contains("unsampled parent (traceparent flags 00)"),
        "{told}"
    );
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn warnings_are_tracing_events_where_there_is_a_subscriber() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let environment = [("ARIZE_COLLECTOR_ENDPOINT", receiver.endpoint())];
    let environment = environment.each_ref().map(|(k, v)| (*k, v.as_str()));
    let output = agent(
        &["1", r#"{"arize_metadata": null}"#, "subscriber"],
        &environment,
    )
    .await;
    assert_eq!(stderr(&output), "");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        stdout.contains("arize_runtime")
            && stdout.contains("`arize_metadata` of a request is `null`"),
        "{stdout}"
    );
}

#[tokio::test]
async fn a_body_type_without_a_place_for_the_route_is_named() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let environment = [("ARIZE_COLLECTOR_ENDPOINT", receiver.endpoint())];
    let environment = environment.each_ref().map(|(k, v)| (*k, v.as_str()));
    let told = |body, how| async move {
        let output = agent(&["2", body, how], &environment).await;
        assert_eq!(said(&output)["dropped"], "2 unrouted");
        let told = stderr(&output);
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(
            told.contains("names neither a space nor a project"),
            "{told}"
        );
        told.contains("the body's type has no field `arize_metadata`")
    };
    assert!(told("{}", "without-metadata").await);
    // what a type has for absent is no trouble
    assert!(!told(r#"{"arize_metadata": null}"#, "with-metadata").await);
    assert!(!told(r#"{"arize_metadata": {}}"#, "with-metadata").await);
}

#[tokio::test]
async fn what_registration_needs_is_named() {
    let missing = agent(&["0", "{}"], &[]).await;
    assert!(!missing.status.success());
    assert!(
        stderr(&missing).contains("`ARIZE_API_KEY`"),
        "{}",
        stderr(&missing)
    );
    let endpoint = agent(
        &["0", "{}"],
        &[
            ("ARIZE_COLLECTOR_ENDPOINT", "otlp.arize.com/v1"),
            ("ARIZE_API_KEY", "k"),
        ],
    )
    .await;
    let told = stderr(&endpoint);
    assert!(
        told.contains("`ARIZE_COLLECTOR_ENDPOINT`") && told.contains("https://otlp.arize.com/v1"),
        "{told}"
    );
}

#[tokio::test]
async fn one_space_reads_the_environment_and_tells_of_requests_that_name_another() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let endpoint = receiver.endpoint();
    let environment = [
        ("ARIZE_COLLECTOR_ENDPOINT", endpoint.as_str()),
        ("ARIZE_SPACE_ID", "U3BhY2U6OQ=="),
        ("ARIZE_PROJECT_NAME", "fixed"),
        ("ARIZE_PROJECT_TYPE", "tool"),
    ];
    let output = agent(&["2", ROUTED, "one-space"], &environment).await;
    let told = stderr(&output);
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(
        told.contains(
            "a request names the space `s`, but `register` sends everything to `U3BhY2U6OQ==`"
        ),
        "{told}"
    );
    assert!(
        told.contains("`ARIZE_PROJECT_TYPE=tool` is ignored"),
        "{told}"
    );
    assert_eq!(said(&output)["exported"], 6, "{told}");
    for span in receiver.spans() {
        assert_eq!(route(&span), ("U3BhY2U6OQ==", "U3BhY2U6OQ==", "fixed"));
    }
    let silent = agent(&["1", r#"{"n": 1}"#, "one-space"], &environment[..3]).await;
    assert_eq!(stderr(&silent), "", "a request need not name a route");
    assert_eq!(said(&silent)["exported"], 3);

    let missing = agent(&["0", "{}", "one-space"], &environment[..2]).await;
    let told = stderr(&missing);
    assert!(
        !missing.status.success() && told.contains("`ARIZE_PROJECT_NAME`"),
        "{told}"
    );
}

#[tokio::test]
async fn spans_of_a_provider_that_was_there_are_counted_without_a_warning() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let environment = [("ARIZE_COLLECTOR_ENDPOINT", receiver.endpoint())];
    let environment = environment.each_ref().map(|(k, v)| (*k, v.as_str()));
    let output = agent(&["1", ROUTED, "own-provider"], &environment).await;
    assert_eq!(stderr(&output), "");
    let said = said(&output);
    assert_eq!(
        (&said["exported"], &said["dropped"]),
        (&3.into(), &"1 unrouted".into())
    );
    let spans = receiver.spans();
    assert!(spans.iter().all(|span| route(span) == ("s", "s", "p")));

    let unrouted = agent(&["1", "{}", "own-provider"], &environment).await;
    assert!(
        stderr(&unrouted).contains("the spans of `run_agent` are dropped"),
        "{}",
        stderr(&unrouted)
    );
}

#[tokio::test]
async fn a_call_that_lost_its_context_is_told_once_with_its_place_and_the_remedy() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let endpoint = receiver.endpoint();
    let environment = [
        ("ARIZE_COLLECTOR_ENDPOINT", endpoint.as_str()),
        ("ARIZE_SPACE_ID", "s"),
        ("ARIZE_PROJECT_NAME", "p"),
    ];
    let tool = r#"{"lost": "tool", "arize_metadata": {"space_id": "s", "project_name": "p"}}"#;
    let chain = tool.replace("tool", "chain");
    let of_tool = agent(&["3", tool], &environment[..1]).await;
    let of_chain = agent(&["3", &chain], &environment[..1]).await;
    for (output, name) in [(&of_tool, "`lost_tool` ("), (&of_chain, "`lost_chain` (")] {
        let told = stderr(output);
        assert_eq!(told.lines().count(), 1, "{told}");
        for part in [name, "process/agent.rs:", "`arize_runtime::spawn(future)`"] {
            assert!(told.contains(part), "{part} is missing: {told}");
        }
        assert_eq!(said(output)["dropped"], "9 unrouted");
    }
    let stream = tool.replace("tool", "stream");
    let told = stderr(&agent(&["3", &stream], &environment[..1]).await);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("`hold_span` was called outside"), "{told}");
    // `register` loses no span, but a tool that begins a trace is misplaced
    let tool = agent(&["3", tool, "one-space"], &environment).await;
    let told = stderr(&tool);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("`lost_tool` ("), "{told}");
    assert_eq!(said(&tool)["exported"], 18);
    let chain = agent(&["3", &chain, "one-space"], &environment).await;
    assert_eq!(stderr(&chain), "");
}
