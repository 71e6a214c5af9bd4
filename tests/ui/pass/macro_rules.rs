//! Functions that a `macro_rules` macro writes: what it hands on counts as if written by hand.

use std::future::Future;
use std::pin::Pin;

use arize_runtime::testing::capture;
use arize_runtime::{chain, experiment_handler, tool};
use axum::Json;
use axum::http::HeaderMap;
use serde_json::{Value, json};

macro_rules! with_block {
    ($(#[$meta:meta])* $visibility:vis $name:ident $body:block) => {
        $(#[$meta])*
        #[tool]
        $visibility fn $name() -> u32 $body
    };
}

mod inner {
    use arize_runtime::tool;

    with_block! {
        /// Counts.
        pub(super) block { 3 }
    }
}

macro_rules! with_item {
    ($item:item) => {
        #[tool]
        $item
    };
}

with_item! {
    fn item(words: &[&str]) -> usize { words.len() }
}

macro_rules! with_literals {
    ($function:ident, $name:literal, $description:literal, $parameters:literal) => {
        #[tool(name = $name, description = $description, parameters = $parameters, output = none)]
        fn $function(word: &str) -> usize {
            word.len()
        }
    };
}

with_literals!(literals, "length", "Counts bytes.", r#"{"type":"object"}"#);

macro_rules! with_expressions {
    ($name:ident($a:ident, $b:ident), $input:expr, $output:expr) => {
        #[tool(input = $input, output = $output)]
        fn $name($a: u32, $b: u32) -> Vec<u32> {
            vec![$a, $b]
        }
    };
}

with_expressions!(closure(a, b), a + b, |both: &Vec<u32>| both.len() * 10);
with_expressions!(nothing(a, b), none, none);
with_expressions!(path(a, b), &a, Vec::len);

macro_rules! with_return_type {
    ($name:ident($word:ident), $returned:ty, $body:expr) => {
        #[tool]
        fn $name($word: &'static str) -> $returned {
            $body
        }
    };
}

with_return_type!(
    boxed(word),
    Pin<Box<dyn Future<Output = usize> + Send>>,
    Box::pin(async move { word.len() })
);
with_return_type!(opaque(word), impl Future<Output = usize>, async move {
    word.len()
});
with_return_type!(never(word), !, panic!("{word}"));

macro_rules! with_handler {
    ($name:ident, $kind:literal, $project:literal, $headers:ty, $body:ty) => {
        #[experiment_handler(kind = $kind, project_name = $project)]
        async fn $name(headers: $headers, body: $body) -> usize {
            headers.len() + usize::from(body.is_object())
        }
    };
}

with_handler!(taken, "AGENT", "trips", HeaderMap, Json<Value>);
with_handler!(borrowed, "AGENT", "trips", &HeaderMap, &Value);

macro_rules! with_sources {
    ($name:ident($parts:ident), $headers:expr, $body:expr) => {
        #[experiment_handler(headers = $headers, body = $body)]
        async fn $name($parts: (HeaderMap, Value)) -> usize {
            $parts.0.len()
        }
    };
}

with_sources!(sources(parts), parts.0, &parts.1);

macro_rules! with_types {
    ($name:ident<$lifetime:lifetime, $generic:ident: $bound:path>($a:ident: $first:ty, $b:pat => $second:ty) -> $returned:ty $body:block) => {
        #[chain]
        fn $name<$lifetime, $generic: $bound>($a: $first, $b: $second) -> $returned $body
    };
}

with_types!(types<'a, T: serde::Serialize>(words: &'a [T], (left, right) => (u32, u32)) -> Option<&'a T> {
    words.get((left + right) as usize)
});

#[test]
fn it_is_traced() {
    let capture = capture();
    capture.run(|| {
        assert_eq!(inner::block(), 3);
        assert_eq!(item(&["a"]), 1);
        assert_eq!(literals("four"), 4);
        assert_eq!(closure(1, 2).len() + nothing(1, 2).len(), 4);
        assert_eq!(path(1, 2), [1, 2]);
        assert_eq!(types(&["a", "b", "c"], (1, 1)), Some(&"c"));
    });
    let types = capture.span("types");
    let input = r#"{"words":["a","b","c"],"arg1":[1,1]}"#;
    assert_eq!((types.input(), types.output()), (Some(input), Some("c")));
    let block = capture.span("block");
    assert_eq!(block.output(), Some("3"));
    assert_eq!(block.text("tool.description"), Some("Counts."));
    assert_eq!(capture.span("item").input(), Some(r#"{"words":["a"]}"#));
    let length = capture.span("length");
    assert_eq!(length.text("tool.description"), Some("Counts bytes."));
    assert_eq!(length.text("tool.parameters"), Some(r#"{"type":"object"}"#));
    assert_eq!(length.output(), None);
    let recorded = |name| {
        let span = capture.span(name);
        let own = |text: Option<&str>| text.map(str::to_owned);
        (own(span.input()), own(span.output()))
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(recorded("closure"), (text("3"), text("20")));
    assert_eq!(recorded("nothing"), (None, None));
    assert_eq!(recorded("path"), (text("1"), text("2")));
}

#[tokio::test]
async fn futures_and_handlers_are_traced() {
    let capture = capture();
    assert_eq!(capture.scope(boxed("four")).await, 4);
    assert_eq!(capture.scope(opaque("three")).await, 5);
    let (headers, body) = (HeaderMap::new(), json!({"input": 7}));
    capture
        .scope(taken(headers.clone(), Json(body.clone())))
        .await;
    capture.scope(borrowed(&headers, &body)).await;
    capture.scope(sources((headers, body))).await;
    let stopped = || capture.run(|| never("enough"));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(stopped)).is_err());

    assert_eq!(capture.span("boxed").output(), Some("4"));
    assert_eq!(capture.span("opaque").output(), Some("5"));
    assert_eq!(capture.span("never").error(), Some("panic: enough"));
    for name in ["taken", "borrowed", "sources"] {
        assert_eq!(capture.span(name).input(), Some("7"), "{name}");
    }
    assert_eq!(capture.span("taken").kind(), Some("AGENT"));
}
