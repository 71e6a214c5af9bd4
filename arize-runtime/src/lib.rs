#![doc = "x"]
mod semconv;
mod error;
mod notice;
mod stats;
mod levels;
mod routing;
mod agent_request;
mod request;
mod resolve;
mod propagation;
mod recording;
mod arguments;
mod tracer;
mod span;
mod outcome;
mod instrument;
mod export;
mod register;
#[doc(hidden)]
pub mod __private;
pub use arize_macros::{agent, chain, experiment_handler, llm, tool};
pub use agent_request::{AgentRequest, ArizeMetadata};
pub use error::{FlushError, InstallError, RoutingError};
pub use register::{register_with_routing, shutdown_signal, Arize, Endpoint, RegisterWithRouting};
pub use request::HeaderSource;
pub use routing::{set_routing_context, Routing, RoutingFutureExt};
pub use semconv::OpenInferenceSpanKind;
pub use stats::{Loss, Losses, Stats};
