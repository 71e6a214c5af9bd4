use arize_runtime::experiment_handler;
use axum::Json;
use axum::http::HeaderMap;

#[derive(serde::Deserialize)]
struct Trip {
    goal: String,
}

#[experiment_handler]
async fn invoke(headers: HeaderMap, Json(trip): Json<Trip>) -> String {
    trip.goal
}

fn main() {}
