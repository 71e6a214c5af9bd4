//! The exporters of the OpenTelemetry SDK.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{
    HttpExporterBuilderSet, SpanExporter, SpanExporterBuilder, TonicExporterBuilderSet,
    WithExportConfig,
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

type Grpc = SpanExporterBuilder<TonicExporterBuilderSet>;
type Http = SpanExporterBuilder<HttpExporterBuilderSet>;

pub(crate) fn span_exporter_grpc(endpoint: &str, more: impl Fn(Grpc) -> Grpc) -> SpanExporter {
    let builder = SpanExporter::builder().with_tonic().with_endpoint(endpoint);
    more(builder).build().expect("is complete")
}

/// The URL is taken as it is.
pub(crate) fn span_exporter_http(url: &str, more: impl Fn(Http) -> Http) -> SpanExporter {
    let builder = SpanExporter::builder().with_http().with_endpoint(url);
    more(builder).build().expect("is complete")
}

pub(crate) fn span_data(name: &'static str) -> SpanData {
    let start = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789);
    let context = SpanContext::new(
        TraceId::from(7),
        SpanId::from(8),
        TraceFlags::SAMPLED,
        false,
        TraceState::default(),
    );
    SpanData {
        span_context: context,
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: name.into(),
        start_time: start,
        end_time: start + Duration::from_millis(5),
        attributes: vec![
            KeyValue::new("input.value", "in"),
            KeyValue::new("n", 3),
            KeyValue::new("x", 0.5),
        ],
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Ok,
        instrumentation_scope: InstrumentationScope::builder("tests").build(),
    }
}
