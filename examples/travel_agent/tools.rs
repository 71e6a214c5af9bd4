//! What the agent can do. Each tool is a function with one line above it.

use std::fmt;

use arize_runtime::tool;
use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};

use crate::data::{Booking, Comfort, Flight, HOTELS, RatedHotel};

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

    /// Search flights between two airports, by their IATA codes.
    #[tool]
    pub(crate) async fn search_flights(
        &self,
        from: &str,
        to: &str,
    ) -> reqwest::Result<Vec<Flight>> {
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
    }

    /// A request with a span that knows nothing of Arize, as an instrumented HTTP client makes it:
    /// what starts under a span of ours is routed with it.
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

/// Find the hotels of a city that are as comfortable as wanted, with their ratings.
#[tool]
pub(crate) fn search_hotels(city: &str, comfort: Comfort) -> Vec<RatedHotel> {
    let fitting = HOTELS
        .iter()
        .filter(|hotel| hotel.city == city && hotel.stars >= comfort.stars());
    fitting
        .map(|hotel| RatedHotel {
            name: hotel.name.clone(),
            per_night: hotel.per_night,
            rating: rate_hotel(&hotel.name, &hotel.reviews),
        })
        .collect()
}

/// Rate a hotel by its reviews, from 1 to 5.
#[tool]
fn rate_hotel(name: &str, reviews: &[u32]) -> f64 {
    let count = u32::try_from(reviews.len()).unwrap_or(u32::MAX).max(1);
    let average = f64::from(reviews.iter().sum::<u32>()) / f64::from(count);
    (average * 10.0).round() / 10.0
}

/// Book a room. Fails when the hotel has none left.
#[tool(definition)]
pub(crate) fn book_hotel(name: &str, nights: u32) -> Result<Booking, SoldOut> {
    let hotel = HOTELS
        .iter()
        .find(|hotel| hotel.name == name && hotel.rooms > 0);
    let hotel = hotel.ok_or_else(|| SoldOut {
        hotel: name.to_owned(),
    })?;
    Ok(Booking {
        hotel: hotel.name.clone(),
        nights,
        price: nights * hotel.per_night,
    })
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
