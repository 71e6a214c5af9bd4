//! The agent: one request in, one trip out.

use std::fmt;

use arize_runtime::attributes::{Llm, LlmTool};
use arize_runtime::{AgentRequest, AgentSchema, experiment_handler, llm, record};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};

use crate::data::{Answer, Flight, RatedHotel, Trip};
use crate::model::{self, Decision};
use crate::tools::{FlightSearch, book_hotel, book_hotel_definition, search_hotels};

/// `POST /invoke`, with the flights service at this URL, and what Arize is to be told of it at `GET /schema`.
pub(crate) fn router(flights_url: String) -> Router {
    Router::new()
        .route("/invoke", post(invoke))
        .route(
            "/schema",
            get(|| async { Json(AgentSchema::of::<Trip>().to_value()) }),
        )
        .with_state(FlightSearch::new(flights_url))
}

#[experiment_handler(name = "run_agent", output = |answer| &answer.text)]
async fn invoke(
    State(flights): State<FlightSearch>,
    headers: HeaderMap,
    Json(request): Json<AgentRequest<Trip>>,
) -> Result<Json<Answer>, AppError> {
    let trip = request.input;
    let flights = flights.search_flights(&trip.from, &trip.to).await?;
    let mut hotels = search_hotels(&trip.to, trip.comfort);
    loop {
        let plan = match plan_trip(&trip, &flights, &hotels) {
            Decision::Book(plan) => plan,
            Decision::GiveUp { reason } => return Ok(Json(Answer::sorry(reason))),
        };
        match book_hotel(&plan.hotel, trip.nights) {
            Ok(booking) => return Ok(Json(Answer::booked(&booking, &plan))),
            // Plan again without it: an error that is handled leaves `run_agent` OK.
            Err(full) => hotels.retain(|hotel| hotel.name != full.hotel),
        }
    }
}

// the tool that it may call, in the words that a real model would be sent
#[llm(attributes = Llm::new().model(model::NAME).tool(LlmTool::of_schema(&book_hotel_definition())))]
fn plan_trip(trip: &Trip, flights: &[Flight], hotels: &[RatedHotel]) -> Decision {
    let decision = model::decide(trip, flights, hotels);
    // what is known only now, such as the tokens that a real model bills
    record(|| Llm::new().finish_reason("stop"));
    decision
}

/// The flights could not be asked for.
#[derive(Debug)]
struct AppError(reqwest::Error);

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the flights service did not answer")
    }
}

impl std::error::Error for AppError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl From<reqwest::Error> for AppError {
    fn from(error: reqwest::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_GATEWAY, self.to_string()).into_response()
    }
}
