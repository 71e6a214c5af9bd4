//! The receiver's gRPC transport: OTLP's trace service over HTTP/2.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::codec::CompressionEncoding;
use tonic::{Request, Response, Status};

use crate::receiver::Answer;
use crate::store::{ExportRequest, Store};

/// Accepts connections until `stopped` is set or its sender is gone, then closes them all.
///
/// The loop is our own and not tonic's, so that stopping is immediate and a test may cut connections.
pub(crate) async fn serve(
    listener: TcpListener,
    store: Arc<Store>,
    mut stopped: watch::Receiver<bool>,
) {
    let service = TraceServiceServer::new(Service(Arc::clone(&store)))
        .accept_compressed(CompressionEncoding::Gzip);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    store.connected();
                    connections.spawn(connection(stream, service.clone()));
                }
                // Out of file descriptors, say: trying again at once would only burn the processor.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
            () = stop_asked(&mut stopped) => break,
        }
    }
    drop(listener);
    connections.shutdown().await;
    drop(stopped); // tells `Receiver::shutdown` that everything is closed
}

/// A function of its own, so that the borrow that `wait_for` gives is gone at once.
async fn stop_asked(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await; // an error: every handle of the receiver is gone
}

async fn connection(stream: TcpStream, service: TraceServiceServer<Service>) {
    let _ = stream.set_nodelay(true);
    // An error is the peer's broken connection; its exporter sees it too and tells.
    let _ = http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .await;
}

#[derive(Debug)]
struct Service(Arc<Store>);

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let partial_success = match self.0.answer() {
            Answer::Ok => None,
            Answer::Status(code, message) => return Err(Status::new(code, message)),
            Answer::PartialSuccess { rejected, message } => Some(ExportTracePartialSuccess {
                rejected_spans: rejected,
                error_message: message,
            }),
            Answer::Delay(delay) => {
                tokio::time::sleep(delay).await;
                None
            }
        };
        let (metadata, _, message) = request.into_parts();
        self.0
            .add(ExportRequest::decode(headers(metadata), message));
        Ok(Response::new(ExportTraceServiceResponse {
            partial_success,
        }))
    }
}

fn headers(metadata: tonic::metadata::MetadataMap) -> Vec<(String, String)> {
    metadata
        .into_headers()
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}
