//! The agent: one request in, one trip out. Compare with `travel_agent/agent.rs`.

use std::fmt;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use opentelemetry::trace::{FutureExt, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use serde_json::{Value, json};

use crate::data::{Answer, Flight, RatedHotel, Trip};
use crate::model::{self, Decision};
use crate::telemetry;
use crate::tools::{FlightSearch, book_hotel, search_hotels};

/// `POST /invoke`, with the flights service at this URL.
pub(crate) fn router(flights_url: String) -> Router {
    Router::new()
        .route("/invoke", post(invoke))
        .with_state(FlightSearch::new(flights_url))
}

// #[experiment_handler(name = "run_agent", output = |answer| &answer.text)] is all of this
// function, and the argument can be `AgentRequest<Trip>`: by hand the body must be taken apart, for
// the metadata.
async fn invoke(
    State(flights): State<FlightSearch>,
    headers: HeaderMap,
    Json(mut body): Json<Value>,
) -> Result<Json<Answer>, AppError> {
    let metadata = body["arize_metadata"].clone();
    // Arize sends the row under `input`, or its fields at the top level.
    let input = if let Some(input) = body.get_mut("input") {
        input.take()
    } else {
        body.as_object_mut()
            .map(|body| body.remove("arize_metadata"));
        body
    };
    // In this order: the parent, the route on top of it, and only then the span.
    let context = telemetry::extract(&headers, &metadata);
    let context = telemetry::start(&context, "run_agent", "CHAIN", &input);
    let linkage = telemetry::linkage(&headers, &metadata);
    context
        .span()
        .set_attribute(KeyValue::new("metadata", linkage));
    // In a function of its own, for `?` must not leave before the span has its status; and with
    // `with_context`, for a guard that is held over an `.await` leaks to other requests.
    let result = run_agent(&flights, input)
        .with_context(context.clone())
        .await;
    match &result {
        Ok(answer) => telemetry::succeed(&context, &answer.text),
        Err(error) => telemetry::fail(&context, error),
    }
    result.map(Json)
}

async fn run_agent(flights: &FlightSearch, input: Value) -> Result<Answer, AppError> {
    let trip: Trip = serde_json::from_value(input).map_err(AppError::Request)?;
    let flights = flights
        .search_flights(&trip.from, &trip.to)
        .await
        .map_err(AppError::Flights)?;
    let mut hotels = search_hotels(&trip.to, trip.comfort);
    loop {
        let plan = match plan_trip(&trip, &flights, &hotels) {
            Decision::Book(plan) => plan,
            Decision::GiveUp { reason } => return Ok(Answer::sorry(reason)),
        };
        match book_hotel(&plan.hotel, trip.nights) {
            Ok(booking) => return Ok(Answer::booked(&booking, &plan)),
            Err(full) => hotels.retain(|hotel| hotel.name != full.hotel),
        }
    }
}

// #[llm]
fn plan_trip(trip: &Trip, flights: &[Flight], hotels: &[RatedHotel]) -> Decision {
    let input = json!({"trip": trip, "flights": flights, "hotels": hotels});
    let context = telemetry::start(&Context::current(), "plan_trip", "LLM", &input);
    context
        .span()
        .set_attribute(KeyValue::new("llm.model_name", model::NAME));
    let decision = model::decide(trip, flights, hotels);
    telemetry::succeed(&context, &decision);
    decision
}

/// Why there is no answer.
#[derive(Debug)]
enum AppError {
    Request(serde_json::Error),
    Flights(reqwest::Error),
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => write!(f, "the request is no trip: {error}"),
            Self::Flights(_) => f.write_str("the flights service did not answer"),
        }
    }
}

impl std::error::Error for AppError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Request(error) => Some(error),
            Self::Flights(error) => Some(error),
        }
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Request(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Flights(_) => StatusCode::BAD_GATEWAY,
        };
        (status, self.to_string()).into_response()
    }
}
