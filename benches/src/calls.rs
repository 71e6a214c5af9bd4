//! What the programs of the bench `calls` share: one for each peer, and the one that runs them.
//!
//! A peer implements [`Peer`], and its program is [`main`]. All peers do the same work and record the
//! same content, which is checked before a figure counts.

mod check;
mod child;
mod material;
pub mod otel;
mod sink;

use std::future::Future;

use clap::ValueEnum;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use child::{COUNTED, Counts, Measure, Measured, Order, main};
pub use material::{
    Answer, Arguments, DESCRIPTION, EmptyQuery, Route, body, large_body, query, root_input, route,
};
pub use sink::Sink;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// A sync tool under an active parent
    W1,
    /// An async tool that yields once
    W2,
    /// A request with `traceparent`, `tracestate` and `baggage`: a root span and four tools, one nested
    W3,
    /// W3 with `traceparent` alone
    W3tp,
    /// W1 with nothing installed
    W4,
    /// W1 with one more static attribute
    Described,
    /// W1 under a parent that is not sampled
    Unsampled,
    /// A tool with an argument of a mebibyte
    Large,
}

impl Workload {
    /// The name on the command line and in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::W1 => "w1",
            Self::W2 => "w2",
            Self::W3 => "w3",
            Self::W3tp => "w3tp",
            Self::W4 => "w4",
            Self::Described => "described",
            Self::Unsampled => "unsampled",
            Self::Large => "large",
        }
    }

    /// Calls under one parent; those of a run are a multiple of them.
    #[must_use]
    pub fn chunk(self) -> u64 {
        match self {
            Self::W3 | Self::W3tp => 1,
            Self::Large => 4,
            _ => 64,
        }
    }

    /// Spans of so many calls, the parents included.
    fn spans(self, calls: u64) -> u64 {
        match self {
            Self::W3 | Self::W3tp => 5 * calls,
            Self::W4 | Self::Unsampled => 0,
            _ => calls + calls / self.chunk(),
        }
    }
}

/// A way to trace, or none.
pub trait Peer {
    /// Whether it makes OpenTelemetry spans.
    const RECORDS: bool = true;
    /// Whether its spans have the caller's `tracestate`.
    const KEEPS_TRACESTATE: bool = true;

    /// Makes ready what records; never called where nothing is to be installed.
    fn install();
    /// Does the work under an active span with the name `parent`, where something is installed.
    fn parent<T>(work: impl FnOnce() -> T) -> T;
    /// The tool `search`, which is [`body`].
    ///
    /// # Errors
    /// That of the body.
    fn tool(query: &str, limit: u32) -> Answer;
    /// The same after one `yield_now`.
    fn async_tool(query: &str, limit: u32) -> impl Future<Output = Answer>;
    /// A request: `handle`, in which are `search`, `lookup` and `summarize`, in which is `rank`.
    fn request(headers: &HeaderMap, request: &Value) -> impl Future<Output = Answer>;
    /// [`tool`](Self::tool) with [`DESCRIPTION`] as `tool.description`.
    ///
    /// # Errors
    /// That of the body.
    fn described_tool(_query: &str, _limit: u32) -> Answer {
        unimplemented!("not every peer is asked")
    }
    /// The tool `measure`, which is [`large_body`].
    ///
    /// # Errors
    /// Never.
    fn large_tool(_text: &str) -> Answer {
        unimplemented!("not every peer is asked")
    }
    /// Hands over what waits in the background.
    fn flush() {}
}
