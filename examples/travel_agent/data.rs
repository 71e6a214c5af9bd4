//! What is asked, what is on offer, and what is answered. Prices are in euros.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Plan;

/// A row of the dataset.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(crate) struct Trip {
    pub(crate) goal: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) nights: u32,
    pub(crate) budget: u32,
    pub(crate) comfort: Comfort,
}

/// How comfortable the hotel should be.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Comfort {
    Simple,
    Cosy,
    Grand,
}

impl Comfort {
    pub(crate) fn stars(self) -> u8 {
        match self {
            Self::Simple => 1,
            Self::Cosy => 3,
            Self::Grand => 5,
        }
    }
}

/// There and back, for one price.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Flight {
    pub(crate) number: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) departs: String,
    pub(crate) price: u32,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Hotel {
    pub(crate) name: String,
    pub(crate) city: String,
    pub(crate) stars: u8,
    pub(crate) per_night: u32,
    pub(crate) rooms: u32,
    pub(crate) reviews: Vec<u32>,
}

#[derive(Debug, Serialize)]
pub(crate) struct RatedHotel {
    pub(crate) name: String,
    pub(crate) per_night: u32,
    pub(crate) rating: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Booking {
    pub(crate) hotel: String,
    pub(crate) nights: u32,
    pub(crate) price: u32,
}

#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) total: Option<u32>,
}

impl Answer {
    pub(crate) fn booked(booking: &Booking, plan: &Plan) -> Self {
        let Booking { hotel, nights, .. } = booking;
        let Plan { flight, total, .. } = plan;
        let nights = match nights {
            1 => "1 night".to_owned(),
            more => format!("{more} nights"),
        };
        Self {
            text: format!("{hotel}, {nights}, flight {flight}: {total} EUR"),
            total: Some(*total),
        }
    }

    pub(crate) fn sorry(reason: String) -> Self {
        Self {
            text: reason,
            total: None,
        }
    }
}

pub(crate) static FLIGHTS: LazyLock<Vec<Flight>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("flights.json")).expect("flights.json has flights")
});

pub(crate) static HOTELS: LazyLock<Vec<Hotel>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("hotels.json")).expect("hotels.json has hotels")
});
