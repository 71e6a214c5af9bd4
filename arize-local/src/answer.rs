//! How the receiver answers export requests, whatever they came by.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tonic::Code;

use crate::protocol::Protocol;
use crate::request::ExportRequest;
use crate::store::Store;

/// How the receiver answers an export request.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Answer {
    /// Takes the spans and says so.
    #[default]
    Ok,
    /// Takes nothing and answers with this gRPC status, or the HTTP status that OTLP/HTTP has for it.
    Status(Code, String),
    /// Takes the spans, but says that some of them were rejected.
    PartialSuccess {
        /// How many spans were rejected.
        rejected: i64,
        /// Why.
        message: String,
    },
    /// Takes the spans and says so after a while.
    Delay(Duration),
    /// Takes nothing and asks to try again after a while: `RESOURCE_EXHAUSTED` with a `RetryInfo` over gRPC,
    /// 429 with `Retry-After` over HTTP, which knows whole seconds only (rounded up).
    Throttle(Duration),
}

/// Why a request was not taken.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: None,
        }
    }
}

/// Answers a request as the receiver was told to, and keeps what it takes.
pub(crate) async fn take(
    store: &Store,
    headers: &http::HeaderMap,
    protocol: Protocol,
    message: ExportTraceServiceRequest,
) -> Result<ExportTraceServiceResponse, Refusal> {
    let partial_success = match store.answer() {
        Answer::Ok => None,
        Answer::Status(code, message) => return Err(Refusal::new(code, message)),
        Answer::PartialSuccess { rejected, message } => Some(ExportTracePartialSuccess {
            rejected_spans: rejected,
            error_message: message,
        }),
        Answer::Delay(delay) => {
            tokio::time::sleep(delay).await;
            None
        }
        Answer::Throttle(delay) => {
            return Err(Refusal {
                retry_after: Some(delay),
                ..Refusal::new(
                    Code::ResourceExhausted,
                    "too many requests; try again later",
                )
            });
        }
    };
    if let Some(forwarder) = store.forwarder() {
        forwarder.pass_on(headers, &message);
    }
    store.add(&ExportRequest::decode(texts(headers), protocol, message));
    Ok(ExportTraceServiceResponse { partial_success })
}

fn texts(headers: &http::HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}
