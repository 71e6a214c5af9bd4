//! fastrace's `#[trace]`, and fastrace-opentelemetry, which makes OpenTelemetry spans in the
//! background. It has no baggage, which is read and dropped here, and its spans lose the tracestate.

use std::borrow::Cow;
use std::future::Future;
use std::time::Duration;

use benches::Result;
use benches::calls::{self, Answer, Arguments, Peer, Route, Sink, body, query, root_input, route};
use fastrace::collector::{Config, W3CTraceContext};
use fastrace::future::FutureExt as _;
use fastrace::local::LocalSpan;
use fastrace::prelude::{Span, SpanContext};
use fastrace::trace;
use fastrace_opentelemetry::OpenTelemetryReporter;
use http::HeaderMap;
use opentelemetry::InstrumentationScope;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::BaggagePropagator;
use opentelemetry_sdk::trace::{SpanData, SpanExporter, SpanProcessor as _};
use serde::Serialize;
use serde_json::Value;

struct Fastrace;

#[derive(Debug)]
struct IntoSink;

impl SpanExporter for IntoSink {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        for span in batch {
            Sink.on_end(span);
        }
        Ok(())
    }
}

type Property = (Cow<'static, str>, Cow<'static, str>);

const fn literal(key: &'static str, value: &'static str) -> Property {
    (Cow::Borrowed(key), Cow::Borrowed(value))
}

const fn owned(key: &'static str, value: String) -> Property {
    (Cow::Borrowed(key), Cow::Owned(value))
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it is plain data")
}

fn routed(route: &Route) -> [Property; 2] {
    [
        owned("arize.space_id", route.space_id.to_string()),
        owned("arize.project.name", route.project_name.to_string()),
    ]
}

#[inline]
fn input(name: &'static str, query: &str, limit: u32, route: Option<&Route>) {
    LocalSpan::add_properties(|| {
        let tool = [
            literal("openinference.span.kind", "TOOL"),
            literal("tool.name", name),
            owned("input.value", json(&Arguments { query, limit })),
            literal("input.mime_type", "application/json"),
        ];
        tool.into_iter().chain(route.into_iter().flat_map(routed))
    });
}

#[inline]
fn done(answer: Answer) -> Answer {
    match &answer {
        Ok(answer) => LocalSpan::add_properties(|| {
            [
                owned("output.value", answer.clone()),
                literal("output.mime_type", "text/plain"),
                literal("span.status_code", "ok"),
            ]
        }),
        Err(error) => LocalSpan::add_properties(|| {
            [
                literal("span.status_code", "error"),
                owned("span.status_description", error.to_string()),
            ]
        }),
    }
    answer
}

#[trace(name = "search")]
fn search(query: &str, limit: u32) -> Answer {
    input("search", query, limit, None);
    done(body(query, limit))
}

#[trace(name = "search")]
async fn yielding_search(query: &str, limit: u32) -> Answer {
    input("search", query, limit, None);
    tokio::task::yield_now().await;
    done(body(query, limit))
}

#[trace(name = "search")]
async fn routed_search(route: &Route, query: &str, limit: u32) -> Answer {
    input("search", query, limit, Some(route));
    done(body(query, limit))
}

#[trace(name = "lookup")]
async fn lookup(route: &Route, query: &str, limit: u32) -> Answer {
    input("lookup", query, limit, Some(route));
    done(body(query, limit))
}

#[trace(name = "rank")]
async fn rank(route: &Route, query: &str, limit: u32) -> Answer {
    input("rank", query, limit, Some(route));
    done(body(query, limit))
}

#[trace(name = "summarize")]
async fn summarize(route: &Route, query: &str, limit: u32) -> Answer {
    input("summarize", query, limit, Some(route));
    let summary = body(query, limit)?;
    done(rank(route, &summary, 4).await)
}

impl Peer for Fastrace {
    const KEEPS_TRACESTATE: bool = false;

    fn install() {
        let scope = InstrumentationScope::builder("agent").build();
        let resource = Cow::Owned(Resource::builder().build());
        let reporter = OpenTelemetryReporter::new(IntoSink, resource, scope);
        // only the bench's flushes report, so that nothing goes on while something is measured
        let config = Config::default().report_interval(Duration::from_secs(600));
        fastrace::set_reporter(reporter, config);
    }

    fn parent<T>(work: impl FnOnce() -> T) -> T {
        let root = Span::root("parent", SpanContext::random());
        let _guard = root.set_local_parent();
        work()
    }

    fn tool(query: &str, limit: u32) -> Answer {
        search(query, limit)
    }

    fn async_tool(query: &str, limit: u32) -> impl Future<Output = Answer> {
        yielding_search(query, limit)
    }

    async fn request(headers: &HeaderMap, request: &Value) -> Answer {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let caller =
            W3CTraceContext::decode(text("traceparent").unwrap_or_default(), text("tracestate"));
        let _baggage = BaggagePropagator::new().extract(&HeaderExtractor(headers));
        let route = route(request).expect("the bench's requests have one");
        let caller = caller.map_or_else(SpanContext::random, |caller| caller.span_context);
        let root = Span::root("handle", caller).with_properties(|| {
            let handler = [
                literal("openinference.span.kind", "AGENT"),
                owned("input.value", json(root_input(request))),
                literal("input.mime_type", "application/json"),
            ];
            handler.into_iter().chain(routed(&route))
        });
        let work = async {
            let found = routed_search(&route, query(request), 1).await?;
            let looked_up = lookup(&route, &found, 2).await?;
            done(summarize(&route, &looked_up, 3).await)
        };
        work.in_span(root).await
    }

    fn flush() {
        fastrace::flush();
    }
}

fn main() -> Result<()> {
    calls::main::<Fastrace>()
}
