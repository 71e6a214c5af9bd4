//! An OTLP receiver on a local port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::grpc;
use crate::span::Span;
use crate::store::{ExportRequest, Store};

/// How the receiver answers an export request.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Answer {
    /// Takes the spans and says so.
    #[default]
    Ok,
    /// Takes nothing and answers with this gRPC status.
    Status(tonic::Code, String),
    /// Takes the spans, but says that some of them were rejected.
    PartialSuccess {
        /// How many spans were rejected.
        rejected: i64,
        /// Why.
        message: String,
    },
    /// Takes the spans and says so after a while.
    Delay(Duration),
}

/// An OTLP receiver on a local port.
///
/// A cheap handle: clones are the same receiver. It stops when the last handle is dropped, or at
/// [`shutdown`](Self::shutdown); what has arrived stays readable as long as a handle is there.
/// Messages may be compressed with gzip, and have 4 MiB at most, as gRPC servers take them unless told otherwise.
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
    addr: SocketAddr,
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
        let addr = listener.local_addr()?;
        let store = Arc::new(Store::new());
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(grpc::serve(listener, Arc::clone(&store), stopped));
        Ok(Self {
            store,
            server: Arc::new(Server { addr, stop }),
        })
    }

    /// The URL to export to: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let mut addr = self.server.addr;
        if addr.ip().is_unspecified() {
            // 0.0.0.0 and :: can be listened on, but not connected to everywhere.
            addr.set_ip(if addr.is_ipv4() {
                [127, 0, 0, 1].into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            });
        }
        format!("http://{addr}")
    }

    /// The address that the receiver listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.server.addr
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

    /// Closes the port and every connection; returns when both are closed.
    pub async fn shutdown(&self) {
        self.server.stop.send_replace(true);
        self.server.stop.closed().await;
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }
}
