//! `tracing`'s `#[instrument]` with the content that every peer records, over tracing-opentelemetry
//! with all that it adds by itself turned off.

use std::future::Future;
use std::sync::OnceLock;

use benches::Result;
use benches::calls::{self, Answer, Arguments, Peer, Route, body, otel, query, root_input, route};
use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator as _};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use serde::Serialize;
use serde_json::Value;
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span, info_span, instrument};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

static PROPAGATOR: OnceLock<TextMapCompositePropagator> = OnceLock::new();

struct Tracing;

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it is plain data")
}

#[inline]
fn input(query: &str, limit: u32) -> String {
    json(&Arguments { query, limit })
}

#[inline]
fn done(answer: Answer) -> Answer {
    let span = Span::current();
    if span.is_disabled() {
        return answer;
    }
    match &answer {
        Ok(answer) => {
            span.record("output.value", answer.as_str());
            span.record("output.mime_type", "text/plain");
            span.record("otel.status_code", "OK");
        }
        Err(error) => {
            span.record("otel.status_code", "ERROR");
            span.record("otel.status_description", display(error));
        }
    }
    answer
}

#[instrument(name = "search", skip_all, fields(
    openinference.span.kind = "TOOL", tool.name = "search",
    input.value = input(query, limit), input.mime_type = "application/json",
    output.value = Empty, output.mime_type = Empty,
    otel.status_code = Empty, otel.status_description = Empty,
))]
fn search(query: &str, limit: u32) -> Answer {
    done(body(query, limit))
}

#[instrument(name = "search", skip_all, fields(
    openinference.span.kind = "TOOL", tool.name = "search",
    input.value = input(query, limit), input.mime_type = "application/json",
    output.value = Empty, output.mime_type = Empty,
    otel.status_code = Empty, otel.status_description = Empty,
))]
async fn yielding_search(query: &str, limit: u32) -> Answer {
    tokio::task::yield_now().await;
    done(body(query, limit))
}

/// A tool of a request, which is given the route: no Context carries it to a field.
macro_rules! routed_tool {
    ($function:ident, $name:literal, |$route:ident, $query:ident, $limit:ident| $answer:expr) => {
        #[instrument(name = $name, skip_all, fields(
                    openinference.span.kind = "TOOL", tool.name = $name,
                    input.value = input($query, $limit),
                    input.mime_type = "application/json",
                    arize.space_id = &*$route.space_id, arize.project.name = &*$route.project_name,
                    output.value = Empty, output.mime_type = Empty,
                    otel.status_code = Empty, otel.status_description = Empty,
                ))]
        async fn $function($route: &Route, $query: &str, $limit: u32) -> Answer {
            done($answer)
        }
    };
}

routed_tool!(routed_search, "search", |route, query, limit| body(
    query, limit
));
routed_tool!(lookup, "lookup", |route, query, limit| body(query, limit));
routed_tool!(rank, "rank", |route, query, limit| body(query, limit));
routed_tool!(summarize, "summarize", |route, query, limit| {
    let summary = body(query, limit)?;
    rank(route, &summary, 4).await
});

/// By hand: `#[instrument]` cannot adopt the caller's span, since a span's parent cannot be set once
/// it has been entered.
async fn handle(headers: &HeaderMap, route: &Route, request: &Value) -> Answer {
    let span = info_span!(
        "handle",
        openinference.span.kind = "AGENT",
        input.value = json(root_input(request)),
        input.mime_type = "application/json",
        arize.space_id = &*route.space_id,
        arize.project.name = &*route.project_name,
        output.value = Empty,
        output.mime_type = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
    );
    if let Some(propagator) = PROPAGATOR.get() {
        let caller = propagator.extract_with_context(&Context::new(), &HeaderExtractor(headers));
        span.set_parent(caller).expect("the span has not started");
    }
    let work = async {
        let found = routed_search(route, query(request), 1).await?;
        let looked_up = lookup(route, &found, 2).await?;
        done(summarize(route, &looked_up, 3).await)
    };
    work.instrument(span).await
}

impl Peer for Tracing {
    fn install() {
        PROPAGATOR.get_or_init(|| {
            TextMapCompositePropagator::new(vec![
                Box::new(TraceContextPropagator::new()),
                Box::new(BaggagePropagator::new()),
            ])
        });
        let layer = tracing_opentelemetry::layer()
            .with_tracer(otel::tracer())
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false);
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::set_global_default(subscriber).expect("it is the first");
    }

    fn parent<T>(work: impl FnOnce() -> T) -> T {
        info_span!("parent").in_scope(work)
    }

    fn tool(query: &str, limit: u32) -> Answer {
        search(query, limit)
    }

    fn async_tool(query: &str, limit: u32) -> impl Future<Output = Answer> {
        yielding_search(query, limit)
    }

    async fn request(headers: &HeaderMap, request: &Value) -> Answer {
        let route = route(request).expect("the bench's requests have one");
        handle(headers, &route, request).await
    }
}

fn main() -> Result<()> {
    calls::main::<Tracing>()
}
