//! The span above a row's trace, which Arize makes in real life.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use serde_json::Value;

use super::projects::text;
use crate::report::RowReport;

/// A request with the experiment span of a row.
pub(super) fn request(row: &RowReport) -> ExportTraceServiceRequest {
    let resource = Resource {
        attributes: vec![text("service.name", "arize-local")],
        ..Resource::default()
    };
    let scope = InstrumentationScope {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope),
                spans: vec![span(row)],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn span(row: &RowReport) -> Span {
    let mut attributes = vec![
        text("openinference.span.kind", "CHAIN"),
        text("arize.space_id", &row.space_id),
        text("arize.project.name", &row.project),
    ];
    let mut add = |name: &str, value: &Value| {
        let (value, mime_type) = match value {
            Value::String(text) => (text.clone(), "text/plain"),
            other => (other.to_string(), "application/json"),
        };
        attributes.push(text(&format!("{name}.value"), value));
        attributes.push(text(&format!("{name}.mime_type"), mime_type));
    };
    add("input", &row.input);
    if let Some(response) = &row.response {
        add("output", response);
    }
    let code = if row.error.is_some() {
        StatusCode::Error
    } else {
        StatusCode::Ok
    };
    Span {
        trace_id: bytes(&row.trace_id),
        span_id: bytes(&row.span_id),
        flags: 1, // sampled
        name: "agent.experiment.run".to_owned(),
        kind: span::SpanKind::Internal.into(),
        start_time_unix_nano: nanos(row.sent),
        end_time_unix_nano: nanos(row.sent + row.took),
        attributes,
        status: Some(Status {
            code: code.into(),
            message: row.error.clone().unwrap_or_default(),
        }),
        ..Span::default()
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The bytes that hex digits stand for.
fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map_while(digit).collect()
}
