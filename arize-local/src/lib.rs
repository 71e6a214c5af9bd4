//! A local stand-in for Arize, for agents in any language.
//!
//! Arize runs an agent experiment by calling the agent over HTTP, once for each row of a dataset, and by
//! collecting the spans that the agent exports over OTLP. This crate does both on a developer's machine and
//! says whether the traces are as they should be. It knows HTTP and OTLP and nothing of how an agent is made.
//!
//! ```text
//!   dataset ─► Experiment ── POST /invoke, traceparent, baggage, arize_metadata ──►  agent
//!                  │                                                                  │
//!                  ▼                                                                  │
//!               Report  ◄── checks ◄── one trace for each row ◄── Receiver ◄── OTLP ──┘
//! ```
//!
//! [`Receiver`] is the OTLP receiver alone, for tests of anything that exports spans; it shows [`Fault`]s on demand. [`Experiment`] sends
//! [`Row`]s to an agent and gives a [`Report`]. [`run()`], [`check()`] and [`collect()`] are the commands
//! `arize-local run`, `arize-local check`, which sends one row in every variation of what Arize may send, and
//! `arize-local collect` as functions, and [`schema()`] is `arize-local schema`.
//!
//! # Examples
//!
//! ```no_run
//! use arize_local::{Experiment, Receiver};
//! use serde_json::json;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let receiver = Receiver::bind("127.0.0.1:4317".parse()?).await?;
//! let report = Experiment::new("http://127.0.0.1:8000/invoke")
//!     .rows(vec![json!({"goal": "a weekend in Lisbon"}).into()])
//!     .run(&receiver)
//!     .await;
//! report.print_to_stdout()?;
//! # Ok(())
//! # }
//! ```
//!
//! # The checks
//!
//! Each is judged for every row. One fault gives one or two findings: a check that cannot be judged, because
//! something that comes before it failed or because the request left out what it is judged by ([`RequestForm`]),
//! is skipped.
//!
//! | name | fails when |
//! |---|---|
//! | `request` | the agent did not answer, or not with a 2xx status (warns when the answer is not JSON, or came at a further attempt) |
//! | `received` | no span of the row arrived, nor any that could be its own |
//! | `trace-joined` | spans came in another trace than the request's: `traceparent` was not extracted, or the context was lost on the way to a tool |
//! | `chain-parent` | no CHAIN or AGENT span has the experiment span as its parent |
//! | `chain-exported` | spans arrived, but not the CHAIN above them |
//! | `tools-exported` | a tool that was asked for has no span (without names: warns when the CHAIN stands alone); not judged where the request failed |
//! | `tools-under-chain` | a TOOL span has no CHAIN or AGENT above it |
//! | `no-orphans` | the parent of a span never arrived |
//! | `routed` | the request's header or a span's attributes do not name the space and project asked for |
//! | `one-route` | the spans of a trace name several routes |
//! | `known-names` | an OpenInference attribute is misspelt or has the wrong type, or a span kind is unknown |
//! | `input-output` | the CHAIN has no `input.value`, or has no `output.value` although it succeeded (warns for other kinds) |

mod agent;
mod answer;
mod attempt;
mod call;
mod check;
mod checks;
mod client;
mod collect;
mod contents;
mod contract;
mod count;
mod cut;
mod dataset;
mod decode;
mod environment;
mod error;
mod experiment;
mod failure;
mod fault;
mod faults;
mod form;
mod forward;
mod grpc;
mod http;
mod json_file;
mod junit;
mod kept;
mod listen;
mod openinference;
mod otlp_json;
mod out_file;
mod print;
mod progress;
mod protocol;
mod receiver;
mod report;
mod request;
mod run;
mod schema;
mod server;
mod span;
mod spelling;
mod store;
mod template;
mod tree;

pub use agent::AgentOptions;
pub use answer::Answer;
pub use check::{CheckOptions, CheckReport, Verdict, check};
pub use collect::{CollectOptions, collect};
pub use count::Counts;
pub use dataset::{DatasetFormat, read_dataset};
pub use error::StartError;
pub use experiment::{DEFAULT_PROJECT, DEFAULT_SPACE_ID, Experiment, Row};
pub use fault::Fault;
pub use form::{Baggage, BodyShape, Metadata, RequestForm, Traceparent};
pub use listen::ReceiveOptions;
pub use print::stdout_takes_colour;
pub use protocol::Protocol;
pub use receiver::Receiver;
pub use report::{Check, Outcome, Report, RowReport, Trees};
pub use request::ExportRequest;
pub use run::{RunOptions, run};
pub use schema::{SchemaOptions, SchemaReport, schema};
pub use span::{AttributeValue, Attributes, Event, Link, Span, SpanKind, Status, StatusCode};
pub use template::Template;
