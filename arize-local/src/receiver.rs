//! An OTLP receiver on local ports.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::answer::Answer;
use crate::grpc::GrpcPort;
use crate::http::HttpPort;
use crate::protocol::{Misdirected, Ports};
use crate::request::ExportRequest;
use crate::server::serve;
use crate::span::Span;
use crate::store::Store;

/// An OTLP receiver on local ports: one for OTLP/gRPC and, where asked for, one for OTLP/HTTP.
///
/// A cheap handle: clones are the same receiver. It stops when the last handle is dropped, or at
/// [`shutdown`](Self::shutdown); what has arrived stays readable as long as a handle is there.
/// Messages may be compressed with gzip. They have 4 MiB at most over gRPC, as its servers take them unless told
/// otherwise, and 20 MiB over HTTP, as the OpenTelemetry Collector takes them.
///
/// # Examples
///
/// ```
/// # async fn example() -> std::io::Result<()> {
/// let receiver = arize_local::Receiver::bind("127.0.0.1:0".parse().expect("an address")).await?;
/// println!("export to {}", receiver.endpoint());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Receiver {
    store: Arc<Store>,
    server: Arc<Server>,
}

#[derive(Debug)]
struct Server {
    ports: Arc<Ports>,
    /// The server stops when this is dropped or set.
    stop: watch::Sender<bool>,
}

impl Receiver {
    /// Opens an OTLP/gRPC receiver on this address; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// Returns the operating system's error when the address cannot be bound, for example because
    /// another program uses the port.
    pub async fn bind(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let ports = Arc::new(Ports {
            grpc: listener.local_addr()?,
            http: OnceLock::new(),
        });
        let store = Arc::new(Store::new());
        let (stop, stopped) = watch::channel(false);
        let port = GrpcPort::new(Arc::clone(&store), Arc::clone(&ports));
        let handle = move |request| port.clone().handle(request);
        tokio::spawn(serve(listener, Arc::clone(&store), handle, stopped));
        Ok(Self {
            store,
            server: Arc::new(Server { ports, stop }),
        })
    }

    /// Receives OTLP/HTTP on this address as well; port 0 takes a free one.
    ///
    /// What arrives there is kept with what arrives over gRPC, and every handle of the receiver knows of it.
    ///
    /// # Errors
    ///
    /// Returns the operating system's error when the address cannot be bound, and an error where the receiver
    /// has an HTTP port already.
    pub async fn with_http(self, addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let ports = &self.server.ports;
        ports.http.set(listener.local_addr()?).map_err(|_| {
            let text = "the receiver has an HTTP port already; open one only";
            io::Error::new(io::ErrorKind::AlreadyExists, text)
        })?;
        let port = HttpPort::new(Arc::clone(&self.store), Arc::clone(ports));
        let handle = move |request| port.clone().handle(request);
        let stopped = self.server.stop.subscribe();
        tokio::spawn(serve(listener, Arc::clone(&self.store), handle, stopped));
        Ok(self)
    }

    /// The URL to export to over gRPC: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.server.ports.grpc_endpoint()
    }

    /// The URL to export to over HTTP, without `/v1/traces`, where there is an HTTP port.
    #[must_use]
    pub fn http_endpoint(&self) -> Option<String> {
        self.server.ports.http_endpoint()
    }

    /// The address of the HTTP port, where there is one.
    #[must_use]
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.server.ports.http.get().copied()
    }

    /// The address of the gRPC port.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.server.ports.grpc
    }

    /// Every accepted request, in arrival order.
    #[must_use]
    pub fn requests(&self) -> Vec<ExportRequest> {
        self.store.requests_since(0)
    }

    /// Every span, in arrival order.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.requests()
            .iter()
            .flat_map(|request| request.spans.iter().cloned())
            .collect()
    }

    /// The spans of one trace (32 lower-case hex digits), in arrival order.
    #[must_use]
    pub fn trace(&self, trace_id: &str) -> Vec<Span> {
        self.store.trace(trace_id)
    }

    /// Waits until `enough` holds for the spans received so far, or the time is over; gives what is there.
    pub async fn wait_until(
        &self,
        timeout: Duration,
        enough: impl Fn(&[Span]) -> bool,
    ) -> Vec<Span> {
        self.store.wait_until(timeout, enough).await
    }

    /// TCP connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.store.connections()
    }

    /// Changes how the receiver answers from now on.
    pub fn answer_with(&self, answer: Answer) {
        self.store.set_answer(answer);
    }

    /// Closes the ports and every connection; returns when all are closed.
    pub async fn shutdown(&self) {
        self.server.stop.send_replace(true);
        self.server.stop.closed().await;
    }

    /// The export requests that came to the wrong port or path.
    pub(crate) fn misdirected(&self) -> Vec<Misdirected> {
        self.store.all_misdirected()
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }
}
