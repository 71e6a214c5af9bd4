//! An OTLP receiver on local ports.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::answer::Answer;
use crate::count::{Counting, Counts};
use crate::fault::Fault;
use crate::grpc::GrpcPort;
use crate::http::HttpPort;
use crate::protocol::{Misdirected, Ports};
use crate::request::ExportRequest;
use crate::server::Port;
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
    /// Whether the ports are open.
    grpc_is_open: Arc<AtomicBool>,
    http_is_open: Arc<AtomicBool>,
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
        let port = Port {
            addr: ports.grpc,
            store: Arc::clone(&store),
            handle: move |request, cut| port.clone().handle(request, cut),
            is_open: Arc::new(AtomicBool::new(true)),
        };
        let server = Server {
            grpc_is_open: Arc::clone(&port.is_open),
            http_is_open: Arc::new(AtomicBool::new(true)),
            ports,
            stop,
        };
        tokio::spawn(port.serve(listener, stopped));
        Ok(Self {
            store,
            server: Arc::new(server),
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
        let addr = listener.local_addr()?;
        ports.http.set(addr).map_err(|_| {
            let text = "the receiver has an HTTP port already; open one only";
            io::Error::new(io::ErrorKind::AlreadyExists, text)
        })?;
        let port = HttpPort::new(Arc::clone(&self.store), Arc::clone(ports));
        let port = Port {
            addr,
            store: Arc::clone(&self.store),
            handle: move |request, cut| port.clone().handle(request, cut),
            is_open: Arc::clone(&self.server.http_is_open),
        };
        tokio::spawn(port.serve(listener, self.server.stop.subscribe()));
        Ok(self)
    }

    /// Keeps no spans from now on, but counts them: for load tests, whose spans no memory holds.
    ///
    /// See [`counts`](Self::counts). Ids are not remembered, so duplicates are not counted. What is counted is all
    /// that is read of a message.
    #[must_use]
    pub fn counting(self) -> Self {
        self.store.count(Counting::new(false));
        self
    }

    /// Like [`counting`](Self::counting), and remembers the spans' ids: about 20 bytes for each span.
    #[must_use]
    pub fn counting_ids(self) -> Self {
        self.store.count(Counting::new(true));
        self
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

    /// How much was taken: counted as it came where the receiver is [`counting`](Self::counting), else from what is
    /// kept.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counted(Counting::total)
    }

    /// Like [`counts`](Self::counts), for each space that a request's header named (`arize-space-id` or `space_id`);
    /// nothing stands for requests that name none.
    #[must_use]
    pub fn counts_by_space(&self) -> BTreeMap<String, Counts> {
        self.counted(Counting::by_space)
    }

    fn counted<T>(&self, read: impl Fn(&Counting) -> T) -> T {
        match self.store.counting() {
            Some(counting) => read(counting),
            None => read(&Counting::of(&self.requests())),
        }
    }

    /// Answers every request so from now on: [`show`](Self::show) with this one fault, without limits.
    pub fn answer_with(&self, answer: Answer) {
        self.show([Fault::new(answer)]);
    }

    /// Shows these faults from now on, in place of those shown before; none of them to be well again.
    ///
    /// They hold together. The first in the list that is for a request, and is not over, decides how it is answered,
    /// and requests that no fault is for are answered well. [`Answer::Down`] comes before all others, wherever it
    /// stands.
    ///
    /// Requests that come after this call meet the new faults, those under way go on as they were. Ports close and
    /// open a moment later; [`settled`](Self::settled) waits for that.
    ///
    /// # Examples
    ///
    /// ```
    /// use arize_local::{Answer, Fault, Receiver};
    ///
    /// # async fn example() -> std::io::Result<()> {
    /// let receiver = Receiver::bind("127.0.0.1:0".parse().expect("an address")).await?;
    /// // One space hangs; of the others every third request finds the connection cut.
    /// receiver.show([
    ///     Fault::new(Answer::Hang).of_space("U3BhY2U6MTIz"),
    ///     Fault::new(Answer::Reset).every(3),
    /// ]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn show(&self, faults: impl IntoIterator<Item = Fault>) {
        self.store.faults().set(faults);
    }

    /// How many requests have met a fault so far. Connections that were refused are not among them: the operating
    /// system refuses them.
    #[must_use]
    pub fn faulted(&self) -> usize {
        self.store.faults().met()
    }

    /// Returns when the ports are closed or open, as the faults want them now.
    pub async fn settled(&self) {
        let server = &self.server;
        let is_settled = || {
            let is_open = !self.store.faults().is_down();
            let ports = [&server.grpc_is_open, &server.http_is_open];
            let of_use = 1 + usize::from(server.ports.http.get().is_some());
            let as_told = |port: &&Arc<AtomicBool>| port.load(Relaxed) == is_open;
            ports.iter().take(of_use).all(as_told)
        };
        // A port that is being closed for ever does not settle.
        while !is_settled() && !server.stop.is_closed() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
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
