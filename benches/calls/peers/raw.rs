//! OpenTelemetry by hand, and carefully: the concrete tracer in a static, attributes in a vector of
//! the right size that the builder takes, the standard propagators.

use std::borrow::Cow;
use std::future::Future;
use std::sync::OnceLock;

use benches::Result;
use benches::calls::otel::{tracer, under_parent};
use benches::calls::{self, Answer, Arguments, Peer, Route, body, query, root_input, route};
use http::HeaderMap;
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator as _};
use opentelemetry::trace::{
    FutureExt as _, SpanBuilder, Status, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::SdkTracer;
use serde::Serialize;
use serde_json::Value;

static TRACER: OnceLock<SdkTracer> = OnceLock::new();
static PROPAGATOR: OnceLock<TextMapCompositePropagator> = OnceLock::new();

struct Raw;

struct What {
    name: &'static str,
    kind: &'static str,
    input: String,
}

#[inline]
fn start(tracer: &SdkTracer, parent: &Context, what: What) -> Context {
    let What { name, kind, input } = what;
    let mut attributes = Vec::with_capacity(8);
    attributes.push(KeyValue::new("openinference.span.kind", kind));
    if kind == "TOOL" {
        attributes.push(KeyValue::new("tool.name", name));
    }
    attributes.push(KeyValue::new("input.value", input));
    attributes.push(KeyValue::new("input.mime_type", "application/json"));
    if let Some(route) = parent.get::<Route>() {
        attributes.push(KeyValue::new("arize.space_id", route.space_id.clone()));
        let project_name = route.project_name.clone();
        attributes.push(KeyValue::new("arize.project.name", project_name));
    }
    let builder = SpanBuilder {
        name: Cow::Borrowed(name),
        attributes: Some(attributes),
        ..SpanBuilder::default()
    };
    parent.with_span(tracer.build_with_context(builder, parent))
}

#[inline]
fn finish(context: &Context, answer: &Answer) {
    let span = context.span();
    match answer {
        Ok(answer) => {
            span.set_attribute(KeyValue::new("output.value", answer.clone()));
            span.set_attribute(KeyValue::new("output.mime_type", "text/plain"));
            span.set_status(Status::Ok);
        }
        Err(error) => {
            span.record_error(error);
            span.set_status(Status::error(error.to_string()));
        }
    }
    span.end();
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it is plain data")
}

fn tool_span(name: &'static str, query: &str, limit: u32) -> What {
    What {
        name,
        kind: "TOOL",
        input: json(&Arguments { query, limit }),
    }
}

#[inline]
async fn tool<F: Future<Output = Answer>>(
    name: &'static str,
    query: &str,
    limit: u32,
    work: F,
) -> Answer {
    let Some(tracer) = TRACER.get() else {
        return work.await;
    };
    let what = tool_span(name, query, limit);
    let context = Context::map_current(|parent| start(tracer, parent, what));
    let answer = work.with_context(context.clone()).await;
    finish(&context, &answer);
    answer
}

async fn yielding(query: &str, limit: u32) -> Answer {
    tokio::task::yield_now().await;
    body(query, limit)
}

#[expect(clippy::unused_async, reason = "tools of a request are async")]
async fn plain(query: &str, limit: u32) -> Answer {
    body(query, limit)
}

async fn work(query: &str) -> Answer {
    let found = tool("search", query, 1, plain(query, 1)).await?;
    let looked_up = tool("lookup", &found, 2, plain(&found, 2)).await?;
    let summarize = async {
        let summary = body(&looked_up, 3)?;
        tool("rank", &summary, 4, plain(&summary, 4)).await
    };
    tool("summarize", &looked_up, 3, summarize).await
}

impl Peer for Raw {
    fn install() {
        TRACER.get_or_init(tracer);
        PROPAGATOR.get_or_init(|| {
            TextMapCompositePropagator::new(vec![
                Box::new(TraceContextPropagator::new()),
                Box::new(BaggagePropagator::new()),
            ])
        });
    }

    fn parent<T>(work: impl FnOnce() -> T) -> T {
        under_parent(TRACER.get(), work)
    }

    fn tool(query: &str, limit: u32) -> Answer {
        let Some(tracer) = TRACER.get() else {
            return body(query, limit);
        };
        let what = tool_span("search", query, limit);
        let context = Context::map_current(|parent| start(tracer, parent, what));
        let guard = context.clone().attach();
        let answer = body(query, limit);
        drop(guard);
        finish(&context, &answer);
        answer
    }

    fn async_tool(query: &str, limit: u32) -> impl Future<Output = Answer> {
        tool("search", query, limit, yielding(query, limit))
    }

    async fn request(headers: &HeaderMap, request: &Value) -> Answer {
        let work = work(query(request));
        let (Some(tracer), Some(propagator)) = (TRACER.get(), PROPAGATOR.get()) else {
            return work.await;
        };
        let mut context =
            propagator.extract_with_context(&Context::new(), &HeaderExtractor(headers));
        if let Some(route) = route(request) {
            context = context.with_value(route);
        }
        let what = What {
            name: "handle",
            kind: "AGENT",
            input: json(root_input(request)),
        };
        let context = start(tracer, &context, what);
        let answer = work.with_context(context.clone()).await;
        finish(&context, &answer);
        answer
    }
}

fn main() -> Result<()> {
    calls::main::<Raw>()
}
