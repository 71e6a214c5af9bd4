//! Errors of every kind: aliases of `Result`, `anyhow`, boxes, and types without a text.

use std::error::Error;
use std::fmt;

use anyhow::Context as _;
use arize_runtime::testing::capture;
use arize_runtime::tool;

#[derive(Debug)]
struct NotFound;

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not found")
    }
}

impl Error for NotFound {}

type Found<T> = Result<T, NotFound>;

struct Mute;

#[tool]
fn aliased() -> Found<u32> {
    Err(NotFound)
}

#[tool]
async fn io() -> std::io::Result<()> {
    tokio::task::yield_now().await;
    Err(std::io::Error::other("broken pipe"))
}

#[tool]
fn any() -> anyhow::Result<u32> {
    aliased().context("while looking")
}

#[tool]
fn boxed() -> Result<u32, Box<dyn Error>> {
    Err(Box::new(NotFound))
}

#[tool]
fn text() -> Result<u32, String> {
    Err("only words".to_owned())
}

#[tool]
fn mute() -> Result<u32, Mute> {
    Err(Mute)
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    capture.run(|| {
        assert!(any().is_err() && boxed().is_err() && text().is_err() && mute().is_err());
    });
    assert!(capture.scope(io()).await.is_err());
    let error = |name| capture.span(name).error().map(str::to_owned);
    assert_eq!(error("aliased").as_deref(), Some("NotFound: not found"));
    assert_eq!(error("any").as_deref(), Some("Error: while looking"));
    assert_eq!(error("boxed").as_deref(), Some("Error: not found"));
    assert_eq!(error("text").as_deref(), Some("String: only words"));
    assert_eq!(error("mute").as_deref(), Some("Mute"));
    assert_eq!(error("io").as_deref(), Some("Error: broken pipe"));
    let span = capture.span("any");
    let trace = span.events()[0]
        .attributes
        .iter()
        .find(|kv| kv.key.as_str() == "exception.stacktrace");
    let trace = trace.map(|kv| kv.value.to_string());
    assert_eq!(
        trace.as_deref(),
        Some("Error: while looking\ncaused by not found")
    );
}
