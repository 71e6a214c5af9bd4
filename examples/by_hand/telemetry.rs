//! What `arize-runtime` is for, by hand: the route of each request, on every span, to the right
//! space.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span as _, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, Span, SpanData, SpanProcessor,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

const SPACE_ID: &str = "arize.space_id";
const PROJECT: &str = "arize.project.name"; // a dot here, an underscore in baggage

/// Where the spans of a request belong. It lives in the Context, where every span that starts can
/// see it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Route {
    space_id: String,
    project: String,
}

/// Sets the global provider: in `arize-runtime`, `register_with_routing().endpoint(..).install()`.
pub(crate) fn install(endpoint: String) -> SdkTracerProvider {
    let processor = RoutingProcessor {
        endpoint,
        api_key: std::env::var("ARIZE_API_KEY").unwrap_or_else(|_| "local".to_owned()),
        resource: Resource::builder_empty().build(),
        routes: Mutex::default(),
    };
    let provider = SdkTracerProvider::builder()
        .with_span_processor(processor)
        .build();
    global::set_tracer_provider(provider.clone());
    provider
}

// ---- The request: `#[experiment_handler]` does this before the body runs. ----

/// The parent and the route that a request asks for.
pub(crate) fn extract(headers: &HeaderMap, metadata: &Value) -> Context {
    // The SDK's propagators read the first line of a header only; the W3C allows several.
    let headers = ["traceparent", "tracestate", "baggage"].map(|name| {
        let lines: Vec<&str> = headers
            .get_all(name)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .collect();
        let value = lines.join(",");
        (
            name.to_owned(),
            if name == "baggage" {
                keep_equals_signs(&value)
            } else {
                value
            },
        )
    });
    let headers = HashMap::from(headers);
    // From `Context::new()`, for a span of the web server that happens to be current must not
    // become the parent of a request without `traceparent`.
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &headers);
    let context = BaggagePropagator::new().extract_with_context(&context, &headers);
    let space_id = resolve(&context, metadata, "space_id", "ARIZE_SPACE_ID");
    let project = resolve(&context, metadata, "project_name", "ARIZE_PROJECT_NAME");
    if let (Some(space_id), Some(project)) = (space_id, project) {
        return context.with_value(Route { space_id, project });
    }
    eprintln!("a request names no space or no project: its spans are dropped");
    context
}

/// Each half for itself: `arize_metadata`, then baggage, then the environment. Blank is absent.
fn resolve(context: &Context, metadata: &Value, field: &str, variable: &str) -> Option<String> {
    let baggage = context
        .baggage()
        .get(format!("arize.{field}"))
        .map(ToString::to_string);
    let sources = [
        metadata[field].as_str().map(str::to_owned),
        baggage,
        std::env::var(variable).ok(),
    ];
    sources
        .into_iter()
        .flatten()
        .find(|value| !value.trim().is_empty())
}

/// The SDK's propagator cuts a value at `=`, and space ids are base64 that ends in `==`.
fn keep_equals_signs(baggage: &str) -> String {
    let member = |member: &str| match member.split_once('=') {
        Some((key, value)) => {
            let value = value.split(';').next().unwrap_or_default(); // properties follow
            format!("{key}={}", value.replace('=', "%3D"))
        }
        None => member.to_owned(),
    };
    baggage.split(',').map(member).collect::<Vec<_>>().join(",")
}

/// Which run of which experiment it was, from the body or else the headers.
pub(crate) fn linkage(headers: &HeaderMap, metadata: &Value) -> String {
    let fields = [
        ("dataset_id", ""),
        ("example_id", ""),
        ("experiment_id", "x-arize-experiment-id"),
        ("run_id", "x-arize-experiment-run-id"),
    ];
    let of = |(field, header): (&str, &str)| {
        let header = || headers.get(header).and_then(|value| value.to_str().ok());
        let value = metadata[field].as_str().or_else(header)?;
        Some((field.to_owned(), Value::from(value)))
    };
    Value::Object(fields.into_iter().filter_map(of).collect::<Map<_, _>>()).to_string()
}

// ---- The spans: each attribute does this around its function. ----

/// Starts a span in this Context, with its input, and gives the Context that has it.
pub(crate) fn start(
    parent: &Context,
    name: &'static str,
    kind: &'static str,
    input: &impl Serialize,
) -> Context {
    // Asked for each time: a tracer that was kept from before `install` would never record.
    let tracer = global::tracer("by_hand");
    let (input, mime_type) = text(input);
    let mut span = tracer.start_with_context(name, parent);
    span.set_attribute(KeyValue::new("openinference.span.kind", kind));
    span.set_attribute(KeyValue::new("input.value", input));
    span.set_attribute(KeyValue::new("input.mime_type", mime_type));
    parent.with_span(span)
}

/// Starts the span of a tool. Description and schema are written twice: here and in the function's
/// own signature and documentation, where `#[tool]` finds them.
pub(crate) fn start_tool(
    name: &'static str,
    description: &'static str,
    properties: &Value,
    required: &[&str],
    input: &Value,
) -> Context {
    let context = start(&Context::current(), name, "TOOL", input);
    let parameters = json!({
        "type": "object",
        "title": name,
        "description": description,
        "properties": properties,
        "required": required,
    });
    let span = context.span();
    span.set_attribute(KeyValue::new("tool.name", name));
    span.set_attribute(KeyValue::new("tool.description", description));
    span.set_attribute(KeyValue::new("tool.parameters", parameters.to_string()));
    context
}

/// Ends a span with its output. Not called, because the function was cancelled, panicked or
/// returned early, the span looks like one that is neither good nor bad; the attributes see all
/// three.
pub(crate) fn succeed(context: &Context, output: &impl Serialize) {
    let (output, mime_type) = text(output);
    let span = context.span();
    span.set_attribute(KeyValue::new("output.value", output));
    span.set_attribute(KeyValue::new("output.mime_type", mime_type));
    span.set_status(Status::Ok);
    span.end();
}

/// Ends a span with its error.
pub(crate) fn fail<E: Error>(context: &Context, error: &E) {
    let path = std::any::type_name::<E>();
    let name = path.rsplit("::").next().unwrap_or(path);
    let mut chain = format!("{name}: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        chain.push_str(&format!("\ncaused by: {cause}"));
        source = cause.source();
    }
    let exception = vec![
        KeyValue::new("exception.type", path),
        KeyValue::new("exception.message", error.to_string()),
        KeyValue::new("exception.stacktrace", chain),
    ];
    let span = context.span();
    span.add_event("exception", exception);
    span.set_status(Status::error(format!("{name}: {error}")));
    span.end();
}

/// Strings as they are, objects and lists as JSON; what cannot be serialised must not stop the
/// agent.
fn text(value: &impl Serialize) -> (String, &'static str) {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => (text, "text/plain"),
        Ok(json @ (Value::Object(_) | Value::Array(_))) => (json.to_string(), "application/json"),
        Ok(scalar) => (scalar.to_string(), "text/plain"),
        Err(error) => (format!("not serialisable: {error}"), "text/plain"),
    }
}

// ---- The export: `arize-runtime` has one pipeline for all spaces. ----

/// Puts the route of the Context onto every span, whoever starts it, and keeps an exporter for
/// each.
///
/// Every route is a thread, a queue and a connection, for ever, and requests name the routes: a
/// server in the open must bound them, and count what it drops. `arize-runtime` does.
#[derive(Debug)]
struct RoutingProcessor {
    endpoint: String,
    api_key: String,
    resource: Resource,
    routes: Mutex<HashMap<Route, Arc<BatchSpanProcessor>>>,
}

impl RoutingProcessor {
    fn processor(&self, route: &Route) -> Option<Arc<BatchSpanProcessor>> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(processor) = routes.get(route) {
            return Some(processor.clone());
        }
        match self.new_processor(route) {
            Ok(processor) => {
                let processor = Arc::new(processor);
                routes.insert(route.clone(), processor.clone());
                Some(processor)
            }
            Err(error) => {
                eprintln!("no exporter for {route:?}: {error}");
                None
            }
        }
    }

    fn new_processor(&self, route: &Route) -> Result<BatchSpanProcessor, Box<dyn Error>> {
        // `OTEL_EXPORTER_OTLP_HEADERS` still goes before these and can change the space.
        let mut headers = MetadataMap::new();
        headers.insert("authorization", self.api_key.parse()?);
        headers.insert("api_key", self.api_key.parse()?);
        headers.insert("arize-space-id", route.space_id.parse()?);
        headers.insert("space_id", route.space_id.parse()?);
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(&self.endpoint)
            .with_metadata(headers)
            .build()?;
        let delay = Duration::from_secs(1);
        let config = BatchConfigBuilder::default()
            .with_scheduled_delay(delay)
            .build();
        let mut processor = BatchSpanProcessor::builder(exporter)
            .with_batch_config(config)
            .build();
        // Phoenix tells projects apart by the resource.
        let attributes = self
            .resource
            .iter()
            .map(|(k, v)| KeyValue::new(k.clone(), v.clone()));
        let resource = Resource::builder_empty()
            .with_attributes(attributes)
            .with_attribute(KeyValue::new(
                "openinference.project.name",
                route.project.clone(),
            ))
            .build();
        processor.set_resource(&resource);
        Ok(processor)
    }

    /// Asks each in turn, so that a slow space delays the others.
    fn each(&self, f: impl Fn(&BatchSpanProcessor) -> OTelSdkResult) -> OTelSdkResult {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let errors: Vec<String> = routes
            .values()
            .filter_map(|p| f(p).err())
            .map(|error| error.to_string())
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(OTelSdkError::InternalFailure(errors.join("; ")))
        }
    }
}

impl SpanProcessor for RoutingProcessor {
    fn on_start(&self, span: &mut Span, context: &Context) {
        if let Some(route) = context.get::<Route>() {
            span.set_attribute(KeyValue::new(SPACE_ID, route.space_id.clone()));
            span.set_attribute(KeyValue::new(PROJECT, route.project.clone()));
        }
    }

    fn on_end(&self, span: SpanData) {
        let attribute = |key: &str| {
            let last = span
                .attributes
                .iter()
                .rev()
                .find(|attribute| attribute.key.as_str() == key);
            last.map(|attribute| attribute.value.to_string())
        };
        if let (Some(space_id), Some(project)) = (attribute(SPACE_ID), attribute(PROJECT))
            && let Some(processor) = self.processor(&Route { space_id, project })
        {
            processor.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.each(SpanProcessor::force_flush)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.each(|processor| processor.shutdown_with_timeout(timeout))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.clone();
    }
}
