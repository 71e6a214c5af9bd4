//! Whatever a request holds, its handler answers as without tracing, and its span is in one count.

use arize_local::{Receiver, Span};
use arize_runtime::testing::{self, Capture};
use arize_runtime::{
    AgentRequest, ArizeMetadata, Loss, RegisterWithRouting, Routing, experiment_handler,
    set_routing_context, tool,
};
use bytes::Bytes;
use futures_executor::block_on;
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::harness::{PARENT, Pipeline, TRACE, TRACEPARENT, any_port, named, registration};

type Headers = Vec<(String, Vec<u8>)>;

#[experiment_handler(name = "run_agent", headers = headers, body = body)]
async fn raw(headers: &Headers, body: &[u8]) -> usize {
    headers.len() + body.len()
}

#[experiment_handler(name = "run_agent", headers = headers, body = body)]
async fn shared(headers: &Headers, body: Bytes) -> Result<Vec<u8>, usize> {
    match headers.len() % 2 {
        0 => Ok(body.to_vec()),
        n => Err(n),
    }
}

#[experiment_handler(name = "run_agent", headers = headers, body = body)]
async fn json(headers: &Headers, body: &Value) -> Value {
    json!([headers.len(), body.is_object()])
}

#[experiment_handler(name = "run_agent", headers = headers, body = body)]
async fn request(headers: &Headers, body: &AgentRequest<IgnoredAny>) -> usize {
    headers.len() + body.as_json().len()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Typed {
    #[serde(default)]
    input: Value,
    #[serde(default)]
    arize_metadata: ArizeMetadata,
}

#[experiment_handler(name = "run_agent", headers = headers, body = body)]
async fn typed(headers: &Headers, body: &Typed) -> Typed {
    let _ = headers;
    body.clone()
}

/// Calls every handler that can take the body; how many did, and what each answered.
fn call(headers: &Headers, body: &[u8]) -> Vec<String> {
    block_on(async {
        let mut answers = vec![
            format!("{:?}", raw(headers, body).await),
            format!("{:?}", shared(headers, Bytes::copy_from_slice(body)).await),
        ];
        if let Ok(body) = serde_json::from_slice(body) {
            answers.push(format!("{:?}", json(headers, &body).await));
        }
        if let Ok(body) = serde_json::from_slice(body) {
            answers.push(format!("{:?}", request(headers, &body).await));
        }
        if let Ok(body) = serde_json::from_slice(body) {
            answers.push(format!("{:?}", typed(headers, &body).await));
        }
        answers
    })
}

fn inside<T>(context: Context, work: impl FnOnce() -> T) -> T {
    let _guard = context.attach();
    work()
}

/// A pipeline with its collector, and the runtime that the collector is in.
struct Exported {
    runtime: Runtime,
    pipeline: Pipeline,
}

impl Exported {
    fn with(settings: impl FnOnce(RegisterWithRouting) -> RegisterWithRouting) -> Self {
        let runtime = Runtime::new().unwrap();
        let receiver = runtime.block_on(Receiver::bind(any_port())).unwrap();
        let arize = settings(registration(&receiver, &[])).build().unwrap();
        let pipeline = Pipeline { receiver, arize };
        Self { runtime, pipeline }
    }

    fn spans(&self) -> Vec<Span> {
        self.runtime.block_on(self.pipeline.spans())
    }
}

/// The parent that the headers name for sure: their only traceparent is the valid one.
fn names_parent(headers: &Headers) -> bool {
    let lines: Vec<_> = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("traceparent"))
        .collect();
    matches!(lines[..], [(_, line)] if line == TRACEPARENT.as_bytes())
}

fn check(exported: &Exported, headers: &Headers, body: &[u8]) {
    let bare = call(headers, body);
    let capture = testing::capture();
    let captured = inside(capture.context(), || call(headers, body));
    assert_eq!(captured, bare, "the answers are those without tracing");
    let spans = check_captured(&capture, headers, bare.len());

    let arize = &exported.pipeline.arize;
    let (before, unsampled) = (arize.stats(), bare.len() - spans);
    assert_eq!(inside(arize.context(), || call(headers, body)), bare);
    let after = arize.stats();
    let count = |n: usize| u64::try_from(n).unwrap();
    assert_eq!(after.ended - before.ended, count(spans));
    assert_eq!(
        after.unsampled_requests - before.unsampled_requests,
        count(unsampled)
    );
    let routed = capture
        .spans()
        .iter()
        .filter(|span| span.routing().is_some())
        .count();
    let unrouted = |stats: &arize_runtime::Stats| stats.dropped.of(Loss::Unrouted);
    assert_eq!(unrouted(&after) - unrouted(&before), count(spans - routed));
}

/// How many spans there are: one for each call, or none of an unsampled request.
fn check_captured(capture: &Capture, headers: &Headers, calls: usize) -> usize {
    let spans = capture.spans();
    assert!(
        spans.is_empty() || spans.len() == calls,
        "{}",
        capture.tree()
    );
    for span in &spans {
        assert_eq!(
            span.attribute("openinference.span.kind"),
            Some(&"CHAIN".into())
        );
        if names_parent(headers) {
            let context = span.span_context();
            assert_eq!(context.trace_id().to_string(), TRACE);
            let parent = span.parent_span_id().map(|id| id.to_string());
            assert_eq!(parent.as_deref(), Some(PARENT));
        }
    }
    assert!(!names_parent(headers) || !spans.is_empty());
    spans.len()
}

/// Bytes that a header cannot have as well, and lines that nearly are right.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let text = |pattern: &'static str| pattern.prop_map(String::into_bytes);
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64),
        Just(TRACEPARENT.as_bytes().to_vec()),
        text("0[01f]-[0-9a-fA-F]{31,33}-[0-9a-f]{15,17}-0[0-3]?(-.*)?"),
        text("([ ,;=]?(arize\\.(space_id|project_name)|x)[ ]?=?[%+ -~]{0,12}[,;]?){0,5}"),
        text("arize\\.space_id=[A-Za-z0-9]{1,8}={0,2},arize\\.project_name=[a-z%0-9é]{1,8}"),
        text("([a-z]{1,3}=[!-~]{0,9},?){0,40}"),
        (0_usize..70_000, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
    ]
}

fn headers() -> impl Strategy<Value = Headers> {
    let name = prop_oneof![
        Just("traceparent".to_owned()),
        Just("Tracestate".to_owned()),
        Just("BAGGAGE".to_owned()),
        Just("baggage".to_owned()),
        Just("x-arize-experiment-id".to_owned()),
        ".{0,8}",
    ];
    proptest::collection::vec((name, line()), 0..6)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[A-Za-z0-9]{1,8}={0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 24, 4, |inner| {
        let key = prop_oneof![
            Just("arize_metadata".to_owned()),
            Just("input".to_owned()),
            Just("space_id".to_owned()),
            Just("project_name".to_owned()),
            Just("run_id".to_owned()),
            ".{0,4}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let with_metadata = |metadata| json!({"goal": "x", "arize_metadata": metadata});
    let text = |value: Value| value.to_string().into_bytes();
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64),
        "[\\[\\]{}\":,0-9a-z\\\\ ]{0,40}".prop_map(String::into_bytes),
        any_json().prop_map(text),
        any_json().prop_map(with_metadata).prop_map(text),
        ("[A-Za-z0-9 ]{0,8}={0,2}", "\\PC{0,8}").prop_map(move |(space, project)| {
            text(with_metadata(
                json!({"space_id": space, "project_name": project}),
            ))
        }),
        (any_json(), 0_usize..40).prop_map(move |(json, end)| {
            let json = text(json);
            json[..end.min(json.len())].to_vec()
        }),
    ]
}

fn config() -> Config {
    Config {
        failure_persistence: None,
        ..Config::with_cases(512)
    }
}

#[test]
fn no_request_disturbs_its_handler_and_every_span_is_in_one_count() {
    let exported = Exported::with(|registration| registration);
    let ran = TestRunner::new(config()).run(&(headers(), body()), |(headers, body)| {
        check(&exported, &headers, &body);
        Ok(())
    });
    ran.unwrap_or_else(|failed| panic!("{failed}"));
    let spans = exported.spans();
    assert!(!spans.is_empty(), "some requests name a route");
    for span in spans {
        let space = span.space_header.as_deref().unwrap();
        let project = span.attr_str("arize.project.name").unwrap();
        assert_eq!(Some(space), span.attr_str("arize.space_id"));
        assert!(
            Routing::new(space, project).is_ok(),
            "{space:?} {project:?}"
        );
    }
}

/// What is left of a value at `path` without the keys that are masked.
fn masked(path: &str, value: Value) -> Value {
    let is_masked = |key: &str| path == key || path.ends_with(&format!(".{key}"));
    match value {
        _ if MASKED.into_iter().any(is_masked) => json!("__REDACTED__"),
        Value::Array(items) => items.into_iter().map(|item| masked(path, item)).collect(),
        Value::Object(fields) => {
            let under = |key: &str| format!("{path}.{key}");
            let fields = fields.into_iter();
            Value::Object(
                fields
                    .map(|(key, value)| (key.clone(), masked(&under(&key), value)))
                    .collect(),
            )
        }
        scalar => scalar,
    }
}

const MASKED: [&str; 3] = ["space_id", "input.run_id", "value.arize_metadata"];

#[test]
fn masked_keys_are_found_wherever_they_stand() {
    #[tool(skip_output)]
    fn look(value: &Value) {
        let _ = value;
    }
    let exported = Exported::with(|registration| registration.mask_keys(MASKED));
    let mut expected = Vec::new();
    let mut runner = TestRunner::new(config());
    for _ in 0..512 {
        let value = any_json().new_tree(&mut runner).unwrap().current();
        let route = Routing::new("s", "p").unwrap();
        let context = exported.pipeline.context();
        inside(context, || set_routing_context(route, || look(&value)));
        expected.push(json!({"value": masked("value", value)}).to_string());
    }
    let mut inputs: Vec<_> = exported
        .spans()
        .iter()
        .map(|span| span.attr_str("input.value").unwrap().to_owned())
        .collect();
    assert!(
        expected
            .iter()
            .filter(|input| input.contains("REDACTED"))
            .count()
            > 20
    );
    // batches overtake each other
    inputs.sort();
    expected.sort();
    assert_eq!(inputs, expected);
}

#[test]
fn no_depth_of_nesting_is_too_deep() {
    const LEVELS: usize = 10_000;
    let nested = format!("{}{}", "[".repeat(LEVELS), "]".repeat(LEVELS));
    let unclosed = "{\"a\":".repeat(LEVELS);
    let row = format!("{{\"x\":{nested},\"arize_metadata\":{nested}}}");
    let wrapped = format!("{{\"input\":{nested},\"arize_metadata\":{{\"space_id\":{nested}}}}}");
    let exported = Exported::with(|registration| registration);
    for body in [&nested, &unclosed, &row, &wrapped] {
        check(&exported, &vec![], body.as_bytes());
    }
    // such a value is made by code alone, and not by `json!`, which copies
    let value = || (0..LEVELS).fold(json!(1), |inner, _| Value::Array(vec![inner]));
    let object = |fields: [(&str, Value); 2]| -> Value {
        let fields = fields.into_iter();
        Value::Object(fields.map(|(key, value)| (key.to_owned(), value)).collect())
    };
    for body in [
        value(),
        object([("x", value()), ("arize_metadata", value())]),
        object([
            ("input", value()),
            (
                "arize_metadata",
                object([("a", json!(1)), ("space_id", value())]),
            ),
        ]),
    ] {
        let capture = testing::capture();
        let answer = block_on(json(&vec![], &body).with_context(capture.context()));
        assert_eq!(answer, json!([0, body.is_object()]));
        assert_eq!(capture.tree(), "run_agent [CHAIN]\n");
        assert_eq!(capture.span("run_agent").input(), None, "it is told");
        std::mem::forget(body); // dropping it recurses
    }
}

#[test]
fn no_length_cuts_a_character_or_a_call() {
    const TEXT: &str = "aü東😀\u{0}";
    #[tool(input = text)]
    fn echo(text: &str) -> String {
        text.to_owned()
    }
    for bytes in (0..=TEXT.len() + 1).chain([usize::MAX]) {
        let exported = Exported::with(|registration| registration.max_value_length(bytes));
        let context = exported.pipeline.context();
        let route = Routing::new("s", "p").unwrap();
        let echoed = inside(context, || set_routing_context(route, || echo(TEXT)));
        assert_eq!(echoed, TEXT);
        let spans = exported.spans();
        let span = named(&spans, "echo");
        for key in ["input.value", "output.value"] {
            let sent = span.attr_str(key).unwrap();
            if bytes >= TEXT.len() {
                assert_eq!(sent, TEXT);
                continue;
            }
            let (kept, mark) = sent.split_once('…').unwrap();
            assert_eq!(mark, format!(" (cut; it had {} bytes)", TEXT.len()));
            let next = TEXT[kept.len()..].chars().next().unwrap();
            assert!(TEXT.starts_with(kept) && kept.len() <= bytes);
            assert!(kept.len() + next.len_utf8() > bytes, "as much as fits");
        }
        assert_eq!(span.attr_str("arize.space_id"), Some("s"));
    }
}
