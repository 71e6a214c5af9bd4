//! What the receiver's ports have in common: connections are accepted, served, and closed at once when asked.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::body::Body;

use crate::cut::{Cut, Cuttable};
use crate::store::Store;

/// How long to wait before something is tried again that the operating system refused.
const PAUSE: Duration = Duration::from_millis(50);

/// Connections that may wait to be accepted, as the standard library has it.
const BACKLOG: u32 = 128;

/// One port of a receiver.
#[derive(Debug)]
pub(crate) struct Port<H> {
    pub(crate) addr: SocketAddr,
    pub(crate) store: Arc<Store>,
    pub(crate) handle: H,
    /// Whether connections are accepted, or at least wait for it.
    pub(crate) is_open: Arc<AtomicBool>,
}

impl<H, F> Port<H>
where
    H: Fn(Request<Incoming>, Cut) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    /// Accepts connections until `stopped` is set or its sender is gone, then closes them all. Does the same, but
    /// only for its time, where a fault asks for an outage.
    ///
    /// The loop is our own and not tonic's, so that stopping is immediate and a test may cut connections.
    pub(crate) async fn serve(self, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        let mut listening = Some(listener);
        while let Some(listener) = listening.take() {
            tokio::select! {
                () = self.accept(&listener, &mut connections) => {}
                () = self.store.faults().outage_begins() => {
                    drop(listener);
                    listening = tokio::select! {
                        listener = self.outage(&mut connections) => Some(listener),
                        () = stop_asked(&mut stopped) => None,
                    };
                }
                () = stop_asked(&mut stopped) => {}
            }
        }
        connections.shutdown().await;
        drop(stopped); // tells `Receiver::shutdown` that everything is closed
    }

    async fn outage(&self, connections: &mut JoinSet<()>) -> TcpListener {
        let held = hold(self.addr).await;
        connections.shutdown().await;
        self.is_open.store(false, Relaxed);
        self.store.faults().outage_ends().await;
        let listener = reopen(held, self.addr).await;
        self.is_open.store(true, Relaxed);
        listener
    }

    /// Never returns.
    async fn accept(&self, listener: &TcpListener, connections: &mut JoinSet<()>) {
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        self.store.connected();
                        connections.spawn(connection(stream, self.handle.clone()));
                    }
                    // Out of file descriptors, say: trying again at once would only burn the processor.
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

/// A socket that has the port and does not listen: connections are refused, and nobody else gets the port.
async fn hold(addr: SocketAddr) -> TcpSocket {
    loop {
        match bound(addr) {
            Ok(socket) => return socket,
            // Somebody else was faster, or a connection is still being closed.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

fn bound(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    #[cfg(unix)] // elsewhere it would let others take the port
    socket.set_reuseaddr(true)?; // connections that were just closed still have the port
    socket.bind(addr)?;
    Ok(socket)
}

async fn reopen(mut held: TcpSocket, addr: SocketAddr) -> TcpListener {
    loop {
        match held.listen(BACKLOG) {
            Ok(listener) => return listener,
            Err(_) => held = hold(addr).await,
        }
    }
}

/// A function of its own, so that the borrow that `wait_for` gives is gone at once.
async fn stop_asked(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await; // an error: every handle of the receiver is gone
}

/// Speaks HTTP/1 and HTTP/2, on either port: the wrong protocol gets an answer that says so.
async fn connection<H, F>(stream: TcpStream, handle: H)
where
    H: Fn(Request<Incoming>, Cut) -> F + Send,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let _ = stream.set_nodelay(true);
    let cut = Cut::default();
    let stream = Cuttable::new(stream, cut.clone());
    // Without a timer nothing cuts connections that are idle between two batches.
    let builder = auto::Builder::new(TokioExecutor::new());
    let asked = cut.clone();
    let service = service_fn(move |request| {
        let response = handle(request, cut.clone());
        async { Ok::<_, Infallible>(response.await) }
    });
    tokio::select! {
        // An error is the peer's broken connection; its exporter sees it too and tells.
        _ = builder.serve_connection(TokioIo::new(stream), service) => {}
        () = asked.asked() => {}
    }
}
