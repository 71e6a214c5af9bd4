//! What is hidden, and what is cut short, of the spans that arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use arize_local::{Receiver, Span};
use arize_runtime::{
    Hidden, RegisterWithRouting, Routing, RoutingFutureExt as _, chain, experiment_handler,
    set_routing_context, tool,
};
use http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::harness::{Pipeline, any_port, named, registration, route};

#[derive(Debug)]
struct Refused(String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no card {}", self.0)
    }
}

impl std::error::Error for Refused {}

#[tool]
async fn pay(card: &str) -> Result<&'static str, Refused> {
    match card.len() {
        4 => Ok("paid"),
        _ => Err(Refused(card.to_owned())),
    }
}

/// A successful call, a failed one, and a span of an LLM library.
async fn spans(
    environment: &[(&str, &str)],
    hidden: impl IntoIterator<Item = Hidden>,
    max_value_length: usize,
) -> Vec<Span> {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let mut registration = registration(&receiver, environment).max_value_length(max_value_length);
    for hidden in hidden {
        registration = registration.hide(hidden);
    }
    let arize = registration.build().unwrap();
    let pipeline = Pipeline { receiver, arize };
    let tracer = pipeline.arize.tracer_provider().tracer("a library");
    let routing = Routing::new("s", "p").unwrap();
    let work = async {
        pay("zorg").await.unwrap();
        pay("secret-card").await.unwrap_err();
        let mut chat = tracer.start("chat");
        for key in ["llm.input_messages.0.message.content", "llm.model_name"] {
            chat.set_attribute(KeyValue::new(key, "secret-prompt"));
        }
        chat.end();
    };
    async { work.with_routing(routing).await }
        .with_context(pipeline.context())
        .await;
    pipeline.spans().await
}

#[tokio::test]
async fn hidden_inputs_leak_nowhere_not_even_in_errors() {
    let variable = [("OPENINFERENCE_HIDE_INPUTS", "yes")];
    for (environment, hidden) in [(&variable[..], None), (&[], Some(Hidden::Inputs))] {
        let spans = spans(environment, hidden, 1024).await;
        let payments: Vec<_> = spans.iter().filter(|span| span.name == "pay").collect();
        for span in &payments {
            let text = span.to_json().to_string();
            assert!(!text.contains("secret") && !text.contains("zorg"), "{text}");
            assert_eq!(span.attr_str("input.value"), Some("__REDACTED__"));
            assert_eq!(span.attr("input.mime_type"), None);
            assert_eq!(span.attr_str("arize.space_id"), Some("s"));
        }
        assert_eq!(payments[0].attr_str("output.value"), Some("paid"));
        assert_eq!(payments[1].status.message, "Refused: __REDACTED__");
        let chat = named(&spans, "chat");
        assert_eq!(chat.attr("llm.input_messages.0.message.content"), None);
        assert_eq!(chat.attr_str("llm.model_name"), Some("secret-prompt"));
    }
}

#[tokio::test]
async fn hidden_outputs_keep_the_inputs() {
    let spans = spans(&[], [Hidden::Outputs], 1024).await;
    let paid = &spans[0];
    assert_eq!(paid.attr_str("output.value"), Some("__REDACTED__"));
    assert_eq!(paid.attr("output.mime_type"), None);
    assert_eq!(paid.attr_str("input.value"), Some(r#"{"card":"zorg"}"#));
    assert_eq!(spans[1].status.message, "Refused: no card secret-card");
}

#[tokio::test]
async fn a_long_value_is_cut_and_says_how_long_it_was() {
    let spans = spans(&[], [], 9).await;
    let paid = &spans[0];
    assert_eq!(
        paid.attr_str("input.value"),
        Some(r#"{"card":"… (cut; it had 15 bytes)"#)
    );
    assert_eq!(paid.attr_str("input.mime_type"), Some("text/plain"));
    assert_eq!(paid.attr_str("output.value"), Some("paid"));
    assert_eq!(paid.attr_str("arize.project.name"), Some("p"));
}

/// Counts how often it is serialised.
#[derive(Clone, Default)]
struct Counting(Arc<AtomicUsize>);

impl Serialize for Counting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, SeqCst);
        serializer.serialize_str("seen")
    }
}

#[tokio::test]
async fn what_is_hidden_is_not_serialised() {
    #[tool]
    fn automatic(value: Counting) -> Counting {
        value
    }
    #[tool(input = &value)]
    fn chosen(value: Counting) -> Counting {
        value
    }
    #[chain]
    fn bare(value: Counting) -> Counting {
        value
    }
    // twice: the first call of a tool gathers its schema
    let calls = |value: &Counting| {
        for _ in 0..2 {
            automatic(value.clone());
            chosen(value.clone());
            bare(value.clone());
        }
    };
    for (hidden, serialised) in [
        (&[Hidden::Inputs, Hidden::Outputs][..], 0),
        (&[Hidden::Inputs], 6),
        (&[Hidden::Outputs], 6),
        (&[], 12),
    ] {
        let receiver = Receiver::bind(any_port()).await.unwrap();
        let registration = registration(&receiver, &[]);
        let hide = |registration: RegisterWithRouting, &what: &Hidden| registration.hide(what);
        let arize = hidden.iter().fold(registration, hide).build().unwrap();
        let pipeline = Pipeline { receiver, arize };
        let value = Counting::default();
        let guard = pipeline.context().attach();
        set_routing_context(Routing::new("s", "p").unwrap(), || calls(&value));
        drop(guard);
        assert_eq!(value.0.load(SeqCst), serialised, "{hidden:?}");
        for span in pipeline.spans().await {
            for (side, what) in [("input", Hidden::Inputs), ("output", Hidden::Outputs)] {
                let is_hidden = hidden.contains(&what);
                let value = span.attr_str(&format!("{side}.value")).unwrap();
                assert_eq!(value == "__REDACTED__", is_hidden, "{} {value}", span.name);
                let mime_type = span.attr(&format!("{side}.mime_type"));
                assert_eq!(mime_type.is_none(), is_hidden, "{}", span.name);
            }
            let schema = span.attr_str("tool.parameters").unwrap_or("value");
            assert!(schema.contains("value"), "{schema}");
        }
    }
}

#[tokio::test]
async fn a_hidden_request_still_routes() {
    #[experiment_handler]
    async fn invoke(headers: HeaderMap, body: Value) -> Value {
        let _ = headers;
        body["input"].clone()
    }
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let registration = registration(&receiver, &[]).hide(Hidden::Inputs);
    let arize = registration.build().unwrap();
    let pipeline = Pipeline { receiver, arize };
    let body = json!({
        "input": {"q": "secret"},
        "arize_metadata": {"space_id": "s", "project_name": "p", "run_id": "r"},
    });
    let answer = async { invoke(HeaderMap::new(), body).await };
    let answer = answer.with_context(pipeline.context()).await;
    assert_eq!(answer, json!({"q": "secret"}));
    let spans = pipeline.spans().await;
    assert_eq!(route(&spans[0]), ("s", "s", "p"));
    assert_eq!(spans[0].attr_str("input.value"), Some("__REDACTED__"));
    assert_eq!(spans[0].attr_str("metadata"), Some(r#"{"run_id":"r"}"#));
}

#[tokio::test]
async fn texts_and_images_have_their_limits_unless_said() {
    #[tool]
    fn echo(text: &str) -> String {
        text.to_owned()
    }
    let pipeline = Pipeline::start(&[]).await;
    let image = |length: usize| {
        let start = "data:image/png;base64,";
        format!("{start}{}", "A".repeat(length - start.len()))
    };
    let key = "llm.input_messages.0.message.contents.1.message_content.image.image.url";
    let tracer = pipeline.arize.tracer_provider().tracer("a library");
    let guard = pipeline.context().attach();
    set_routing_context(Routing::new("s", "p").unwrap(), || {
        echo(&"a".repeat(32_768));
        for (name, url) in [
            ("kept", image(32_000)),
            ("hidden", image(32_001)),
            ("linked", format!("https://h/{}", "i".repeat(32_001))),
        ] {
            let mut chat = tracer.start(name);
            chat.set_attribute(KeyValue::new(key, url.clone()));
            chat.set_attribute(KeyValue::new("output.images.0.image.url", url));
            chat.end();
        }
    });
    drop(guard);
    let spans = pipeline.spans().await;
    let echo = named(&spans, "echo");
    let mark = "… (cut; it had 32779 bytes)";
    let input = echo.attr_str("input.value").unwrap();
    assert_eq!(input.len(), 32_768 + mark.len());
    assert!(input.ends_with(mark), "{}", &input[32_700..]);
    assert_eq!(echo.attr_str("input.mime_type"), Some("text/plain"));
    let output = echo.attr_str("output.value").unwrap();
    assert_eq!(output, "a".repeat(32_768), "not longer than the limit");
    for key in [key, "output.images.0.image.url"] {
        let url = |name| named(&spans, name).attr_str(key).unwrap();
        assert_eq!(url("kept"), image(32_000));
        assert_eq!(url("hidden"), "__REDACTED__");
        assert_eq!(url("linked").len(), 10 + 32_001);
    }
}
