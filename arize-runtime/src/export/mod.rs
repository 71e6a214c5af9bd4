//! From an ended span to the collector: one pipeline for any number of spaces. ARCHITECTURE.md has the
//! picture.
//!
//! - On the threads that end spans: `processor` (`allowed`, `attributes`, `weight`) puts them into the `inbox`,
//!   whose `ledger` counts (`spaces`).
//! - On the export thread, started and asked by `handle`: `worker` encodes (`buffers`, `masking`, `encode`), groups
//!   in `routes` (`batch`, `lane`, `request_limit`), sends what is `under_way` (`otlp`, `outgoing`) and answers
//!   every `flush`.
//! - To the collector: `transport` by `grpc` (`proxies`) or `http` (`http_answer`), with `credentials` and `roots`.

mod allowed;
pub(crate) mod attributes;
mod batch;
mod buffers;
mod credentials;
mod encode;
mod excluded;
mod flush;
pub(crate) mod gen_ai;
mod grpc;
mod handle;
mod http;
mod http_answer;
mod inbox;
mod lane;
mod ledger;
pub(crate) mod masking;
mod otlp;
mod outgoing;
mod processor;
mod proxies;
mod request_limit;
mod roots;
mod routes;
mod spaces;
mod transport;
mod under_way;
mod weight;
mod worker;

pub(crate) use self::http::traces_uri;
pub(crate) use allowed::AllowedSpaces;
pub(crate) use credentials::Credentials;
pub(crate) use excluded::ExcludedSpans;
pub use excluded::StartedSpan;
pub(crate) use handle::{Exporter, Settings};
pub(crate) use inbox::{OnLoss, Overload};
pub(crate) use ledger::{Limits, Load};
pub use processor::RoutingSpanProcessor;
#[cfg(feature = "testing")]
pub(crate) use processor::fix_route;
pub(crate) use processor::{Filter, SCOPE};
pub(crate) use roots::Roots;
pub use transport::{Compression, Protocol};
pub(crate) use transport::{Target, TransportConfig, WireConfig};
