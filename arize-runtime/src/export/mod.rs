//! From an ended span to the collector: one pipeline for any number of spaces.
//!
//! ```text
//!  any thread                     the thread `arize-export`, its own current-thread runtime
//!  ----------                     ---------------------------------------------------------------
//!  on_start: route -> attributes
//!  on_end:   judge the route      Worker: collect -> encode -> Routes (space > project > batch)
//!            count, or push -> Inbox ---^     sealed by size, age or flush     |
//!                                         at most 32 requests, fair by space   v
//!  flush --------------------> Inbox    Transport: one connection, the space's own headers
//! ```
//!
//! A span is encoded once, when the worker takes it: what is buffered is bytes, so batches are cut
//! at exact sizes, a retry costs a reference count (and compression, where that is on), and every transport sends
//! the same bytes.

mod allowed;
pub(crate) mod attributes;
mod batch;
mod buffers;
mod credentials;
mod flush;
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
mod roots;
mod routes;
mod spaces;
mod transport;
mod under_way;
mod weight;
mod worker;

pub(crate) use allowed::AllowedSpaces;
pub(crate) use credentials::Credentials;
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
