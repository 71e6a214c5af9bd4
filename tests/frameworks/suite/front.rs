//! An HTTP server before agents that speak something else, so that `arize-local` can call them.

use axum::Router;
use tokio::net::TcpListener;

use crate::experiment::any_port;

/// Serves on a free port; gives the URL without a path.
pub(crate) async fn serve(router: Router) -> String {
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    url
}
