//! What the receiver's ports have in common: connections are accepted, served, and closed at once when asked.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::body::Body;

use crate::store::Store;

/// Accepts connections until `stopped` is set or its sender is gone, then closes them all.
///
/// The loop is our own and not tonic's, so that stopping is immediate and a test may cut connections.
pub(crate) async fn serve<H, F>(
    listener: TcpListener,
    store: Arc<Store>,
    handle: H,
    mut stopped: watch::Receiver<bool>,
) where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    store.connected();
                    connections.spawn(connection(stream, handle.clone()));
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

/// Speaks HTTP/1 and HTTP/2, on either port: the wrong protocol gets an answer that says so.
async fn connection<H, F>(stream: TcpStream, handle: H)
where
    H: Fn(Request<Incoming>) -> F + Send,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let _ = stream.set_nodelay(true);
    // Without a timer nothing cuts connections that are idle between two batches.
    let builder = auto::Builder::new(TokioExecutor::new());
    let service = service_fn(move |request| {
        let response = handle(request);
        async { Ok::<_, Infallible>(response.await) }
    });
    // An error is the peer's broken connection; its exporter sees it too and tells.
    let _ = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
