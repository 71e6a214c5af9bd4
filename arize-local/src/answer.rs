//! How the receiver answers export requests, whatever they came by.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use tonic::Code;

use crate::cut::Cut;
use crate::protocol::Protocol;
use crate::request::ExportRequest;
use crate::store::Store;

/// How the receiver answers an export request: well, or with one of the faults that collectors have.
///
/// [`Receiver::answer_with`](crate::Receiver::answer_with) answers every request so; a [`Fault`](crate::Fault) is an
/// answer for some of them.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// Takes the spans and says so.
    #[default]
    Ok,
    /// Takes nothing and answers with this gRPC status, or the HTTP status that OTLP/HTTP has for it.
    Status(Code, String),
    /// Takes nothing and answers with this HTTP status: over gRPC too, as a proxy in front of a collector does.
    HttpStatus(StatusCode),
    /// Takes the spans, but says that some of them were rejected. Where none are, the message is a warning.
    PartialSuccess {
        /// How many spans were rejected.
        rejected: i64,
        /// Why.
        message: String,
    },
    /// Takes the spans and says so after a while. Who does not wait for it and sends them again makes duplicates.
    Delay(Duration),
    /// Reads the request, takes nothing and never answers, even when the receiver is told to answer otherwise.
    Hang,
    /// Takes nothing and asks to try again after a while: `RESOURCE_EXHAUSTED` with a `RetryInfo` over gRPC,
    /// 429 with `Retry-After` over HTTP, which knows whole seconds only (rounded up).
    Throttle(Duration),
    /// Like [`Throttle`](Self::Throttle), with `UNAVAILABLE` over gRPC and 503 over HTTP.
    Unavailable(Duration),
    /// Takes nothing and resets the TCP connection before a byte of the answer. Other requests that are under way on
    /// the connection break off with it.
    Reset,
    /// Takes the spans and resets the TCP connection before a byte of the answer: a retry makes duplicates.
    LostAnswer,
    /// Refuses requests of more bytes as servers in Go do, and takes the others: `RESOURCE_EXHAUSTED` over gRPC, 413
    /// over HTTP. A message counts as it is after decompression.
    ///
    /// Above the receiver's own limits it changes nothing.
    Limit(usize),
    /// Like [`Limit`](Self::Limit), but over gRPC as servers in Rust (tonic) do: `OUT_OF_RANGE`.
    TonicLimit(usize),
    /// The ports are closed: connections are refused, and those that are there are closed. When the receiver is told
    /// to answer otherwise, the same ports open again, and what was received is still there.
    ///
    /// All of the receiver is down, so of what a [`Fault`](crate::Fault) is limited to, its time alone counts.
    Down,
    /// The request makes the collector crash and start anew: nothing is taken, and the ports are closed for so long.
    ///
    /// It happens once, unless a [`Fault`](crate::Fault) says how many [`times`](crate::Fault::times).
    Restart(Duration),
}

/// Why a request was not taken.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    /// The HTTP status, where it is not the one that the code stands for.
    pub(crate) status: Option<StatusCode>,
    pub(crate) message: String,
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            status: None,
            message: message.into(),
            retry_after: None,
        }
    }

    /// What a proxy answers.
    pub(crate) fn by_proxy(status: StatusCode) -> Self {
        Self {
            status: Some(status),
            ..Self::new(Code::Unknown, format!("{status}, as a proxy says it"))
        }
    }
}

/// An export request that was read, and what it is to meet.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) protocol: Protocol,
    /// Decompressed.
    pub(crate) message: Bytes,
    pub(crate) answer: Answer,
    /// Cuts the connection that it came by.
    pub(crate) cut: Cut,
}

impl Incoming<'_> {
    /// Answers the request as it was decided, and keeps what is to be taken.
    pub(crate) async fn take(self, store: &Store) -> Result<ExportTraceServiceResponse, Refusal> {
        match &self.answer {
            Answer::Hang => std::future::pending().await,
            Answer::Reset | Answer::Down | Answer::Restart(_) => self.cut.now().await,
            _ => {}
        }
        if let Some(refusal) = refusal(&self.answer, self.message.len()) {
            return Err(refusal);
        }
        self.keep(store)?;
        let mut response = ExportTraceServiceResponse::default();
        match self.answer {
            Answer::Delay(delay) => tokio::time::sleep(delay).await,
            Answer::LostAnswer => self.cut.now().await,
            Answer::PartialSuccess { rejected, message } => {
                response.partial_success = Some(ExportTracePartialSuccess {
                    rejected_spans: rejected,
                    error_message: message,
                });
            }
            _ => {}
        }
        Ok(response)
    }

    fn keep(&self, store: &Store) -> Result<(), Refusal> {
        if let Some(counting) = store.counting() {
            counting.add(self.headers, self.protocol, &self.message)?;
            store.tell();
            return Ok(());
        }
        let message = self.protocol.decode(&self.message)?;
        if let Some(forwarder) = store.forwarder() {
            forwarder.pass_on(self.headers, &message);
        }
        store.add(&ExportRequest::decode(self.headers, self.protocol, message));
        Ok(())
    }
}

/// Why a request of so many bytes is refused, if it is.
fn refusal(answer: &Answer, size: usize) -> Option<Refusal> {
    let later = |code, delay, message| Refusal {
        retry_after: Some(delay),
        ..Refusal::new(code, message)
    };
    let too_large = |code, message| Refusal {
        status: Some(StatusCode::PAYLOAD_TOO_LARGE),
        ..Refusal::new(code, message)
    };
    Some(match answer {
        Answer::Status(code, message) => Refusal::new(*code, message.as_str()),
        Answer::HttpStatus(status) => Refusal::by_proxy(*status),
        Answer::Throttle(delay) => later(
            Code::ResourceExhausted,
            *delay,
            "too many requests; try again later",
        ),
        Answer::Unavailable(delay) => {
            later(Code::Unavailable, *delay, "overloaded; try again later")
        }
        // In the words of grpc-go and of tonic: exporters may read them.
        Answer::Limit(max) if size > *max => too_large(
            Code::ResourceExhausted,
            format!("grpc: received message larger than max ({size} vs. {max})"),
        ),
        Answer::TonicLimit(max) if size > *max => too_large(
            Code::OutOfRange,
            format!(
                "Error, decoded message length too large: found {size} bytes, the limit is: {max} bytes"
            ),
        ),
        _ => return None,
    })
}
