//! The receiver's gRPC port: OTLP's trace service over HTTP/2.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tonic::body::Body;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::Service;
use tonic::server::Grpc;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::answer::{Answer, Incoming, Refusal};
use crate::cut::Cut;
use crate::http as otlp_http;
use crate::protocol::{Ports, Protocol};
use crate::store::Store;

const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Answers requests on the gRPC port; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct GrpcPort {
    store: Arc<Store>,
    ports: Arc<Ports>,
}

impl GrpcPort {
    pub(crate) fn new(store: Arc<Store>, ports: Arc<Ports>) -> Self {
        Self { store, ports }
    }

    pub(crate) async fn handle(self, request: Request<body::Incoming>, cut: Cut) -> Response<Body> {
        match Protocol::of(request.headers()) {
            Some(Protocol::Grpc) => {}
            protocol => return self.refuse(&request, protocol),
        }
        if request.uri().path() != PATH {
            return Status::unimplemented("this port takes OTLP traces only").into_http();
        }
        let answer = self.store.meet(request.headers());
        if let Answer::HttpStatus(status) = answer {
            let _ = request.into_body().collect().await; // who still writes may not read the answer
            return otlp_http::failure(status, None, &Refusal::by_proxy(status));
        }
        let export = Export {
            store: self.store,
            answer,
            cut,
        };
        Grpc::new(BytesCodec)
            .accept_compressed(CompressionEncoding::Gzip)
            .unary(export, request)
            .await
    }

    /// Answers what is no gRPC request, so that an OTLP/HTTP exporter reports it.
    fn refuse(
        &self,
        request: &Request<body::Incoming>,
        protocol: Option<Protocol>,
    ) -> Response<Body> {
        if let Some(protocol) = protocol
            && request.method() == http::Method::POST
        {
            let path = request.uri().path();
            self.store
                .misdirected(self.ports.misdirected(protocol, true, path));
        }
        let instead = match self.ports.http_endpoint() {
            Some(endpoint) => format!("OTLP/HTTP is received at {endpoint}/v1/traces"),
            None => "set `OTEL_EXPORTER_OTLP_PROTOCOL=grpc`".to_owned(),
        };
        let message = format!("this port takes OTLP/gRPC only; {instead}");
        otlp_http::failure(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            protocol,
            &Refusal::new(Code::InvalidArgument, message),
        )
    }
}

/// OTLP's `Export`, for one request. Written by hand, because what only counts spans does not decode them.
struct Export {
    store: Arc<Store>,
    answer: Answer,
    cut: Cut,
}

type Exported = Result<tonic::Response<ExportTraceServiceResponse>, Status>;

impl Service<tonic::Request<Bytes>> for Export {
    type Response = tonic::Response<ExportTraceServiceResponse>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Exported> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let (store, answer, cut) = (
            Arc::clone(&self.store),
            self.answer.clone(),
            self.cut.clone(),
        );
        let (metadata, _, message) = request.into_parts();
        Box::pin(async move {
            let incoming = Incoming {
                headers: &metadata.into_headers(),
                protocol: Protocol::Grpc,
                message,
                answer,
                cut,
            };
            let taken = incoming.take(&store).await;
            taken.map(tonic::Response::new).map_err(status)
        })
    }
}

/// Takes messages as they come.
#[derive(Clone, Copy, Debug)]
struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = ExportTraceServiceResponse;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}

impl Encoder for BytesCodec {
    type Item = ExportTraceServiceResponse;
    type Error = Status;

    fn encode(
        &mut self,
        message: ExportTraceServiceResponse,
        into: &mut EncodeBuf<'_>,
    ) -> Result<(), Status> {
        let encoded = message.encode(into);
        encoded.map_err(|error| Status::internal(error.to_string()))
    }
}

fn status(refusal: Refusal) -> Status {
    match refusal.retry_after {
        Some(delay) => Status::with_error_details(
            refusal.code,
            refusal.message,
            ErrorDetails::with_retry_info(Some(delay)),
        ),
        None => Status::new(refusal.code, refusal.message),
    }
}
