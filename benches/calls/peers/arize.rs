//! Ours: the attributes. Its tools record `tool.parameters` besides, a shared text.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use arize_runtime::{Routing, experiment_handler, tool};
use benches::Result;
use benches::calls::otel::under_parent;
use benches::calls::{self, Answer, Peer, Sink, body, large_body, query};
use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::{Span as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span, SpanData, SpanProcessor};
use serde_json::Value;

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

struct Arize;

/// What the export engine does when a span starts, in front of the sink.
#[derive(Debug)]
struct Routed;

impl SpanProcessor for Routed {
    fn on_start(&self, span: &mut Span, context: &Context) {
        if let Some(routing) = Routing::of(context) {
            for attribute in routing.attributes() {
                span.set_attribute(attribute);
            }
        }
    }

    fn on_end(&self, span: SpanData) {
        Sink.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[tool]
fn search(query: &str, limit: u32) -> Answer {
    body(query, limit)
}

#[tool(name = "search", description = "Searches the knowledge base.")]
fn described_search(query: &str, limit: u32) -> Answer {
    body(query, limit)
}

#[tool]
fn measure(text: &str) -> Answer {
    large_body(text)
}

#[tool(name = "search")]
async fn yielding_search(query: &str, limit: u32) -> Answer {
    tokio::task::yield_now().await;
    body(query, limit)
}

#[tool(name = "search")]
async fn async_search(query: &str, limit: u32) -> Answer {
    body(query, limit)
}

#[tool]
async fn lookup(query: &str, limit: u32) -> Answer {
    body(query, limit)
}

#[tool]
async fn rank(query: &str, limit: u32) -> Answer {
    body(query, limit)
}

#[tool]
async fn summarize(query: &str, limit: u32) -> Answer {
    let summary = body(query, limit)?;
    rank(&summary, 4).await
}

#[experiment_handler(kind = "AGENT")]
async fn handle(headers: &HeaderMap, request: &Value) -> Answer {
    let found = async_search(query(request), 1).await?;
    let looked_up = lookup(&found, 2).await?;
    summarize(&looked_up, 3).await
}

impl Peer for Arize {
    fn install() {
        let provider = SdkTracerProvider::builder().with_span_processor(Routed);
        let tracer = TRACER.get_or_init(|| provider.build().tracer("agent"));
        arize_runtime::__private::install(tracer.clone());
    }

    fn parent<T>(work: impl FnOnce() -> T) -> T {
        under_parent(TRACER.get(), work)
    }

    fn tool(query: &str, limit: u32) -> Answer {
        search(query, limit)
    }

    fn async_tool(query: &str, limit: u32) -> impl Future<Output = Answer> {
        yielding_search(query, limit)
    }

    fn request(headers: &HeaderMap, request: &Value) -> impl Future<Output = Answer> {
        handle(headers, request)
    }

    fn described_tool(query: &str, limit: u32) -> Answer {
        described_search(query, limit)
    }

    fn large_tool(text: &str) -> Answer {
        measure(text)
    }
}

fn main() -> Result<()> {
    calls::main::<Arize>()
}
