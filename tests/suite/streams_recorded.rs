//! What is recorded of the items of a stream: hidden, masked and cut like any other output.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use arize_local::Receiver;
use arize_runtime::{
    Hidden, RegisterWithRouting, Routing, RoutingFutureExt as _, experiment_handler, hold_span,
    tool,
};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt as _};
use http::HeaderMap;
use opentelemetry::context::FutureExt as _;
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::harness::{Pipeline, any_port, named, registration};

/// What a framework makes of a stream.
struct Body<T>(BoxStream<'static, T>);

/// Everything that is collected of a stream that a tool returns and of one that a handler's response is made of.
async fn outputs<T: Serialize + Clone + Send + Sync + 'static>(
    items: Vec<T>,
    register: impl FnOnce(RegisterWithRouting) -> RegisterWithRouting,
) -> [(String, String); 2] {
    #[tool(stream, skip(items))]
    fn found<T: Serialize + Send>(items: Vec<T>) -> impl Stream<Item = T> {
        stream::iter(items)
    }
    #[experiment_handler(body = none)]
    async fn response<T: Serialize + Clone + Send + Sync + 'static>(
        headers: &HeaderMap,
        items: Vec<T>,
    ) -> Body<T> {
        Body(hold_span!(stream::iter(items)).boxed())
    }
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let arize = register(registration(&receiver, &[])).build().unwrap();
    let pipeline = Pipeline { receiver, arize };
    let mut headers = HeaderMap::new();
    let route = "arize.space_id=s,arize.project_name=p".parse().unwrap();
    headers.insert("baggage", route);
    let routing = Routing::new("s", "p").unwrap();
    async {
        let found = async { found(items.clone()).count().await };
        found.with_routing(routing).await;
        response(&headers, items).await.0.count().await;
    }
    .with_context(pipeline.context())
    .await;
    let spans = pipeline.spans().await;
    ["found", "response"].map(|name| {
        let text = |key| {
            named(&spans, name)
                .attr_str(key)
                .unwrap_or("none")
                .to_owned()
        };
        (text("output.value"), text("output.mime_type"))
    })
}

fn both(value: &str, mime_type: &str) -> [(String, String); 2] {
    let one = (value.to_owned(), mime_type.to_owned());
    [one.clone(), one]
}

#[tokio::test]
async fn items_are_joined_or_listed() {
    let texts = outputs(vec!["a", "b"], |r| r).await;
    assert_eq!(texts, both("ab", "text/plain"));
    let rows = outputs(vec![json!({"n": 1}), json!("x")], |r| r).await;
    assert_eq!(rows, both(r#"[{"n":1},"x"]"#, "application/json"));
}

#[tokio::test]
async fn what_is_collected_has_the_limit_of_a_value() {
    let cut = outputs(vec!["12345", "67890", "1"], |r| r.max_value_length(7)).await;
    assert_eq!(cut, both("1234567… (cut; it had 11 bytes)", "text/plain"));
    let long = "x".repeat(40_000);
    let whole = outputs(vec![long.clone()], |r| r.max_value_length(40_000)).await;
    assert_eq!(whole, both(&long, "text/plain"));
}

#[tokio::test]
async fn masked_keys_are_masked_in_each_item() {
    let mask = |r: RegisterWithRouting| r.mask_keys(["password"]).max_value_length(60);
    let item = json!({"password": "secret", "n": 1});
    let seen = outputs(vec![item.clone()], mask).await;
    let masked = json!([{"password": "__REDACTED__", "n": 1}]);
    assert_eq!(seen, both(&masked.to_string(), "application/json"));
    for most in [15, 20, 40, 60] {
        let items = vec![item.clone(), item.clone()];
        let cut = outputs(items, |r| mask(r).max_value_length(most)).await;
        let shows = |(value, _): &(String, String)| value.contains("se");
        assert!(!cut.iter().any(shows), "{cut:?}");
        let says = |(value, _): &(String, String)| value.ends_with(" bytes)");
        assert!(cut.iter().all(says), "{cut:?}");
    }
}

/// Counts how often it is looked at.
#[derive(Clone)]
struct Counted(Arc<AtomicU32>);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, Relaxed);
        serializer.serialize_str("secret")
    }
}

#[tokio::test]
async fn hidden_items_are_not_serialised() {
    let counted = Counted(Arc::default());
    let items = vec![counted.clone(), counted.clone()];
    let hidden = outputs(items, |r| r.hide(Hidden::Outputs)).await;
    assert_eq!(hidden, both("__REDACTED__", "none"));
    assert_eq!(counted.0.load(Relaxed), 0);
}

#[tokio::test]
async fn a_secret_that_is_spread_over_texts_is_masked() {
    let json = r#"{"user":"ada","password":"tiger-4242","n":[1]}"#;
    for at in 0..=json.len() {
        let pieces = vec![json[..at].to_owned(), json[at..].to_owned()];
        let masked = outputs(pieces, |r| r.mask_keys(["password"])).await;
        let expected = json.replace("tiger-4242", "__REDACTED__");
        assert_eq!(masked, both(&expected, "text/plain"), "cut at {at}");
    }
}

#[tokio::test]
async fn bytes_are_text_if_they_are() {
    let bytes = vec![
        Bytes::from("a "),
        Bytes::from_static(b"\xff"),
        Bytes::from("page"),
    ];
    let recorded = of_handlers(bytes).await;
    assert_eq!(recorded, ["a page", "none", "3", "a pagea page"]);
}

/// What handlers record that say nothing of their output, `none`, or something, and of two streams.
async fn of_handlers(items: Vec<Bytes>) -> [String; 4] {
    #[experiment_handler(body = none)]
    async fn silent(headers: &HeaderMap, items: Vec<Bytes>) -> Body<Bytes> {
        Body(hold_span!(stream::iter(items)).boxed())
    }
    #[experiment_handler(body = none, output = none)]
    async fn none(headers: &HeaderMap, items: Vec<Bytes>) -> Body<Bytes> {
        Body(hold_span!(stream::iter(items)).boxed())
    }
    #[experiment_handler(body = none, output = |body| body.0.size_hint().0)]
    async fn something(headers: &HeaderMap, items: Vec<Bytes>) -> Body<Bytes> {
        Body(hold_span!(stream::iter(items)).boxed())
    }
    #[experiment_handler(body = none)]
    async fn two(headers: &HeaderMap, items: Vec<Bytes>) -> Body<Bytes> {
        let first = hold_span!(stream::iter(items.clone()));
        Body(first.chain(hold_span!(stream::iter(items))).boxed())
    }
    let pipeline = Pipeline::start(&[]).await;
    let mut headers = HeaderMap::new();
    let route = "arize.space_id=s,arize.project_name=p".parse().unwrap();
    headers.insert("baggage", route);
    async {
        silent(&headers, items.clone()).await.0.count().await;
        none(&headers, items.clone()).await.0.count().await;
        something(&headers, items.clone()).await.0.count().await;
        two(&headers, items).await.0.count().await;
    }
    .with_context(pipeline.context())
    .await;
    let spans = pipeline.spans().await;
    ["silent", "none", "something", "two"].map(|name| {
        let output = named(&spans, name).attr_str("output.value");
        output.unwrap_or("none").to_owned()
    })
}
