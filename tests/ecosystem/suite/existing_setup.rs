//! A program that has OpenTelemetry already.
