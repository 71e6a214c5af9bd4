//! Whether a peer's spans are those that every peer makes. A figure of other work means nothing.

use std::collections::BTreeMap;

use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry_sdk::trace::SpanData;
use serde_json::json;

use super::material::{
    CALLER_SPAN_ID, DESCRIPTION, LIMIT, PROJECT_NAME, QUERY, SPACE_ID, TRACE_ID, TRACESTATE, body,
    large_text, request, root_input,
};
use super::{Peer, Workload};
use crate::Result;

/// A span that must be there, with these attributes and no others.
struct Expected {
    name: &'static str,
    parent: Option<&'static str>,
    attributes: BTreeMap<String, String>,
}

/// Whether the first calls made the right spans.
pub(super) fn spans<P: Peer>(workload: Workload, spans: &[SpanData]) -> Result<()> {
    count::<P>(workload, workload.chunk(), spans.len() as u64)?;
    if spans.is_empty() {
        return Ok(());
    }
    let is_request = matches!(workload, Workload::W3 | Workload::W3tp);
    for expected in expected(workload) {
        let parent = expected.parent.map(|name| one(spans, name)).transpose()?;
        let named: Vec<&SpanData> = spans.iter().filter(|s| s.name == expected.name).collect();
        if named.is_empty() {
            return Err(format!("there is no span `{}`", expected.name).into());
        }
        for span in named {
            same(span, &expected)?;
            let parent_id = match parent {
                Some(parent) => parent.span_context.span_id(),
                None => SpanId::from_hex(CALLER_SPAN_ID)?,
            };
            equal(span, "parent", &span.parent_span_id, &parent_id)?;
            let trace_id = span.span_context.trace_id();
            if let Some(parent) = parent {
                equal(span, "trace", &trace_id, &parent.span_context.trace_id())?;
            }
            if is_request {
                equal(span, "trace", &&*trace_id.to_string(), &TRACE_ID)?;
            }
            let kept = P::KEEPS_TRACESTATE && workload == Workload::W3;
            let tracestate = span.span_context.trace_state().header();
            let wanted = if kept { TRACESTATE } else { "" };
            equal(span, "tracestate", &&*tracestate, &wanted)?;
        }
    }
    Ok(())
}

/// Whether so many calls made as many spans as they should.
pub(super) fn count<P: Peer>(workload: Workload, calls: u64, ended: u64) -> Result<()> {
    let wanted = if P::RECORDS { workload.spans(calls) } else { 0 };
    if ended == wanted {
        return Ok(());
    }
    let name = workload.name();
    Err(format!("{calls} calls of {name} made {ended} spans instead of {wanted}").into())
}

fn one<'a>(spans: &'a [SpanData], name: &str) -> Result<&'a SpanData> {
    let mut named = spans.iter().filter(|span| span.name == name);
    match (named.next(), named.next()) {
        (Some(span), None) => Ok(span),
        _ => Err(format!("there is not exactly one span `{name}`").into()),
    }
}

fn same(span: &SpanData, expected: &Expected) -> Result<()> {
    let attributes = span.attributes.iter();
    let attributes: BTreeMap<String, String> = attributes
        .map(|attribute| (attribute.key.to_string(), attribute.value.to_string()))
        .filter(|(key, _)| key != "tool.parameters") // what only ours records, at its own expense
        .collect();
    equal(span, "attributes", &attributes, &expected.attributes)?;
    equal(span, "status", &span.status, &Status::Ok)?;
    equal(span, "kind", &span.span_kind, &SpanKind::Internal)
}

fn equal<T: PartialEq + std::fmt::Debug>(
    span: &SpanData,
    what: &str,
    is: &T,
    should_be: &T,
) -> Result<()> {
    if is == should_be {
        return Ok(());
    }
    let name = &span.name;
    Err(format!("the {what} of `{name}`:\n   is {is:?}\n  not {should_be:?}").into())
}

fn expected(workload: Workload) -> Vec<Expected> {
    match workload {
        Workload::W4 | Workload::Unsampled => Vec::new(),
        Workload::W1 | Workload::W2 => vec![search(LIMIT, Some("parent"))],
        Workload::Described => {
            let mut search = search(LIMIT, Some("parent"));
            search.set("tool.description", DESCRIPTION);
            vec![search]
        }
        Workload::Large => {
            let input = json!({"text": large_text()}).to_string();
            vec![tool("measure", Some("parent"), input, "measured".into())]
        }
        Workload::W3 | Workload::W3tp => of_request(),
    }
}

fn of_request() -> Vec<Expected> {
    let hit = |query: &str, limit| body(query, limit).expect("it is not empty");
    let found = hit(QUERY, 1);
    let looked_up = hit(&found, 2);
    let summary = hit(&looked_up, 3);
    let answer = hit(&summary, 4);
    let asked = |query: &str, limit: u32| format!(r#"{{"query":"{query}","limit":{limit}}}"#);
    let root = root_input(&request()).to_string();
    let mut handle = tool("handle", None, root, answer.clone());
    handle.set("openinference.span.kind", "AGENT");
    handle.attributes.remove("tool.name");
    let mut spans = vec![
        handle,
        search(1, Some("handle")),
        tool(
            "lookup",
            Some("handle"),
            asked(&found, 2),
            looked_up.clone(),
        ),
        tool(
            "summarize",
            Some("handle"),
            asked(&looked_up, 3),
            answer.clone(),
        ),
        tool("rank", Some("summarize"), asked(&summary, 4), answer),
    ];
    for span in &mut spans {
        span.set("arize.space_id", SPACE_ID);
        span.set("arize.project.name", PROJECT_NAME);
    }
    spans
}

fn search(limit: u32, parent: Option<&'static str>) -> Expected {
    let input = format!(r#"{{"query":"{QUERY}","limit":{limit}}}"#);
    let output = body(QUERY, limit).expect("it is not empty");
    tool("search", parent, input, output)
}

fn tool(
    name: &'static str,
    parent: Option<&'static str>,
    input: String,
    output: String,
) -> Expected {
    let mut expected = Expected {
        name,
        parent,
        attributes: BTreeMap::new(),
    };
    expected.set("openinference.span.kind", "TOOL");
    expected.set("tool.name", name);
    expected.set("input.value", input);
    expected.set("input.mime_type", "application/json");
    expected.set("output.value", output);
    expected.set("output.mime_type", "text/plain");
    expected
}

impl Expected {
    fn set(&mut self, key: &str, value: impl Into<String>) {
        self.attributes.insert(key.to_owned(), value.into());
    }
}
