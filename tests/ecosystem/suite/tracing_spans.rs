//! Spans of `tracing`, through tracing-opentelemetry.
