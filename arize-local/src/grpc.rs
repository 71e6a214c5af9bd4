//! The receiver's gRPC port: OTLP's trace service over HTTP/2.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::answer::{self, Refusal};
use crate::http as otlp_http;
use crate::protocol::{Ports, Protocol};
use crate::store::Store;

/// Answers requests on the gRPC port; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct GrpcPort {
    service: TraceServiceServer<Service>,
    store: Arc<Store>,
    ports: Arc<Ports>,
}

impl GrpcPort {
    pub(crate) fn new(store: Arc<Store>, ports: Arc<Ports>) -> Self {
        let service = TraceServiceServer::new(Service(Arc::clone(&store)))
            .accept_compressed(CompressionEncoding::Gzip);
        Self {
            service,
            store,
            ports,
        }
    }

    pub(crate) async fn handle(self, request: Request<Incoming>) -> Response<Body> {
        match Protocol::of(request.headers()) {
            Some(Protocol::Grpc) => {}
            protocol => return self.refuse(&request, protocol),
        }
        let Ok(response) = TowerToHyperService::new(self.service).call(request).await;
        response
    }

    /// Answers what is no gRPC request, so that an OTLP/HTTP exporter reports it.
    fn refuse(&self, request: &Request<Incoming>, protocol: Option<Protocol>) -> Response<Body> {
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

#[derive(Debug)]
struct Service(Arc<Store>);

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        answer::take(&self.0, &metadata.into_headers(), Protocol::Grpc, message)
            .await
            .map(tonic::Response::new)
            .map_err(status)
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
