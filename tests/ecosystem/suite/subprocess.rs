//! Agents that work in another process.

use std::process::{Command, Output};

use arize_local::Span;
use arize_runtime::{AgentRequest, CommandContextExt as _, Protocol, experiment_handler, tool};
use axum::routing::post;
use axum::{Json, Router};
use http::HeaderMap;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};

use crate::harness::{
    Agent, Pipeline, SOON, TRACE, TRACEPARENT, any_port, named, registration, serve,
};

const BODY: &str = r#"{"input": "count", "arize_metadata": {"space_id": "U3BhY2U6MTIzOmFiYw==", "project_name": "my agent, 1"}}"#;

/// The environment of this process could have what the child is to be given.
fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    let set = std::env::vars().map(|(name, _)| name);
    for name in set.filter(|name| name.starts_with("OTEL_") || name.starts_with("ARIZE_")) {
        command.env_remove(name);
    }
    command
}

#[tool]
async fn run_child(task: &str) -> bool {
    let mut command = tokio::process::Command::from(clean(env!("CARGO_BIN_EXE_child_process")));
    command.arg(task).trace_context().export_to_arize();
    succeeded(&command.output().await.unwrap())
}

#[tool]
fn run_python(script: &str) -> bool {
    let python = std::env::var("PYTHON").expect("PYTHON names an interpreter");
    let mut command = clean(&python);
    command.arg(script).trace_context().export_to_arize();
    succeeded(&command.output().unwrap())
}

fn succeeded(output: &Output) -> bool {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    true
}

#[experiment_handler]
async fn invoke(headers: HeaderMap, Json(request): Json<AgentRequest<String>>) -> Json<bool> {
    Json(run_child(&request.input).await)
}

#[experiment_handler(name = "invoke")]
async fn invoke_python(headers: HeaderMap, Json(body): Json<AgentRequest<String>>) -> Json<bool> {
    assert_eq!(body.input, "count");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/process/child.py");
    // the collector is on this runtime, too
    let run = arize_runtime::spawn_blocking(move || run_python(script));
    Json(run.await.unwrap())
}

/// The spans of the parent and the child, in one space and project.
async fn spans(protocol: Protocol, router: Router) -> Vec<Span> {
    let receiver = arize_local::Receiver::bind(any_port()).await.unwrap();
    let receiver = receiver.with_http(any_port()).await.unwrap();
    let mut arize = registration(&receiver, &[])
        .protocol(protocol)
        .api_key("hunter2,=");
    if protocol == Protocol::HttpProtobuf {
        arize = arize.endpoint(receiver.http_endpoint().unwrap());
    }
    let arize = arize.build().unwrap();
    let url = serve(router, arize.context()).await;
    let headers = [("traceparent", TRACEPARENT), ("tracestate", "vendor=1")];
    let (status, answer) = crate::harness::post(&url, &headers, BODY).await;
    assert_eq!((status.as_u16(), answer.as_str()), (200, "true"));
    arize.force_flush(SOON).await.unwrap();
    let spans = receiver.spans();
    for span in &spans {
        assert_eq!(span.trace_id, TRACE);
        assert_eq!(span.space_header.as_deref(), Some("U3BhY2U6MTIzOmFiYw=="));
        let mut resource = span.resource.iter();
        let project = resource.find(|(key, _)| key == "openinference.project.name");
        assert_eq!(
            project.and_then(|(_, value)| value.as_str()),
            Some("my agent, 1")
        );
    }
    spans
}

#[tokio::test]
async fn a_child_in_rust_is_under_the_tool_that_started_it() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let spans = spans(protocol, Router::new().route("/invoke", post(invoke))).await;
        let (child, tool) = (named(&spans, "rust_child"), named(&spans, "run_child"));
        assert_eq!(child.parent_span_id.as_ref(), Some(&tool.span_id));
        assert_eq!(child.trace_state, "vendor=1");
        assert_eq!(child.attr_str("output.value"), Some("done: count"));
        assert_eq!(child.attr_str("arize.project.name"), Some("my agent, 1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an interpreter with OpenTelemetry: `bash .ci/python`"]
async fn a_child_in_python_is_under_the_tool_that_started_it() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let router = Router::new().route("/invoke", post(invoke_python));
        let spans = spans(protocol, router).await;
        let (child, tool) = (named(&spans, "python_child"), named(&spans, "run_python"));
        assert_eq!(child.parent_span_id.as_ref(), Some(&tool.span_id));
        assert_eq!(child.trace_state, "vendor=1");
    }
}

fn variables(command: &Command) -> Vec<(String, Option<String>)> {
    let text = |text: &std::ffi::OsStr| text.to_str().unwrap().to_owned();
    let variables = command.get_envs();
    variables
        .map(|(name, value)| (text(name), value.map(text)))
        .collect()
}

#[tool]
fn given_to_a_child() -> Vec<(String, Option<String>)> {
    let mut command = Command::new("true");
    command.env("TRACESTATE", "of=another").trace_context();
    variables(&command)
}

#[tokio::test]
async fn without_being_asked_a_child_gets_no_key_and_no_address() {
    let pipeline = Pipeline::start(&[("ARIZE_API_KEY", "hunter2")]).await;
    let routing = arize_runtime::Routing::new("s=", "p").unwrap();
    let members = [KeyValue::new("shop", "a b")];
    let context = pipeline.context().with_baggage(members).with_value(routing);
    let given = async { given_to_a_child() }.with_context(context).await;
    let spans = pipeline.spans().await;
    let span = named(&spans, "given_to_a_child");
    let parent = format!("00-{}-{}-01", span.trace_id, span.span_id);
    let set = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
    assert_eq!(
        given,
        [
            set(
                "BAGGAGE",
                Some("arize.space_id=s%3D,arize.project_name=p,shop=a%20b")
            ),
            set("TRACEPARENT", Some(&parent)),
            set("TRACESTATE", None), // that of another call
        ]
    );
}

#[tokio::test]
async fn with_one_route_for_everything_a_child_gets_that() {
    let arize = arize_runtime::register()
        .with_environment(|_| None)
        .space_id("s=")
        .project_name("p q")
        .api_key("hunter2")
        .endpoint("http://127.0.0.1:4318/v1")
        .build()
        .unwrap();
    let _attached = arize.context().attach();
    let mut command = Command::new("true");
    let given = variables(command.export_to_arize());
    let of = |name: &str| {
        let found = given.iter().find(|(known, _)| known == name);
        found.and_then(|(_, value)| value.as_deref())
    };
    let headers = "authorization=hunter2,api_key=hunter2,arize-space-id=s%3D,space_id=s%3D";
    for (name, value) in [
        ("OTEL_TRACES_EXPORTER", "otlp"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://127.0.0.1:4318/v1/traces",
        ),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", headers),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "openinference.project.name=p%20q",
        ),
        ("ARIZE_API_KEY", "hunter2"),
        ("ARIZE_SPACE_ID", "s="),
        ("ARIZE_PROJECT_NAME", "p q"),
        ("ARIZE_COLLECTOR_ENDPOINT", "http://127.0.0.1:4318/v1"),
    ] {
        assert_eq!(of(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn where_nothing_is_traced_a_child_is_started_as_it_is() {
    let mut command = Command::new("true");
    command.trace_context();
    assert_eq!(variables(&command), []);
    let agent = Agent::start(Router::new()).await; // a route is missing
    let _attached = agent.pipeline.context().attach();
    assert_eq!(variables(command.export_to_arize()), []);
    assert!(!Context::current().has_active_span());
}
