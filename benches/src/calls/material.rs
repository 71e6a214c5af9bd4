//! The bodies that every peer wraps, and the requests that it gets.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) const QUERY: &str = "what is the refund policy for order 1234?";
pub(crate) const LIMIT: u32 = 10;
pub(crate) const SPACE_ID: &str = "U3BhY2U6MTIzNDU6QUJDRA==";
pub(crate) const PROJECT_NAME: &str = "support-agent";
pub(crate) const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const CALLER_SPAN_ID: &str = "00f067aa0ba902b7";
pub(crate) const TRACESTATE: &str = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";

/// What `tool.description` says where it is recorded.
pub const DESCRIPTION: &str = "Searches the knowledge base.";

/// What a tool gives.
pub type Answer = Result<String, EmptyQuery>;

/// A tool's error, which no workload meets.
#[derive(Debug)]
pub struct EmptyQuery;

impl fmt::Display for EmptyQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the query is empty")
    }
}

impl Error for EmptyQuery {}

/// A tool's arguments, for peers that have them serialised.
#[derive(Debug, Serialize)]
pub struct Arguments<'a> {
    /// The first.
    pub query: &'a str,
    /// The second.
    pub limit: u32,
}

/// What every tool does.
///
/// # Errors
/// The query is empty.
///
/// # Panics
/// Never.
#[inline(never)]
pub fn body(query: &str, limit: u32) -> Answer {
    if query.is_empty() {
        return Err(EmptyQuery);
    }
    let mut hit = String::with_capacity(query.len() + 16);
    hit.push_str("hit[");
    hit.push(char::from_digit(limit % 10, 10).expect("it is below ten"));
    hit.push_str("]: ");
    hit.push_str(query);
    Ok(hit)
}

/// What the tool with the large argument does: next to nothing.
///
/// # Errors
/// The text is empty.
#[inline(never)]
pub fn large_body(text: &str) -> Answer {
    if text.is_empty() {
        return Err(EmptyQuery);
    }
    Ok("measured".to_owned())
}

/// A mebibyte with something to escape in each line, as documents have.
pub(crate) fn large_text() -> String {
    let line = format!("{QUERY} \"yes\"\n");
    line.repeat((1 << 20) / line.len())
}

/// Where a request's spans go.
#[derive(Clone, Debug)]
pub struct Route {
    /// `arize.space_id`
    pub space_id: Arc<str>,
    /// `arize.project.name`
    pub project_name: Arc<str>,
}

/// The route that a request names.
#[must_use]
pub fn route(request: &Value) -> Option<Route> {
    let metadata = request.get("arize_metadata")?;
    Some(Route {
        space_id: metadata.get("space_id")?.as_str()?.into(),
        project_name: metadata.get("project_name")?.as_str()?.into(),
    })
}

/// What the root span records of a request.
#[must_use]
pub fn root_input(request: &Value) -> &Value {
    &request["input"]
}

/// What a request asks.
///
/// # Panics
/// The request is not the bench's.
#[must_use]
pub fn query(request: &Value) -> &str {
    root_input(request)["query"]
        .as_str()
        .expect("the bench's requests have a query")
}

pub(crate) fn request() -> Value {
    json!({
        "input": {"query": QUERY, "limit": LIMIT},
        "arize_metadata": {"space_id": SPACE_ID, "project_name": PROJECT_NAME},
    })
}

/// A request's headers, with `tracestate` and `baggage` or without.
pub(crate) fn headers(all: bool) -> HeaderMap {
    let traceparent = format!("00-{TRACE_ID}-{CALLER_SPAN_ID}-01");
    let mut headers = vec![
        ("host", "agent.local:8080"),
        ("content-type", "application/json"),
        ("user-agent", "bench/1.0"),
        ("traceparent", &traceparent),
    ];
    if all {
        headers.push(("tracestate", TRACESTATE));
        headers.push(("baggage", "user.id=alice,session.id=s-123,tier=gold"));
    }
    let header = |(name, value)| {
        let value = HeaderValue::from_str(value).expect("it is plain text");
        (HeaderName::from_static(name), value)
    };
    headers.into_iter().map(header).collect()
}
