#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(feature = "export"),
    expect(dead_code, reason = "only a pipeline uses it")
)]

// Layers, from low to high: a file imports only from those above it.
pub mod semconv;

mod automatic;
mod error;
mod levels;
mod notice;
mod stats;
mod text;

mod masked_keys;
mod trace_config;

mod json;
mod recording;
mod routing;
mod trace_routes;

mod items;

mod scope;

pub mod attributes;

mod agent_request;
mod agent_schema;
mod request;

mod resolve;

mod propagation;

mod tool_schema;

mod tool_definition;
mod tracer;

mod extract;

mod inject;

mod subprocess;

mod record;
mod within;

#[cfg(feature = "reqwest")]
mod model_call;
mod span;

mod inputs;

mod arguments;
mod outcome;
mod response;

mod instrument;

mod stream;

mod task;

mod handler;

mod body;

#[cfg(feature = "reqwest")]
mod http_client;

#[cfg(feature = "export")]
mod export;

#[cfg(feature = "export")]
mod register;

#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

#[doc(hidden)]
pub mod __private;

/// Pages to read; there is no code in them.
pub mod guides {
    #[doc = include_str!("../docs/collector.md")]
    pub mod collector {}
    #[doc = include_str!("../docs/experiments.md")]
    pub mod experiments {}
    #[doc = include_str!("../docs/from_python.md")]
    pub mod from_python {}
    #[doc = include_str!("../docs/from_tracing.md")]
    pub mod from_tracing {}
    #[doc = include_str!("../docs/gen_ai.md")]
    pub mod gen_ai {}
    #[cfg(feature = "reqwest")]
    #[doc = include_str!("../docs/llm_clients.md")]
    pub mod llm_clients {}
    #[doc = include_str!("../docs/other_libraries.md")]
    pub mod other_libraries {}
    #[doc = include_str!("../docs/schemas.md")]
    pub mod schemas {}
    #[cfg(feature = "export")]
    #[doc = include_str!("../docs/subprocess.md")]
    pub mod subprocess {}
}

// What the compiler's errors name; without a path of its own they would tell where it is kept.
#[doc(hidden)]
pub use arguments::{RecordableArgument, arg, debug_arg, generic_arg};
#[doc(hidden)]
pub use body::{ReadableBody, RequestWithBody};
#[doc(hidden)]
pub use outcome::{FinishedOutput, ReadOutput, RecordableOutput};
#[doc(hidden)]
pub use stream::StreamOutput;
#[doc(hidden)]
pub use tool_definition::ToolParameter;

pub use agent_request::{AgentRequest, ArizeMetadata};
pub use agent_schema::AgentSchema;
pub use arize_macros::{
    agent, chain, decision, embedding, evaluator, experiment_handler, guardrail, llm, prompt,
    reranker, retriever, tool,
};
pub use error::{FlushError, HostError, InstallError, RoutingError};
#[cfg(feature = "export")]
#[cfg_attr(docsrs, doc(cfg(feature = "export")))]
pub use export::{Compression, Protocol, RoutingSpanProcessor, StartedSpan};
pub use extract::extract;
#[cfg(feature = "reqwest")]
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
pub use http_client::{HttpClientLayer, HttpClientService};
pub use inject::{HeaderSink, Propagation, inject};
/// The OpenTelemetry API of the version that spans have to be made with to be routed.
pub use opentelemetry;
pub use record::record;
#[cfg(feature = "export")]
#[cfg_attr(docsrs, doc(cfg(feature = "export")))]
pub use register::{
    Arize, AwaitingProvider, Endpoint, OneSpace, PerRequest, ProjectType, Register,
    RegisterWithRouting, Registration, Routes, register, register_with_routing, shutdown_signal,
};
pub use request::HeaderSource;
pub use routing::{Routing, set_routing_context};
/// Derives the JSON Schema of a tool's argument: `#[derive(arize_runtime::schemars::JsonSchema)]` with
/// `#[schemars(crate = "arize_runtime::schemars")]`.
pub use schemars;
pub use scope::{Scope, suppress_tracing};
pub use semconv::OpenInferenceSpanKind;
pub use stats::{Loss, LossEvent, Losses, SpaceStats, Stats};
pub use stream::hold_span;
pub use subprocess::{CommandContextExt, context_from_env};
pub use task::{JoinSetExt, spawn, spawn_blocking, spawn_thread};
pub use tool_definition::ToolDefinition;
pub use trace_config::Hidden;
pub use within::{RoutingFutureExt, ScopeFutureExt, Within};
