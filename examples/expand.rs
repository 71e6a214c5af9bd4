//! What the attributes make of functions: `cargo expand -p examples --example expand`.

use arize_runtime::{AgentRequest, experiment_handler, tool};
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};

/// Work out what a stay costs, in euros.
#[tool]
fn price(nights: u32, per_night: u32) -> u32 {
    nights * per_night
}

#[experiment_handler(name = "run_agent")]
async fn invoke(headers: HeaderMap, Json(request): Json<AgentRequest<[u32; 2]>>) -> Json<u32> {
    let [nights, per_night] = request.input;
    Json(price(nights, per_night))
}

fn main() {
    let _agent: Router = Router::new().route("/invoke", post(invoke));
}
