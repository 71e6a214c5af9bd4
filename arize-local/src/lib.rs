//! A local stand-in for Arize.
mod checks;
mod client;
mod experiment;
mod grpc;
mod openinference;
mod receiver;
mod report;
mod span;
mod store;
mod tree;

pub use client::agent_uri;
pub use experiment::{DEFAULT_PROJECT, DEFAULT_SPACE_ID, Experiment, Row};
pub use receiver::{Answer, Receiver};
pub use report::{Check, Outcome, Report, RowReport};
pub use span::{AttributeValue, Attributes, Event, Link, Span, SpanKind, Status, StatusCode};
pub use store::ExportRequest;
