//! Spans of libraries that follow OpenTelemetry's conventions for generative AI.
