//! Values that are hidden by their keys, in what arrives and in what other span processors see.

use std::sync::{Arc, Mutex};

use arize_local::{AttributeValue, Receiver};
use arize_runtime::attributes::Attributes;
use arize_runtime::{
    AgentRequest, InstallError, Routing, RoutingFutureExt as _, Scope, ScopeFutureExt as _, chain,
    experiment_handler, record, tool,
};
use http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanProcessor};
use serde::Serialize;
use serde_json::{Value, json};

use crate::harness::{Pipeline, any_port, named, registration, route};

/// Keeps what it sees of every span, as text.
#[derive(Debug, Clone, Default)]
struct Other(Arc<Mutex<String>>);

impl SpanProcessor for Other {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        *self.0.lock().unwrap() += &format!("{:?}", span.attributes);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: std::time::Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// A pipeline beside another processor, which masks `password` and `card.number`.
async fn masking() -> (Pipeline, Other) {
    masking_of(&["password", "card.number"]).await
}

async fn masking_of(keys: &[&str]) -> (Pipeline, Other) {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let registration = keys.iter().fold(registration(&receiver, &[]), |r, key| {
        r.mask_keys([String::from(*key)])
    });
    let (processor, arize) = registration.into_processor().unwrap();
    let other = Other::default();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_span_processor(other.clone())
        .build();
    let arize = arize.with_provider(&provider);
    (Pipeline { receiver, arize }, other)
}

#[derive(Clone, Serialize)]
struct Card {
    number: &'static str,
    holder: &'static str,
}

const CARD: Card = Card {
    number: "secret",
    holder: "Ada",
};

#[tool]
fn pay(password: &str, card: Card) -> Vec<Value> {
    let _ = password;
    vec![json!({"z": 1, "card": [card], "a": 2})]
}

#[chain]
fn check(card: Card) -> String {
    json!({ "card": card }).to_string()
}

#[chain]
fn log_in(password: &str) -> &'static str {
    let _ = password;
    "welcome"
}

#[tool(input = json!({"password": value}), attributes(given = json!({"password": value})))]
fn chosen(value: &str) -> usize {
    record(Attributes::new().attribute("said", &json!([{"password": value}])));
    value.len()
}

#[tokio::test]
async fn values_under_masked_keys_are_seen_nowhere() {
    let (pipeline, other) = masking().await;
    let work = async {
        for _ in 0..2 {
            pay("secret", CARD);
        }
        check(CARD);
        log_in("secret");
        chosen("secret");
    };
    let secret = json!({"user": {"password": "secret", "tier": "gold"}});
    let scope = Scope::new()
        .metadata(&secret)
        .prompt_template_variables(&secret);
    let routing = Routing::new("s", "p").unwrap();
    let scoped = async { work.with_scope(scope).await };
    async { scoped.with_routing(routing).await }
        .with_context(pipeline.context())
        .await;

    let seen = other.0.lock().unwrap().clone();
    assert!(
        seen.contains("__REDACTED__") && !seen.contains("secret"),
        "{seen}"
    );
    let spans = pipeline.spans().await;
    assert_eq!(spans.len(), 5);
    for span in &spans {
        let text = span.to_json().to_string();
        assert!(!text.contains("secret"), "{text}");
        let metadata = r#"{"user":{"password":"__REDACTED__","tier":"gold"}}"#;
        assert_eq!(span.attr_str("metadata"), Some(metadata));
    }
    let value = |name: &str, key: &str| {
        let span = spans.iter().rfind(|span| span.name == name).unwrap();
        span.attr_str(key).unwrap_or("none").to_owned()
    };
    let inputs = r#"{"password":"__REDACTED__","card":{"number":"__REDACTED__","holder":"Ada"}}"#;
    assert_eq!(value("pay", "input.value"), inputs);
    let output = r#"[{"z":1,"card":[{"number":"__REDACTED__","holder":"Ada"}],"a":2}]"#;
    // `json!` may sort keys before we see them
    let output: Value = serde_json::from_str(output).unwrap();
    assert_eq!(value("pay", "output.value"), output.to_string());
    let schema = value("pay", "tool.parameters");
    assert!(
        schema.contains(r#""password":{"type":"string"}"#),
        "{schema}"
    );
    let card = r#"{"number":"__REDACTED__","holder":"Ada"}"#;
    assert_eq!(value("check", "input.value"), card);
    assert_eq!(value("log_in", "input.value"), "__REDACTED__");
    assert_eq!(value("log_in", "input.mime_type"), "none");
    assert_eq!(value("log_in", "output.value"), "welcome");
    assert_eq!(value("chosen", "said"), r#"[{"password":"__REDACTED__"}]"#);
    assert_eq!(
        value("chosen", "input.value"),
        r#"{"password":"__REDACTED__"}"#
    );
}

#[tokio::test]
async fn requests_and_values_set_by_hand_are_masked() {
    #[experiment_handler]
    async fn typed(headers: HeaderMap, body: AgentRequest<Value>) -> Value {
        let _ = headers;
        body.input
    }
    #[experiment_handler]
    async fn raw(headers: HeaderMap, body: String) -> usize {
        let _ = headers;
        body.len()
    }
    let (pipeline, other) = masking().await;
    let body = r#"{"input": {"z": 1.50, "card": {"number": "secret"}},
        "arize_metadata": {"space_id": "s", "project_name": "p", "run_id": "r"}}"#;
    let own = Scope::new().metadata(&json!({"password": "secret"}));
    let answer = async {
        let answer = typed(HeaderMap::new(), serde_json::from_str(body).unwrap());
        answer.with_scope(own).await
    };
    let answer = answer.with_context(pipeline.context()).await;
    assert_eq!(
        answer["card"]["number"], "secret",
        "the call is not changed"
    );
    async { raw(HeaderMap::new(), body.to_owned()).await }
        .with_context(pipeline.context())
        .await;
    let seen = other.0.lock().unwrap().clone();
    assert!(!seen.contains("secret"), "{seen}");

    let by_hand = async {
        let tracer = pipeline.arize.tracer_provider().tracer("a library");
        let mut chat = tracer.start("chat");
        let parameters = r#"{"temperature":0,"password":"secret"}"#;
        chat.set_attribute(KeyValue::new("llm.invocation_parameters", parameters));
        chat.set_attribute(KeyValue::new("llm.model_name", "password: m"));
        chat.end();
    };
    by_hand.with_routing(Routing::new("s", "p").unwrap()).await;
    let spans = pipeline.spans().await;
    for name in ["typed", "raw"] {
        let input = r#"{"z": 1.50, "card": {"number": "__REDACTED__"}}"#;
        assert_eq!(named(&spans, name).attr_str("input.value"), Some(input));
    }
    let metadata: Value =
        serde_json::from_str(named(&spans, "typed").attr_str("metadata").unwrap()).unwrap();
    assert_eq!(metadata, json!({"password": "__REDACTED__", "run_id": "r"}));
    let chat = named(&spans, "chat");
    assert_eq!(
        chat.attr_str("llm.invocation_parameters"),
        Some(r#"{"temperature":0,"password":"__REDACTED__"}"#)
    );
    assert_eq!(chat.attr_str("llm.model_name"), Some("password: m"));
}

#[tool(skip_all, attributes(card.number = number, my.card.number = number, card = CARD, password = ["secret"]))]
fn said(number: u64) -> usize {
    record(
        Attributes::new()
            .attribute("password", &"secret")
            .attribute("my.card", &CARD),
    );
    0
}

#[tokio::test]
async fn an_attribute_whose_key_is_masked_is_seen_nowhere() {
    let (pipeline, other) = masking().await;
    let routing = Routing::new("s", "p").unwrap();
    async { async { said(4711) }.with_routing(routing.clone()).await }
        .with_context(pipeline.context())
        .await;
    let seen = other.0.lock().unwrap().clone();
    assert!(!seen.contains("secret"), "{seen}");
    let by_hand = async {
        let tracer = pipeline.arize.tracer_provider().tracer("a library");
        let mut chat = tracer.start("chat");
        chat.set_attribute(KeyValue::new("card.number", 4711));
        chat.set_attribute(KeyValue::new("password.hint", "none"));
        chat.set_attribute(KeyValue::new("card", r#"{"number":4711}"#));
        chat.end();
    };
    by_hand.with_routing(routing).await;

    let spans = pipeline.spans().await;
    let (said, chat) = (named(&spans, "said"), named(&spans, "chat"));
    let card = r#"{"number":"__REDACTED__","holder":"Ada"}"#;
    for (span, key, value) in [
        (said, "card.number", "__REDACTED__"),
        (said, "password", "__REDACTED__"),
        (said, "card", card),
        (said, "my.card", card),
        (chat, "card.number", "__REDACTED__"),
        (chat, "card", r#"{"number":"__REDACTED__"}"#),
        (chat, "password.hint", "none"),
    ] {
        assert_eq!(span.attr_str(key), Some(value), "{key}");
    }
    let other_key = said.attr("my.card.number");
    assert_eq!(
        other_key,
        Some(&AttributeValue::Int(4711)),
        "the key is another"
    );
}

#[tokio::test]
async fn what_a_request_says_of_its_experiment_is_masked_by_its_key() {
    #[experiment_handler]
    async fn invoke(headers: &HeaderMap, body: &Value) -> usize {
        let _ = headers;
        body.to_string().len()
    }
    let (pipeline, other) = masking_of(&["metadata"]).await;
    let body = json!({"input": 1, "arize_metadata":
        {"space_id": "s", "project_name": "p", "run_id": "secret"}});
    let headers = HeaderMap::new();
    let call = invoke(&headers, &body).with_context(pipeline.context());
    call.await;
    let seen = other.0.lock().unwrap().clone();
    assert!(!seen.contains(r#"run_id\":\"secret"#), "{seen}");
    let spans = pipeline.spans().await;
    assert_eq!(spans[0].attr_str("metadata"), Some("__REDACTED__"));
}

#[tokio::test]
async fn the_route_and_the_kind_are_never_masked() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let keys = [
        "arize.space_id",
        "arize.project.name",
        "openinference.span.kind",
        "value.card",
    ];
    let arize = registration(&receiver, &[])
        .mask_keys(keys)
        .build()
        .unwrap();
    let pipeline = Pipeline { receiver, arize };
    let routing = Routing::new("s", "p").unwrap();
    async { async { check(CARD) }.with_routing(routing).await }
        .with_context(pipeline.context())
        .await;
    let spans = pipeline.spans().await;
    let span = named(&spans, "check");
    assert_eq!(route(span), ("s", "s", "p"));
    assert_eq!(span.attr_str("openinference.span.kind"), Some("CHAIN"));
    let output: Value = serde_json::from_str(span.attr_str("output.value").unwrap()).unwrap();
    assert_eq!(
        output["card"]["number"], "secret",
        "`value` is no key of it"
    );
}

#[tokio::test]
async fn a_path_without_a_key_is_an_error() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    for path in ["", "card."] {
        let error = registration(&receiver, &[]).mask_keys([path]).build();
        let error = error.unwrap_err();
        assert!(matches!(error, InstallError::MaskedKey { .. }));
        assert!(error.to_string().ends_with("like `card.number`"), "{error}");
    }
}

#[test]
fn a_capture_shows_spans_as_the_registration_would_send_them() {
    #[tool]
    fn pay(amount: u32, password: &str) -> String {
        format!("{amount} {}", password.len())
    }
    let registration = arize_runtime::register_with_routing()
        .with_environment(|name| (name == "ARIZE_API_KEY").then(String::new))
        .mask_keys(["password"])
        .hide(arize_runtime::Hidden::Outputs);
    let capture = registration.capture().unwrap();
    assert_eq!(capture.run(|| pay(3, "tiger")), "3 5");
    let span = capture.span("pay");
    let input = r#"{"amount":3,"password":"__REDACTED__"}"#;
    assert_eq!(span.input(), Some(input));
    assert_eq!(span.output(), Some("__REDACTED__"));
    assert_eq!(span.routing(), None);

    // what other code sets by hand is masked where it leaves
    let tracer = capture.tracer_provider().tracer("by hand");
    let mut by_hand = tracer.start("by hand");
    by_hand.set_attribute(KeyValue::new("llm.request", r#"{"password":"tiger"}"#));
    by_hand.end();
    let masked = capture.span("by hand");
    let masked = masked.text("llm.request");
    assert_eq!(masked, Some(r#"{"password":"__REDACTED__"}"#));

    let one = arize_runtime::register().space_id("s").project_name("p");
    let capture = one.with_environment(|_| None).capture().unwrap();
    capture.run(|| pay(3, "tiger"));
    let routing = capture.span("pay").routing().unwrap();
    assert_eq!((routing.space_id(), routing.project_name()), ("s", "p"));

    let wrong = arize_runtime::register_with_routing().mask_keys([""]);
    assert!(wrong.capture().is_err());
}
