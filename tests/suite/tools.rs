//! What annotated functions record, and how their spans end.

use std::fmt;
use std::time::Duration;

use arize_local::{Span, StatusCode};
use arize_runtime::{
    Routing, RoutingFutureExt as _, agent, chain, decision, embedding, evaluator, guardrail, llm,
    prompt, reranker, retriever, tool,
};
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use serde::Serialize;
use serde_json::{Value, json};

use crate::harness::{Pipeline, named};

/// The spans of `f`, run in a pipeline of its own.
pub(crate) async fn spans_of<F: Future>(f: F) -> (F::Output, Vec<Span>) {
    let pipeline = Pipeline::start(&[]).await;
    let routing = Routing::new("s", "p").unwrap();
    let context = pipeline.context().with_value(());
    let output = async { f.with_routing(routing).await }
        .with_context(context)
        .await;
    let spans = pipeline.spans().await;
    (output, spans)
}

pub(crate) fn value<'a>(span: &'a Span, key: &str) -> (&'a str, &'a str) {
    let text = |key: String| span.attr_str(&key).unwrap_or_default();
    (
        text(format!("{key}.value")),
        text(format!("{key}.mime_type")),
    )
}

#[derive(Debug, Serialize)]
struct Flight {
    price: f64,
}

#[derive(Debug)]
struct Unreachable {
    cause: std::num::ParseIntError,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no route")
    }
}

impl std::error::Error for Unreachable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

#[tokio::test]
async fn a_tool_records_name_description_schema_input_and_output() {
    /// Search flights
    /// between two airports.
    #[tool]
    async fn search_flights(from: &str, seats: Option<u32>) -> Result<Vec<Flight>, Unreachable> {
        assert_eq!((from, seats), ("SFO", None));
        Ok(vec![Flight { price: 420.5 }])
    }
    let (flights, spans) = spans_of(search_flights("SFO", None)).await;
    assert_eq!(flights.unwrap().len(), 1);
    let span = named(&spans, "search_flights");
    assert_eq!(span.openinference_kind(), Some("TOOL"));
    assert_eq!(span.attr_str("tool.name"), Some("search_flights"));
    assert_eq!(
        span.attr_str("tool.description"),
        Some("Search flights\nbetween two airports.")
    );
    let schema: Value = serde_json::from_str(span.attr_str("tool.parameters").unwrap()).unwrap();
    assert_eq!(schema["required"], json!(["from"]));
    assert_eq!(schema["properties"]["from"]["type"], "string");
    assert_eq!(
        value(span, "input"),
        (r#"{"from":"SFO","seats":null}"#, "application/json")
    );
    assert_eq!(
        value(span, "output"),
        (r#"[{"price":420.5}]"#, "application/json")
    );
    assert_eq!(span.status.code, StatusCode::Ok);
}

#[tokio::test]
async fn the_second_call_records_what_the_first_did() {
    #[tool]
    fn twice(n: u32) -> u32 {
        n
    }
    let (_, spans) = spans_of(async { twice(1) + twice(1) }).await;
    let keys = |span: &Span| {
        let mut keys: Vec<_> = span.attributes.iter().map(|(key, _)| key.clone()).collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&spans[0]), keys(&spans[1]));
}

#[tokio::test]
async fn skip_debug_redact_and_output_are_honoured() {
    #[derive(Debug)]
    struct Client;
    #[tool(name = "search", description = "Finds.", skip(client), debug(mode), redact(key), output = |rows| rows.len() + 1)]
    fn find(client: &Client, mode: Client, key: &str, query: &str) -> Vec<Client> {
        let _ = (client, key, query);
        vec![mode]
    }
    #[tool(skip_all, skip_output, parameters = r#"{"type":"object"}"#)]
    fn silent(secret: Client) -> Client {
        secret
    }
    #[tool(input = query.len())]
    fn length(query: &str) {
        let _ = query;
    }
    let ((), spans) = spans_of(async {
        find(&Client, Client, "hunter2", "q");
        silent(Client);
        length("four");
    })
    .await;
    let search = named(&spans, "search");
    let input = r#"{"mode":"Client","key":"__REDACTED__","query":"q"}"#;
    assert_eq!(value(search, "input"), (input, "application/json"));
    assert_eq!(value(search, "output"), ("2", "text/plain"));
    assert_eq!(search.attr_str("tool.description"), Some("Finds."));
    let silent = named(&spans, "silent");
    assert_eq!(
        (value(silent, "input").0, value(silent, "output").0),
        ("{}", "")
    );
    assert_eq!(
        silent.attr_str("tool.parameters"),
        Some(r#"{"type":"object"}"#)
    );
    let length = named(&spans, "length");
    assert_eq!(value(length, "input"), ("4", "text/plain"));
    assert!(
        length
            .attr_str("tool.parameters")
            .unwrap()
            .contains(r#""query":{"type":"string"}"#)
    );
}

#[tokio::test]
async fn one_argument_is_bare_on_chains_and_agents_and_named_on_llms() {
    #[chain]
    fn plan(goal: &str) -> u32 {
        let _ = goal;
        7
    }
    #[agent]
    fn act(goal: &str, budget: u32) -> bool {
        goal.len() > budget as usize
    }
    #[llm]
    fn complete(prompt: &str) -> String {
        prompt.to_owned()
    }
    let (_, spans) = spans_of(async {
        plan("go");
        act("go", 1);
        complete("go")
    })
    .await;
    assert_eq!(value(named(&spans, "plan"), "input"), ("go", "text/plain"));
    assert_eq!(value(named(&spans, "plan"), "output"), ("7", "text/plain"));
    assert_eq!(
        value(named(&spans, "act"), "input"),
        (r#"{"goal":"go","budget":1}"#, "application/json")
    );
    assert_eq!(
        value(named(&spans, "act"), "output"),
        ("true", "text/plain")
    );
    assert_eq!(
        value(named(&spans, "complete"), "input"),
        (r#"{"prompt":"go"}"#, "application/json")
    );
    let kinds: Vec<_> = spans.iter().filter_map(Span::openinference_kind).collect();
    assert_eq!(kinds, ["CHAIN", "AGENT", "LLM"]);
}

#[tokio::test]
async fn every_kind_records_its_inputs_as_openinference_does() {
    #[retriever]
    fn retrieve(x: &str) -> Vec<String> {
        vec![x.to_owned()]
    }
    #[reranker]
    fn rerank(x: &str) -> Vec<String> {
        vec![x.to_owned()]
    }
    #[embedding(skip_output)]
    fn embed(x: &str) -> Vec<usize> {
        vec![x.len()]
    }
    #[guardrail]
    fn guard(x: &str) -> bool {
        x.is_empty()
    }
    #[evaluator]
    fn evaluate(x: &str) -> usize {
        x.len()
    }
    #[prompt]
    fn render(x: &str) -> String {
        x.to_uppercase()
    }
    #[decision]
    fn decide(x: &str) -> &str {
        x
    }
    let (_, spans) = spans_of(async {
        retrieve("text");
        rerank("text");
        embed("text");
        guard("text");
        evaluate("text");
        render("text");
        decide("text").len()
    })
    .await;
    let bare = ("text", "text/plain");
    let named_by_argument = (r#"{"x":"text"}"#, "application/json");
    for (name, kind, input) in [
        ("retrieve", "RETRIEVER", bare),
        ("rerank", "RERANKER", bare),
        ("embed", "EMBEDDING", bare),
        ("guard", "GUARDRAIL", bare),
        ("evaluate", "EVALUATOR", bare),
        ("render", "PROMPT", named_by_argument),
        ("decide", "DECISION", named_by_argument),
    ] {
        let span = named(&spans, name);
        assert_eq!(span.openinference_kind(), Some(kind));
        assert_eq!(value(span, "input"), input, "{name}");
        assert_eq!(span.attr_str("tool.name"), None);
    }
    assert_eq!(named(&spans, "embed").attr("output.value"), None);
    let found = (r#"["text"]"#, "application/json");
    assert_eq!(value(named(&spans, "retrieve"), "output"), found);
}

#[tokio::test]
async fn an_error_leaves_status_and_event_where_it_passed_and_ok_where_it_was_handled() {
    #[tool]
    async fn inner() -> Result<u32, Unreachable> {
        "x".parse().map_err(|cause| Unreachable { cause })
    }
    #[tool]
    async fn outer() -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
        Ok(inner().await?)
    }
    #[chain]
    async fn handled() -> &'static str {
        outer().await.map_or("recovered", |_| "fine")
    }
    let (answer, spans) = spans_of(handled()).await;
    assert_eq!(answer, "recovered");
    let inner = named(&spans, "inner");
    assert_eq!(inner.status.code, StatusCode::Error);
    assert_eq!(inner.status.message, "Unreachable: no route");
    let event = &inner.events[0];
    let attribute = |key: &str| {
        event
            .attributes
            .iter()
            .find(|(k, _)| k == key)
            .and_then(|(_, v)| v.as_str())
    };
    assert_eq!(event.name, "exception");
    assert!(
        attribute("exception.type")
            .unwrap()
            .ends_with("::Unreachable")
    );
    assert_eq!(attribute("exception.message"), Some("no route"));
    assert!(
        attribute("exception.stacktrace")
            .unwrap()
            .ends_with("\ncaused by invalid digit found in string")
    );
    assert_eq!(value(inner, "output").0, "");
    assert_eq!(named(&spans, "outer").status.code, StatusCode::Error);
    assert_eq!(named(&spans, "handled").status.code, StatusCode::Ok);
}

#[tokio::test]
async fn a_cancelled_tool_says_so() {
    #[tool]
    async fn slow() {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let (_, spans) = spans_of(tokio::time::timeout(Duration::from_millis(20), slow())).await;
    let span = named(&spans, "slow");
    assert_eq!(
        (span.status.code, span.status.message.as_str()),
        (StatusCode::Error, "cancelled")
    );
}

#[tokio::test]
async fn a_cancelled_span_ends_at_once_whoever_still_has_its_context() {
    #[tool(skip(detached))]
    async fn slow(detached: &std::sync::Mutex<Option<Context>>) {
        *detached.lock().unwrap() = Some(Context::current());
        std::future::pending::<()>().await;
    }
    let detached = std::sync::Mutex::new(None);
    let select = async {
        tokio::select! {
            biased;
            () = slow(&detached) => {}
            () = tokio::task::yield_now() => {}
        }
    };
    let ((), spans) = spans_of(select).await;
    assert_eq!(named(&spans, "slow").status.message, "cancelled");
    assert!(detached.lock().unwrap().is_some());
}

#[tokio::test]
async fn what_a_cancelled_body_drops_is_dropped_inside_its_span() {
    struct Transaction;
    impl Drop for Transaction {
        fn drop(&mut self) {
            roll_back();
        }
    }
    #[tool]
    fn roll_back() {}
    #[tool]
    async fn transfer() {
        let _transaction = Transaction;
        std::future::pending::<()>().await;
    }
    let (_, spans) = spans_of(tokio::time::timeout(Duration::from_millis(20), transfer())).await;
    let parent = named(&spans, "roll_back").parent_span_id.as_ref();
    assert_eq!(parent, Some(&named(&spans, "transfer").span_id));
}

#[tokio::test]
async fn a_panic_is_told_and_goes_on() {
    #[tool]
    fn explode(fuse: u32) -> u32 {
        assert!(fuse > 1, "the fuse was {fuse}");
        fuse
    }
    #[tool]
    async fn around() -> u32 {
        explode(1)
    }
    let caught =
        async { tokio::spawn(around().with_context(opentelemetry::Context::current())).await };
    let (joined, spans) = spans_of(caught).await;
    assert!(joined.unwrap_err().is_panic());
    for name in ["explode", "around"] {
        let span = named(&spans, name);
        assert_eq!(span.status.message, "panic: the fuse was 1");
        assert_eq!(span.events[0].name, "exception");
    }
}

#[tokio::test]
async fn an_output_set_by_hand_wins() {
    use opentelemetry::KeyValue;
    use opentelemetry::trace::TraceContextExt as _;
    #[tool]
    fn by_hand() -> &'static str {
        let context = opentelemetry::Context::current();
        context
            .span()
            .set_attribute(KeyValue::new("output.value", "first"));
        context
            .span()
            .set_attribute(KeyValue::new("output.value", "mine"));
        "automatic"
    }
    let (_, spans) = spans_of(async { by_hand() }).await;
    let span = named(&spans, "by_hand");
    let outputs: Vec<_> = span
        .attributes
        .iter()
        .filter(|(key, _)| key == "output.value")
        .collect();
    assert_eq!(outputs.len(), 1);
    assert_eq!(span.attr_str("output.value"), Some("mine"));
}
