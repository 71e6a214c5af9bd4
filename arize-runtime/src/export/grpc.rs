//! OTLP over gRPC: no file but this and `proxies.rs` names tonic.

use std::error::Error as _;
use std::time::Duration;

use bytes::{BufMut as _, Bytes};
use http::HeaderMap;
use http::uri::PathAndQuery;
use prost::Message;
use tonic::client::Grpc as Client;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Extensions, Request, Status};

use super::otlp::decode_response;
use super::proxies::WithoutPages;
use super::transport::{
    Attempt, Compression, Failure, KEEPALIVE, LIMITS, Protocol, UNWELL, USER_AGENT, Wire,
    WireConfig, explain, remedy_of_no_connection,
};
use crate::error::InstallError;

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// An OTLP/gRPC endpoint, and the connection to it.
#[derive(Debug)]
pub(super) struct Grpc {
    endpoint: Endpoint,
    channel: Option<Channel>,
    compression: Compression,
    looks_like_http: bool,
}

impl Grpc {
    pub(super) fn new(config: &WireConfig<'_>) -> Result<Self, InstallError> {
        let target = config.target;
        let error = |reason: String| InstallError::Endpoint {
            endpoint: target.uri.to_string(),
            source: target.source,
            reason,
        };
        let mut endpoint = Endpoint::from(target.uri.clone())
            .user_agent(USER_AGENT)
            .map_err(|e| error(format!("cannot be used: {e}")))?
            .connect_timeout(config.timeout)
            .tcp_keepalive(Some(KEEPALIVE));
        if target.uri.scheme_str() == Some("https") {
            let anchors = config.roots.store().roots.clone();
            endpoint = endpoint
                .tls_config(ClientTlsConfig::new().trust_anchors(anchors))
                .map_err(|e| error(format!("cannot be used with TLS: {e}")))?;
        }
        Ok(Self {
            endpoint,
            channel: None,
            compression: config.compression,
            looks_like_http: target.protocol() == Protocol::HttpProtobuf,
        })
    }
}

impl Wire for Grpc {
    fn connect(&mut self) {
        self.channel = Some(self.endpoint.connect_lazy());
    }

    fn send(&self, headers: HeaderMap, body: Bytes) -> Attempt {
        let metadata = MetadataMap::from_headers(headers);
        let request = Request::from_parts(metadata, Extensions::new(), body);
        let channel = self.channel.clone().expect("it is connected when opened");
        let mut client = Client::new(WithoutPages(channel));
        if self.compression == Compression::Gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let looks_like_http = self.looks_like_http;
        Box::pin(async move {
            let answer = export(client, request).await;
            answer.map_err(|status| failure(&status, looks_like_http))
        })
    }
}

async fn export(
    mut client: Client<WithoutPages>,
    request: Request<Bytes>,
) -> Result<(u64, String), Status> {
    client
        .ready()
        .await
        .map_err(|e| Status::from_error(e.into()))?;
    let path = PathAndQuery::from_static(EXPORT);
    client
        .unary(request, path, Encoded)
        .await
        .map(tonic::Response::into_inner)
}

fn failure(status: &Status, looks_like_http: bool) -> Failure {
    let (code, retryable) = match status.code() {
        Code::Ok => ("OK", false),
        Code::Cancelled => ("CANCELLED", true),
        Code::Unknown => ("UNKNOWN", false),
        Code::InvalidArgument => ("INVALID_ARGUMENT", false),
        Code::DeadlineExceeded => ("DEADLINE_EXCEEDED", true),
        Code::NotFound => ("NOT_FOUND", false),
        Code::AlreadyExists => ("ALREADY_EXISTS", false),
        Code::PermissionDenied => ("PERMISSION_DENIED", false),
        Code::ResourceExhausted => ("RESOURCE_EXHAUSTED", false),
        Code::FailedPrecondition => ("FAILED_PRECONDITION", false),
        Code::Aborted => ("ABORTED", true),
        Code::OutOfRange => ("OUT_OF_RANGE", true),
        Code::Unimplemented => ("UNIMPLEMENTED", false),
        Code::Internal => ("INTERNAL", false),
        Code::Unavailable => ("UNAVAILABLE", true),
        Code::DataLoss => ("DATA_LOSS", true),
        Code::Unauthenticated => ("UNAUTHENTICATED", false),
    };
    // A status with a source was made here: the connection broke, or it never came to be.
    let answered = status.source().is_none();
    let message = explain(status.message(), status.source());
    // A port for HTTP would not know the path; that somebody is overloaded or away is a proxy's word.
    let unwell = answered && status.code() == Code::Unavailable;
    let signs = [
        "HTTP status",
        "content-type",
        "http2 error",
        "frame with invalid size",
    ];
    let http = looks_like_http || !unwell && signs.iter().any(|sign| message.contains(sign));
    let retry_after = retry_info(status.details());
    let throttled = status.code() == Code::ResourceExhausted && retry_after.is_some();
    let too_large = answered && !throttled && is_too_large(status.code(), &message);
    Failure {
        // tonic calls some broken connections UNKNOWN
        code: if answered { code } else { "UNAVAILABLE" }.into(),
        remedy: if too_large {
            LIMITS
        } else {
            remedy(status.code(), &message, http, answered)
        },
        message,
        retryable: (retryable || !answered || throttled) && !too_large,
        retry_after,
        answered,
        too_large,
    }
}

/// Servers have no status of their own for a message above their limit; these are their words.
fn is_too_large(code: Code, message: &str) -> bool {
    match code {
        Code::ResourceExhausted => [
            "message larger than max",             // Go, C++, Python
            "after decompression larger than max", // Go
            "message exceeds maximum size",        // Java
            "message exceeds the maximum",         // .NET
        ]
        .iter()
        .any(|sign| message.contains(sign)),
        Code::OutOfRange => message.contains("message length too large"), // Rust
        // a proxy that knows no gRPC
        _ => message.contains("HTTP status code 413"),
    }
}

fn remedy(code: Code, message: &str, http: bool, answered: bool) -> &'static str {
    match code {
        // `compressed` in Rust, `Decompressor` in Go
        Code::Unimplemented if message.contains("ompress") => {
            "the collector does not take gzip; leave out `.compression(..)` and \
             `OTEL_EXPORTER_OTLP_COMPRESSION`"
        }
        Code::Unauthenticated | Code::PermissionDenied => {
            "check `ARIZE_API_KEY`, and that the key may write to this space"
        }
        Code::Unimplemented
        | Code::Unknown
        | Code::Internal
        | Code::NotFound
        | Code::Unavailable
            if http =>
        {
            "this is probably an OTLP/HTTP port; name the gRPC one (4317 by default), or choose HTTP: \
             `.protocol(Protocol::HttpProtobuf)` or `OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`"
        }
        Code::ResourceExhausted => LIMITS,
        Code::DeadlineExceeded => "check that the collector keeps up, or raise `.timeout(..)`",
        _ if !answered => remedy_of_no_connection(message),
        Code::Unavailable => UNWELL,
        Code::Unimplemented => {
            "check that an OTLP trace receiver (gRPC) listens at this address; if it is one for HTTP, set \
             `OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`"
        }
        _ => "the collector's log should say why",
    }
}

/// `google.rpc.RetryInfo` in the details of a status, if there is one.
fn retry_info(details: &[u8]) -> Option<Duration> {
    let status = rpc::Status::decode(details).ok()?;
    let info = status
        .details
        .into_iter()
        .find(|any| any.type_url.ends_with("google.rpc.RetryInfo"))?;
    let delay = rpc::RetryInfo::decode(info.value.as_slice())
        .ok()?
        .retry_delay?;
    Some(Duration::new(
        u64::try_from(delay.seconds).ok()?,
        u32::try_from(delay.nanos).ok()?,
    ))
}

/// As much of `google/rpc/status.proto` and `error_details.proto` as [`retry_info`] reads.
mod rpc {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Status {
        #[prost(message, repeated, tag = "3")]
        pub(super) details: Vec<Any>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Any {
        #[prost(string, tag = "1")]
        pub(super) type_url: String,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) value: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct RetryInfo {
        #[prost(message, optional, tag = "1")]
        pub(super) retry_delay: Option<Duration>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Duration {
        #[prost(int64, tag = "1")]
        pub(super) seconds: i64,
        #[prost(int32, tag = "2")]
        pub(super) nanos: i32,
    }
}

/// A codec for requests that are encoded already.
#[derive(Debug, Clone, Copy)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = (u64, String);
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, body: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(body.len());
        buffer.put(body);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = (u64, String);
    type Error = Status;

    fn decode(&mut self, body: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        let unreadable = |e| Status::internal(format!("the answer cannot be read: {e}"));
        decode_response(body).map(Some).map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_exhausted_is_tried_again_only_when_the_collector_says_when() {
        let info = rpc::RetryInfo {
            retry_delay: Some(rpc::Duration {
                seconds: 2,
                nanos: 5,
            }),
        };
        let any = rpc::Any {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
            value: info.encode_to_vec(),
        };
        let details = rpc::Status { details: vec![any] }.encode_to_vec().into();
        let told =
            Status::with_details(Code::ResourceExhausted, "message larger than max", details);
        let told = failure(&told, false);
        assert!(told.retryable && told.retry_after == Some(Duration::new(2, 5)));
        assert!(!told.too_large);
        assert!(!failure(&Status::resource_exhausted("no"), false).retryable);
    }

    #[test]
    fn a_message_above_the_limit_is_too_large_and_not_tried_again_as_it_is() {
        for (code, words) in [
            (
                Code::ResourceExhausted,
                "grpc: received message larger than max (5000000 vs. 4194304)",
            ),
            (
                Code::ResourceExhausted,
                "grpc: message after decompression larger than max 4194304",
            ),
            (
                Code::ResourceExhausted,
                "SERVER: Received message larger than max (5000000 vs. 4194304)",
            ),
            (
                Code::ResourceExhausted,
                "gRPC message exceeds maximum size 4194304: 5000000",
            ),
            (
                Code::ResourceExhausted,
                "Received message exceeds the maximum configured message size.",
            ),
            (
                Code::OutOfRange,
                "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes",
            ),
            (
                Code::Unknown,
                "grpc-status header missing, mapped from HTTP status code 413",
            ),
        ] {
            let failure = failure(&Status::new(code, words), false);
            assert!(failure.too_large && !failure.retryable, "{words}");
            assert!(failure.remedy.contains("smaller"), "{words}");
        }
        for other in [
            Status::resource_exhausted("the rate of requests exceeds the maximum"),
            Status::out_of_range("an index"),
            Status::internal("larger than max"),
        ] {
            assert!(!failure(&other, false).too_large, "{other}");
        }
        assert!(failure(&Status::out_of_range("an index"), false).retryable);
    }

    #[test]
    fn failures_name_their_remedy() {
        let remedy = |status: Status, http| failure(&status, http).remedy;
        assert!(remedy(Status::unauthenticated("no"), false).contains("ARIZE_API_KEY"));
        assert!(remedy(Status::unavailable("no"), false).contains("overloaded or restarting"));
        let broken = Status::from_error(Box::new(std::io::Error::other("refused")));
        assert!(remedy(broken, false).contains("scheme and port"));
        assert!(remedy(Status::unimplemented("no"), true).contains("4317"));
        for words in [
            "Content is compressed with `gzip` which isn't supported",
            "grpc: Decompressor is not installed for grpc-encoding \"gzip\"",
        ] {
            let told = remedy(Status::unimplemented(words), false);
            assert!(told.contains("`.compression(..)`"), "{told}");
        }
        let html =
            Status::unimplemented("grpc-status header missing, mapped from HTTP status code 404");
        assert!(remedy(html, false).contains("4317"));
    }

    #[test]
    fn a_broken_connection_is_tried_again_and_a_refusal_is_not() {
        let broken = Status::from_error(Box::new(std::io::Error::other("reset by peer")));
        let broken = failure(&broken, false);
        assert!(broken.retryable && !broken.answered && broken.message.contains("reset by peer"));
        assert!(!failure(&Status::permission_denied("no"), false).retryable);
    }
}
