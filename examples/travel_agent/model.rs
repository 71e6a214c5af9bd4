//! Stands in for a language model: it needs no network and decides the same every time.

use serde::Serialize;

use crate::data::{Flight, RatedHotel, Trip};

/// What the model is called on spans.
pub(crate) const NAME: &str = "travel-rules-1";

/// What the model wants done.
#[derive(Debug, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub(crate) enum Decision {
    Book(Plan),
    GiveUp { reason: String },
}

#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    pub(crate) flight: String,
    pub(crate) hotel: String,
    pub(crate) total: u32,
}

/// The best rated hotel that the budget allows with the cheapest flight; of equals, the cheaper.
pub(crate) fn decide(trip: &Trip, flights: &[Flight], hotels: &[RatedHotel]) -> Decision {
    let Trip {
        from, to, budget, ..
    } = trip;
    let give_up = |reason| Decision::GiveUp { reason };
    let Some(flight) = flights.iter().min_by_key(|flight| flight.price) else {
        return give_up(format!("nobody flies from {from} to {to}"));
    };
    let total = |hotel: &RatedHotel| flight.price + trip.nights * hotel.per_night;
    let Some(least) = hotels.iter().map(total).min() else {
        return give_up(format!("no hotel in {to} has a room"));
    };
    let affordable = hotels.iter().filter(|hotel| total(hotel) <= *budget);
    let better = |a: &&RatedHotel, b: &&RatedHotel| {
        let cheaper = b.per_night.cmp(&a.per_night);
        a.rating.total_cmp(&b.rating).then(cheaper)
    };
    let Some(hotel) = affordable.max_by(better) else {
        return give_up(format!("{budget} EUR are not enough: it takes {least}"));
    };
    Decision::Book(Plan {
        flight: flight.number.clone(),
        hotel: hotel.name.clone(),
        total: total(hotel),
    })
}
