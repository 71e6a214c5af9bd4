//! What the agent can do. Compare with `travel_agent/tools.rs`, where each tool has one line above
//! it.

use std::fmt;

use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};
use serde_json::json;

use crate::data::{Booking, Comfort, Flight, HOTELS, RatedHotel};
use crate::telemetry::{fail, start_tool, succeed};

/// Asks the flights service.
#[derive(Clone)]
pub(crate) struct FlightSearch {
    http: reqwest::Client,
    url: String,
}

impl FlightSearch {
    pub(crate) fn new(url: String) -> Self {
        Self {
            http: reqwest::Client::new(),
            url,
        }
    }

    // #[tool]
    pub(crate) async fn search_flights(
        &self,
        from: &str,
        to: &str,
    ) -> reqwest::Result<Vec<Flight>> {
        let context = start_tool(
            "search_flights",
            "Search flights between two airports, by their IATA codes.",
            &json!({"from": {"type": "string"}, "to": {"type": "string"}}),
            &["from", "to"],
            &json!({"from": from, "to": to}),
        );
        let result = async {
            let request = self
                .http
                .get(&self.url)
                .query(&[("from", from), ("to", to)])
                .build()?;
            self.http_request(request)
                .await?
                .error_for_status()?
                .json()
                .await
        };
        let result: reqwest::Result<Vec<Flight>> = result.with_context(context.clone()).await;
        match &result {
            Ok(flights) => succeed(&context, flights),
            Err(error) => fail(&context, error),
        }
        result
    }

    /// The same as in `travel_agent`: an instrumented HTTP client knows nothing of Arize.
    async fn http_request(&self, request: reqwest::Request) -> reqwest::Result<reqwest::Response> {
        let tracer = global::tracer("http-client");
        let span = tracer
            .span_builder("http_request")
            .with_kind(SpanKind::Client)
            .with_attributes([KeyValue::new("url.full", request.url().to_string())])
            .start(&tracer);
        let context = Context::current_with_span(span);
        let response = self
            .http
            .execute(request)
            .with_context(context.clone())
            .await;
        match &response {
            Ok(response) => {
                let status = i64::from(response.status().as_u16());
                let status = KeyValue::new("http.response.status_code", status);
                context.span().set_attribute(status);
            }
            Err(error) => context.span().set_status(Status::error(error.to_string())),
        }
        response
    }
}

// #[tool]
pub(crate) fn search_hotels(city: &str, comfort: Comfort) -> Vec<RatedHotel> {
    let context = start_tool(
        "search_hotels",
        "Find the hotels of a city that are as comfortable as wanted, with their ratings.",
        // `#[tool]` asks the type; here a new value of `Comfort` will be forgotten.
        &json!({
            "city": {"type": "string"},
            "comfort": {"type": "string", "enum": ["simple", "cosy", "grand"]},
        }),
        &["city", "comfort"],
        &json!({"city": city, "comfort": comfort}),
    );
    // A guard is right here: nothing is awaited while it is held.
    let _guard = context.clone().attach();
    let fitting = HOTELS
        .iter()
        .filter(|hotel| hotel.city == city && hotel.stars >= comfort.stars());
    let hotels = fitting
        .map(|hotel| RatedHotel {
            name: hotel.name.clone(),
            per_night: hotel.per_night,
            rating: rate_hotel(&hotel.name, &hotel.reviews),
        })
        .collect();
    succeed(&context, &hotels);
    hotels
}

// #[tool]
fn rate_hotel(name: &str, reviews: &[u32]) -> f64 {
    let context = start_tool(
        "rate_hotel",
        "Rate a hotel by its reviews, from 1 to 5.",
        &json!({
            "name": {"type": "string"},
            "reviews": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        }),
        &["name", "reviews"],
        &json!({"name": name, "reviews": reviews}),
    );
    let count = u32::try_from(reviews.len()).unwrap_or(u32::MAX).max(1);
    let average = f64::from(reviews.iter().sum::<u32>()) / f64::from(count);
    let rating = (average * 10.0).round() / 10.0;
    succeed(&context, &rating);
    rating
}

// #[tool]
pub(crate) fn book_hotel(name: &str, nights: u32) -> Result<Booking, SoldOut> {
    let context = start_tool(
        "book_hotel",
        "Book a room. Fails when the hotel has none left.",
        &json!({"name": {"type": "string"}, "nights": {"type": "integer", "minimum": 0}}),
        &["name", "nights"],
        &json!({"name": name, "nights": nights}),
    );
    let hotel = HOTELS
        .iter()
        .find(|hotel| hotel.name == name && hotel.rooms > 0);
    let result = match hotel {
        None => Err(SoldOut {
            hotel: name.to_owned(),
        }),
        Some(hotel) => Ok(Booking {
            hotel: hotel.name.clone(),
            nights,
            price: nights * hotel.per_night,
        }),
    };
    match &result {
        Ok(booking) => succeed(&context, booking),
        Err(error) => fail(&context, error),
    }
    result
}

/// No room is left.
#[derive(Debug)]
pub(crate) struct SoldOut {
    pub(crate) hotel: String,
}

impl fmt::Display for SoldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no room left at {}", self.hotel)
    }
}

impl std::error::Error for SoldOut {}
