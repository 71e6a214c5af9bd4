//! The receiver's HTTP port: OTLP/HTTP with protobuf or JSON messages.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{self, Body as _};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::json;
use tonic::Code;
use tonic::body::Body;

use crate::answer::{Incoming, Refusal};
use crate::cut::Cut;
use crate::otlp_json;
use crate::protocol::{Ports, Protocol};
use crate::store::Store;

const PATH: &str = "/v1/traces";

/// As much as the OpenTelemetry Collector takes, before and after decompression.
const MAX_BODY: usize = 20 * 1024 * 1024;

type Failure = (StatusCode, Refusal);

/// Answers requests on the HTTP port; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct HttpPort {
    store: Arc<Store>,
    ports: Arc<Ports>,
}

impl HttpPort {
    pub(crate) fn new(store: Arc<Store>, ports: Arc<Ports>) -> Self {
        Self { store, ports }
    }

    pub(crate) async fn handle(self, request: Request<body::Incoming>, cut: Cut) -> Response<Body> {
        let protocol = Protocol::of(request.headers());
        if protocol == Some(Protocol::Grpc) {
            return self.refuse_grpc(&request);
        }
        match self.export(request, protocol, cut).await {
            Ok(response) => response,
            Err((status, refusal)) => failure(status, protocol, &refusal),
        }
    }

    async fn export(
        &self,
        request: Request<body::Incoming>,
        protocol: Option<Protocol>,
        cut: Cut,
    ) -> Result<Response<Body>, Failure> {
        self.check_path(&request, protocol)?;
        let Some(protocol) = protocol else {
            let wanted = "the content type must be `application/x-protobuf` or `application/json`";
            return Err(unsupported(wanted));
        };
        let (head, body) = request.into_parts();
        let message = decompressed(&head.headers, read(body).await?)?;
        let incoming = Incoming {
            headers: &head.headers,
            protocol,
            message,
            answer: self.store.meet(&head.headers),
            cut,
        };
        incoming
            .take(&self.store)
            .await
            .map(|taken| success(protocol, &taken))
            .map_err(|refusal| {
                let status = refusal.status.unwrap_or(http_status(refusal.code));
                (status, refusal)
            })
    }

    fn check_path(
        &self,
        request: &Request<body::Incoming>,
        protocol: Option<Protocol>,
    ) -> Result<(), Failure> {
        let path = request.uri().path();
        let is_post = request.method() == Method::POST;
        if path != PATH {
            if let Some(protocol) = protocol
                && is_post
            {
                self.store
                    .misdirected(self.ports.misdirected(protocol, false, path));
            }
            let message = format!("there is nothing at `{path}`; traces are posted to `{PATH}`");
            let refusal = Refusal::new(Code::NotFound, message);
            return Err((StatusCode::NOT_FOUND, refusal));
        }
        if !is_post {
            let refusal = Refusal::new(Code::Unimplemented, "traces are posted");
            return Err((StatusCode::METHOD_NOT_ALLOWED, refusal));
        }
        Ok(())
    }

    /// A gRPC client reads a gRPC status, and nothing else.
    fn refuse_grpc(&self, request: &Request<body::Incoming>) -> Response<Body> {
        let path = request.uri().path();
        self.store
            .misdirected(self.ports.misdirected(Protocol::Grpc, false, path));
        let message = format!(
            "this port takes OTLP/HTTP only; OTLP/gRPC is received at {}",
            self.ports.grpc_endpoint()
        );
        tonic::Status::unimplemented(message).into_http()
    }
}

async fn read(body: body::Incoming) -> Result<Bytes, Failure> {
    // Before anything is read, so that a client that sends its whole body first still gets the answer.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(too_large());
    }
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => Err(bad(format!("the body broke off: {error}"))),
    }
}

fn decompressed(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Failure> {
    let encoding = headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
    match encoding.unwrap_or_default() {
        b"" | b"identity" => Ok(body),
        b"gzip" | b"x-gzip" => inflated(MultiGzDecoder::new(&*body)),
        b"deflate" => inflated(ZlibDecoder::new(&*body)),
        _ => Err(unsupported(
            "the content encoding must be `gzip`, `deflate` or none",
        )),
    }
}

/// Reads no more than a body may have: a few kilobytes can stand for gigabytes.
fn inflated(decoder: impl Read) -> Result<Bytes, Failure> {
    let mut body = Vec::new();
    decoder
        .take(MAX_BODY as u64 + 1)
        .read_to_end(&mut body)
        .map_err(|error| bad(format!("the body cannot be decompressed: {error}")))?;
    if body.len() > MAX_BODY {
        return Err(too_large());
    }
    Ok(body.into())
}

fn bad(message: String) -> Failure {
    let refusal = Refusal::new(Code::InvalidArgument, message);
    (StatusCode::BAD_REQUEST, refusal)
}

fn unsupported(message: &str) -> Failure {
    let refusal = Refusal::new(Code::InvalidArgument, message);
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, refusal)
}

fn too_large() -> Failure {
    let message = format!("the body has more than {MAX_BODY} bytes; export smaller batches");
    let refusal = Refusal::new(Code::ResourceExhausted, message);
    (StatusCode::PAYLOAD_TOO_LARGE, refusal)
}

fn http_status(code: Code) -> StatusCode {
    match code {
        Code::InvalidArgument => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        // What may be tried again over gRPC may be over HTTP.
        Code::Cancelled | Code::Aborted | Code::OutOfRange | Code::Unavailable | Code::DataLoss => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn success(protocol: Protocol, taken: &ExportTraceServiceResponse) -> Response<Body> {
    let body = match protocol {
        Protocol::HttpJson => otlp_json::response(taken).to_string().into(),
        Protocol::HttpProtobuf | Protocol::Grpc => taken.encode_to_vec(),
    };
    response(StatusCode::OK, Some(protocol), body)
}

/// An answer with a `google.rpc.Status` in the request's content type, or the message alone where that is unknown.
pub(crate) fn failure(
    status: StatusCode,
    protocol: Option<Protocol>,
    refusal: &Refusal,
) -> Response<Body> {
    let (code, message) = (refusal.code as i32, refusal.message.clone());
    let body = match protocol {
        Some(Protocol::HttpProtobuf) => tonic_types::Status {
            code,
            message,
            details: Vec::new(),
        }
        .encode_to_vec(),
        Some(Protocol::HttpJson) => json!({"code": code, "message": message}).to_string().into(),
        Some(Protocol::Grpc) | None => format!("{message}\n").into(),
    };
    let mut response = response(status, protocol, body);
    let headers = response.headers_mut();
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    if let Some(delay) = refusal.retry_after {
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, seconds.into());
    }
    response
}

fn response(status: StatusCode, protocol: Option<Protocol>, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::from(body)));
    *response.status_mut() = status;
    let content_type = match protocol {
        Some(Protocol::HttpProtobuf) => "application/x-protobuf",
        Some(Protocol::HttpJson) => "application/json",
        Some(Protocol::Grpc) | None => "text/plain; charset=utf-8",
    };
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
