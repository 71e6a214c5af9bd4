//! Stands in for a language model: it needs no network and decides the same every time.

use serde::Serialize;

use crate::data::{Flight, RatedHotel, Trip};

/// What the model is called on spans.
pub(crate) const NAME: &str = "travel-rules-1";

/// What the model wants done.
#[derive(Debug, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub(crate) enum Decision {
    Book {
        flight: String,
        hotel: String,
        total: u32,
    },
    GiveUp {
        reason: String,
    },
}

/// The best rated hotel that the budget allows with the cheapest flight; of equals, the cheaper.
pub(crate) fn decide(trip: &Trip, flights: &[Flight], hotels: &[RatedHotel]) -> Decision {
    let Some(flight) = flights.iter().min_by_key(|flight| flight.price) else {
        return Decision::GiveUp {
            reason: format!("nobody flies from {} to {}", trip.from, trip.to),
        };
    };
    let total = |hotel: &RatedHotel| flight.price + trip.nights * hotel.per_night;
    let affordable = hotels.iter().filter(|hotel| total(hotel) <= trip.budget);
    let best = affordable.max_by(|a, b| {
        a.rating
            .total_cmp(&b.rating)
            .then_with(|| b.per_night.cmp(&a.per_night))
    });
    match (best, hotels.iter().map(total).min()) {
        (Some(hotel), _) => Decision::Book {
            flight: flight.number.clone(),
            hotel: hotel.name.clone(),
            total: total(hotel),
        },
        (None, Some(least)) => Decision::GiveUp {
            reason: format!("{} EUR are not enough: it takes {least}", trip.budget),
        },
        (None, None) => Decision::GiveUp {
            reason: format!("no hotel in {} has a room", trip.to),
        },
    }
}
