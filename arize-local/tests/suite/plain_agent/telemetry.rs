//! The telemetry of the agent: what it reads from the request's headers, and how its spans leave it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::HeaderMap;
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, Span, SpanData,
    SpanProcessor,
};
use tokio::sync::watch;

use super::Pitfall;

const SPACE_ID: &str = "arize.space_id";
const PROJECT: &str = "arize.project.name";

/// Where the spans of a request belong: a value of its context.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Route {
    pub(super) space_id: String,
    pub(super) project: String,
}

/// The context that the request's `traceparent` names; an empty one where it names none.
pub(super) fn parent(headers: &HeaderMap, pitfall: Pitfall) -> Result<Context, String> {
    let Some(header) = headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok())
    else {
        return Ok(Context::new());
    };
    match read(header) {
        Some(parent) => Ok(Context::new().with_remote_span_context(parent)),
        None if pitfall == Pitfall::RefusesMalformed => Err("bad traceparent".to_owned()),
        None if pitfall == Pitfall::TakesHalfMalformed => {
            let half = header.replace('z', "a");
            let parent = read(&half).expect("only the trace id is wrong");
            Ok(Context::new().with_remote_span_context(parent))
        }
        None => Ok(Context::new()),
    }
}

/// Reads version 00 strictly: the propagator of the SDK takes too much.
fn read(header: &str) -> Option<SpanContext> {
    let [version, trace_id, span_id, flags] = header.split('-').collect::<Vec<_>>()[..] else {
        return None;
    };
    let hex = |text: &str, length| {
        text.len() == length
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if version != "00" || !hex(trace_id, 32) || !hex(span_id, 16) || !hex(flags, 2) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let trace_id = TraceId::from_hex(trace_id).ok()?;
    let span_id = SpanId::from_hex(span_id).ok()?;
    let parent = SpanContext::new(trace_id, span_id, flags, true, TraceState::default());
    parent.is_valid().then_some(parent)
}

/// The members of the baggage header: all its lines, and values with the `=` in them.
pub(super) fn baggage(headers: &HeaderMap, pitfall: Pitfall) -> HashMap<String, String> {
    let lines = headers.get_all("baggage").iter();
    let most = if pitfall == Pitfall::FirstBaggageLine {
        1
    } else {
        usize::MAX
    };
    let members = lines.take(most).filter_map(|line| line.to_str().ok());
    let members = members.flat_map(|line| line.split(','));
    members
        .filter_map(|member| {
            let (key, value) = member.split_once('=')?;
            let value = value.split(';').next().unwrap_or_default().trim();
            let value = match pitfall {
                Pitfall::CutsAtEquals => value.trim_end_matches('='),
                _ => value,
            };
            Some((key.trim().to_owned(), value.to_owned()))
        })
        .collect()
}

/// A provider whose spans go to the space that they name, and nowhere if they name none.
pub(super) fn provider(
    endpoint: watch::Receiver<Option<String>>,
    always_on: bool,
) -> SdkTracerProvider {
    let sampler = Sampler::AlwaysOn;
    SdkTracerProvider::builder()
        .with_sampler(if always_on {
            sampler
        } else {
            Sampler::ParentBased(Box::new(sampler))
        })
        .with_span_processor(Router {
            endpoint,
            spaces: Mutex::default(),
        })
        .build()
}

/// Puts the route of the context on every span, and keeps an exporter for each space.
#[derive(Debug)]
struct Router {
    endpoint: watch::Receiver<Option<String>>,
    spaces: Mutex<HashMap<String, Arc<BatchSpanProcessor>>>,
}

impl Router {
    fn processor(&self, space_id: &str) -> Arc<BatchSpanProcessor> {
        let mut spaces = self.spaces.lock().expect("nobody panics");
        let processor = spaces.entry(space_id.to_owned()).or_insert_with(|| {
            let endpoint = self
                .endpoint
                .borrow()
                .clone()
                .expect("is known before any request");
            Arc::new(exporting(&endpoint, space_id))
        });
        Arc::clone(processor)
    }
}

fn exporting(endpoint: &str, space_id: &str) -> BatchSpanProcessor {
    let mut headers = MetadataMap::new();
    for (name, value) in [
        ("authorization", "local"),
        ("api_key", "local"),
        ("arize-space-id", space_id),
        ("space_id", space_id),
    ] {
        headers.insert(name, value.parse().expect("is ASCII"));
    }
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_metadata(headers)
        .build()
        .expect("is configured");
    let config = BatchConfigBuilder::default()
        .with_scheduled_delay(Duration::from_millis(50))
        .with_max_queue_size(64)
        .with_max_export_batch_size(64)
        .build();
    BatchSpanProcessor::builder(exporter)
        .with_batch_config(config)
        .build()
}

impl SpanProcessor for Router {
    fn on_start(&self, span: &mut Span, context: &Context) {
        if let Some(route) = context.get::<Route>() {
            span.set_attribute(KeyValue::new(SPACE_ID, route.space_id.clone()));
            span.set_attribute(KeyValue::new(PROJECT, route.project.clone()));
        }
    }

    fn on_end(&self, span: SpanData) {
        let space = span
            .attributes
            .iter()
            .find(|attribute| attribute.key.as_str() == SPACE_ID)
            .map(|attribute| attribute.value.to_string());
        if let Some(space) = space {
            self.processor(&space).on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let mut spaces = self.spaces.lock().expect("nobody panics");
        spaces
            .drain()
            .try_for_each(|(_, processor)| processor.shutdown_with_timeout(timeout))
    }
}
