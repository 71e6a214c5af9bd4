//! Ways to send the spans of many spaces, each to its own.

mod buffers;
mod exporters;
mod processors;

use std::fmt;
use std::sync::Arc;

use arize_runtime::Protocol;
use benches::Result;
use clap::ValueEnum;
use opentelemetry_sdk::trace::SpanData;
use serde::{Deserialize, Serialize};
use tonic::metadata::{MetadataMap, MetadataValue};

use crate::collector::SPACE_HEADER;
use crate::pipeline::{Pipeline, batch_processor, runtime};
use buffers::Buffers;
use exporters::Exporters;
use processors::Processors;

/// Requests under way at a time in b and e: as many as ours has.
const CONCURRENT: usize = 32;

/// A design of W6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Design {
    /// A `BatchSpanProcessor`, an exporter and a channel for each space, as Arize's Python package
    A,
    /// One `BatchSpanProcessor`, an exporter of opentelemetry-otlp for each space on one channel
    B,
    /// One thread, a buffer for each space, opentelemetry-proto's client
    E,
    /// `arize_runtime` over gRPC
    Ours,
    /// `arize_runtime` over HTTP
    OursHttp,
}

impl fmt::Display for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "a",
            Self::B => "b",
            Self::E => "e",
            Self::Ours => "ours",
            Self::OursHttp => "ours-http",
        })
    }
}

impl Design {
    /// Starts it, exporting to `url`. The one queue of b and of e holds `queue` spans; ours is as it is
    /// by default.
    pub(crate) fn start(self, url: &str, queue: usize) -> Result<Pipeline> {
        match self {
            Self::A => {
                let runtime = runtime()?;
                let processors = Processors::new(url, runtime.handle().clone());
                Ok(Pipeline::of_peer(processors, Some(runtime)))
            }
            Self::B => {
                let runtime = runtime()?;
                let processor =
                    batch_processor(Exporters::new(url, runtime.handle())?, Some(queue));
                Ok(Pipeline::of_peer(processor, Some(runtime)))
            }
            Self::E => Ok(Pipeline::of_peer(Buffers::start(url, queue)?, None)),
            Self::Ours => Pipeline::ours(url, Protocol::Grpc, None),
            Self::OursHttp => Pipeline::ours(url, Protocol::HttpProtobuf, None),
        }
    }
}

fn space_of(span: &SpanData) -> Arc<str> {
    let mut attributes = span.attributes.iter();
    let space = attributes.find(|attribute| attribute.key.as_str() == "arize.space_id");
    Arc::from(
        space
            .map_or_else(|| "".into(), |space| space.value.as_str())
            .as_ref(),
    )
}

/// The headers that route a request.
fn headers(space_id: &str) -> MetadataMap {
    let mut headers = MetadataMap::new();
    let space_id = MetadataValue::try_from(space_id).expect("the bench's ids are ASCII");
    headers.insert(SPACE_HEADER, space_id);
    headers.insert(
        "api_key",
        MetadataValue::from_static("0123456789abcdef0123456789abcdef"),
    );
    headers
}
