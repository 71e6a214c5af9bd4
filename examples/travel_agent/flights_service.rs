//! The service that knows the flights. In real life another program; here a second server on a free
//! port.

use std::io;
use std::time::Duration;

use axum::extract::Query;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::data::{FLIGHTS, Flight};

/// Starts the service and gives its URL.
pub(crate) async fn start() -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/flights", listener.local_addr()?);
    let service = Router::new().route("/flights", get(flights));
    tokio::spawn(axum::serve(listener, service).into_future());
    Ok(url)
}

#[derive(Deserialize)]
struct Route {
    from: String,
    to: String,
}

async fn flights(Query(route): Query<Route>) -> Json<Vec<Flight>> {
    tokio::time::sleep(Duration::from_millis(20)).await; // real ones are farther away
    let fitting = FLIGHTS
        .iter()
        .filter(|flight| flight.from == route.from && flight.to == route.to);
    Json(fitting.cloned().collect())
}
