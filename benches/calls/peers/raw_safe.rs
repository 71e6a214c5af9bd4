//! By hand what this project promises, as lean as the unchanged SDK and no `unsafe` allow: JSON with
//! literal keys through a thread's buffer, routes interned, headers parsed by hand but put into the
//! standard Context, tracestate kept on every span, panics caught and resumed. The bar.

use std::borrow::Cow;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use benches::Result;
use benches::calls::otel::{self, under_parent};
use benches::calls::{self, Answer, DESCRIPTION, Peer, Route, body, large_body, query, root_input};
use http::HeaderMap;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{
    FutureExt as _, SpanBuilder, SpanContext, Status, TraceContextExt as _, TraceFlags, TraceState,
    Tracer as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::SdkTracer;

static TRACER: OnceLock<SdkTracer> = OnceLock::new();
/// Pipelines there are: asked first, so that a bare call is bare.
static LIVE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(4096));
    static ROUTES: RefCell<Vec<Arc<Route>>> = const { RefCell::new(Vec::new()) };
}

/// A tracer in the place of the installed one, which a Context may carry.
struct Override;

/// The route in a Context.
struct Routed(Arc<Route>);

struct RawSafe;

struct What {
    name: &'static str,
    kind: &'static str,
    description: Option<&'static str>,
    input: Value,
}

#[inline]
fn tracer() -> Option<&'static SdkTracer> {
    if LIVE.load(Relaxed) == 0 {
        return None;
    }
    let overridden = Context::map_current(|context| context.get::<Override>().is_some());
    std::hint::black_box(overridden);
    TRACER.get()
}

#[inline]
fn json(write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>) -> Value {
    BUFFER.with_borrow_mut(|buffer| {
        buffer.clear();
        write(buffer).expect("it is plain data");
        Value::from(str::from_utf8(buffer).unwrap_or_default().to_owned())
    })
}

#[inline]
fn arguments(query: &str, limit: u32) -> Value {
    json(|buffer| {
        buffer.extend_from_slice(b"{\"query\":");
        serde_json::to_writer(&mut *buffer, query)?;
        buffer.extend_from_slice(b",\"limit\":");
        serde_json::to_writer(&mut *buffer, &limit)?;
        buffer.push(b'}');
        Ok(())
    })
}

fn interned(request: &serde_json::Value) -> Option<Arc<Route>> {
    let metadata = request.get("arize_metadata")?;
    let space_id = metadata.get("space_id")?.as_str()?;
    let project_name = metadata.get("project_name")?.as_str()?;
    ROUTES.with_borrow_mut(|routes| {
        let same = |route: &&Arc<Route>| {
            *route.space_id == *space_id && *route.project_name == *project_name
        };
        if let Some(route) = routes.iter().find(same) {
            return Some(route.clone());
        }
        let route = Arc::new(Route {
            space_id: space_id.into(),
            project_name: project_name.into(),
        });
        routes.push(route.clone());
        Some(route)
    })
}

fn hexadecimal(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number: u128, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

fn caller(headers: &HeaderMap) -> Option<SpanContext> {
    let traceparent = headers.get("traceparent")?.as_bytes();
    if traceparent.len() < 55 || [2, 35, 52].iter().any(|at| traceparent[*at] != b'-') {
        return None;
    }
    let flags = u8::try_from(hexadecimal(&traceparent[53..55])?).ok()?;
    let span_id = u64::try_from(hexadecimal(&traceparent[36..52])?).ok()?;
    let tracestate = headers
        .get("tracestate")
        .and_then(|header| header.to_str().ok()?.parse().ok());
    let caller = SpanContext::new(
        hexadecimal(&traceparent[3..35])?.into(),
        span_id.into(),
        TraceFlags::new(flags & 1),
        true,
        tracestate.unwrap_or(TraceState::NONE),
    );
    caller.is_valid().then_some(caller)
}

fn baggage(headers: &HeaderMap) -> Vec<KeyValue> {
    let lines = headers.get_all("baggage").iter();
    let members = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    let entry = |member: &str| {
        let (key, value) = member.split(';').next()?.split_once('=')?;
        Some(KeyValue::new(
            key.trim().to_owned(),
            value.trim().to_owned(),
        ))
    };
    members.filter_map(entry).collect()
}

#[inline]
fn start(tracer: &SdkTracer, parent: &Context, what: What) -> Context {
    let What {
        name,
        kind,
        description,
        input,
    } = what;
    let mut attributes = Vec::with_capacity(8 + usize::from(description.is_some()));
    attributes.push(KeyValue::new("openinference.span.kind", kind));
    if kind == "TOOL" {
        attributes.push(KeyValue::new("tool.name", name));
    }
    if let Some(description) = description {
        attributes.push(KeyValue::new("tool.description", description));
    }
    attributes.push(KeyValue::new("input.value", input));
    attributes.push(KeyValue::new("input.mime_type", "application/json"));
    if let Some(Routed(route)) = parent.get() {
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

#[inline]
fn run(tracer: &SdkTracer, what: What, work: impl FnOnce() -> Answer) -> Answer {
    let context = Context::map_current(|parent| start(tracer, parent, what));
    let guard = context.clone().attach();
    let answer = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| resume_unwind(panic));
    drop(guard);
    finish(&context, &answer);
    answer
}

#[inline]
async fn run_async<F: Future<Output = Answer>>(context: Context, work: F) -> Answer {
    let answer = caught(work).with_context(context.clone()).await;
    finish(&context, &answer);
    answer
}

async fn caught<F: Future>(work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|waker| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(waker)));
        polled.unwrap_or_else(|panic| resume_unwind(panic))
    })
    .await
}

fn tool_span(name: &'static str, input: Value) -> What {
    What {
        name,
        kind: "TOOL",
        description: None,
        input,
    }
}

#[inline]
async fn tool<F: Future<Output = Answer>>(
    name: &'static str,
    query: &str,
    limit: u32,
    work: F,
) -> Answer {
    let Some(tracer) = tracer() else {
        return work.await;
    };
    let what = tool_span(name, arguments(query, limit));
    run_async(
        Context::map_current(|parent| start(tracer, parent, what)),
        work,
    )
    .await
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

impl Peer for RawSafe {
    fn install() {
        LIVE.fetch_add(1, Relaxed);
        TRACER.get_or_init(otel::tracer);
    }

    fn parent<T>(work: impl FnOnce() -> T) -> T {
        under_parent(TRACER.get(), work)
    }

    fn tool(query: &str, limit: u32) -> Answer {
        let Some(tracer) = tracer() else {
            return body(query, limit);
        };
        let what = tool_span("search", arguments(query, limit));
        run(tracer, what, || body(query, limit))
    }

    fn async_tool(query: &str, limit: u32) -> impl Future<Output = Answer> {
        tool("search", query, limit, yielding(query, limit))
    }

    async fn request(headers: &HeaderMap, request: &serde_json::Value) -> Answer {
        let work = work(query(request));
        let Some(tracer) = tracer() else {
            return work.await;
        };
        let mut context = Context::new();
        if let Some(caller) = caller(headers) {
            context = context.with_remote_span_context(caller);
        }
        let baggage = baggage(headers);
        if !baggage.is_empty() {
            context = context.with_baggage(baggage);
        }
        if let Some(route) = interned(request) {
            context = context.with_value(Routed(route));
        }
        let what = What {
            name: "handle",
            kind: "AGENT",
            description: None,
            input: json(|buffer| serde_json::to_writer(buffer, root_input(request))),
        };
        run_async(start(tracer, &context, what), work).await
    }

    fn described_tool(query: &str, limit: u32) -> Answer {
        let Some(tracer) = tracer() else {
            return body(query, limit);
        };
        let mut what = tool_span("search", arguments(query, limit));
        what.description = Some(DESCRIPTION);
        run(tracer, what, || body(query, limit))
    }

    fn large_tool(text: &str) -> Answer {
        let Some(tracer) = tracer() else {
            return large_body(text);
        };
        let input = json(|buffer| {
            buffer.extend_from_slice(b"{\"text\":");
            serde_json::to_writer(&mut *buffer, text)?;
            buffer.push(b'}');
            Ok(())
        });
        run(tracer, tool_span("measure", input), || large_body(text))
    }
}

fn main() -> Result<()> {
    calls::main::<RawSafe>()
}
