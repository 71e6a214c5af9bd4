//! The collector: OTLP over gRPC and HTTP on one port. It takes everything, and only counts.

mod tally;

use std::convert::Infallible;
use std::io::BufRead as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use benches::{Helper, Result};
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::net::{TcpListener, TcpStream};
use tonic::Status;
use tonic::body::Body;

use tally::Tally;
pub(crate) use tally::{Counts, SPACE_HEADER};

/// A collector in a process of its own, seen from the bench.
#[derive(Debug)]
pub(crate) struct Collector {
    process: Helper,
    port: u16,
}

impl Collector {
    pub(crate) fn start() -> Result<Self> {
        let mut process = Helper::start(&["collector"])?;
        let port = process.line()?.trim().parse()?;
        Ok(Self { process, port })
    }

    /// What to export to, over gRPC and over HTTP.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn counts(&mut self) -> Result<Counts> {
        Ok(serde_json::from_str(&self.process.ask("counts")?)?)
    }
}

/// Says its port, answers each line with its counts, and ends with its stdin.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    println!("{}", listener.local_addr()?.port());
    let counter = Counter::default();
    runtime.spawn(accept(listener, counter.clone()));
    for line in std::io::stdin().lock().lines() {
        line?;
        println!("{}", serde_json::to_string(&counter.tally().counts())?);
    }
    Ok(())
}

async fn accept(listener: TcpListener, counter: Counter) {
    while let Ok((stream, _)) = listener.accept().await {
        counter.tally().connected();
        tokio::spawn(connection(stream, counter.clone()));
    }
}

async fn connection(stream: TcpStream, counter: Counter) {
    let _slower = stream.set_nodelay(true);
    let grpc = TowerToHyperService::new(TraceServiceServer::new(counter.clone()));
    let service = service_fn(move |request: Request<Incoming>| {
        let (grpc, counter) = (grpc.clone(), counter.clone());
        async move {
            if is_grpc(&request) {
                grpc.call(request).await
            } else {
                Ok::<_, Infallible>(counter.http(request).await)
            }
        }
    });
    // An error is that the exporter went away, as it does at the end of a run.
    let _end = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn is_grpc(request: &Request<Incoming>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Counts requests, however they came.
#[derive(Clone, Debug, Default)]
struct Counter(Arc<Mutex<Tally>>);

impl Counter {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a request of OTLP/HTTP. The empty answer is the message that rejects nothing.
    async fn http(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let mut response = Response::new(Body::empty());
        let message = match body.collect().await {
            Ok(body) => ExportTraceServiceRequest::decode(body.to_bytes()).ok(),
            Err(_) => None,
        };
        match message {
            Some(message) => self.tally().count(&head.headers, &message),
            None => *response.status_mut() = StatusCode::BAD_REQUEST,
        }
        response
    }
}

#[tonic::async_trait]
impl TraceService for Counter {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> std::result::Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        self.tally().count(&metadata.into_headers(), &message);
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}
