//! The agent that every framework serves: two tools at once, and a place that nobody can go to.

use std::fmt;
use std::time::Duration;

use arize_runtime::tool;
use serde::{Deserialize, Serialize};

/// The input of a row.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Trip {
    /// Where to.
    pub goal: String,
}

/// What the agent answers.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Answer {
    /// The text.
    pub text: String,
}

/// Nobody goes there.
#[derive(Debug)]
pub struct NoWay;

impl fmt::Display for NoWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no way leads there")
    }
}

impl std::error::Error for NoWay {}

/// The goal that fails.
pub const NOWHERE: &str = "nowhere";

/// Search flights to a city.
#[tool]
async fn search_flights(goal: &str) -> Result<String, NoWay> {
    tokio::time::sleep(Duration::from_millis(5)).await;
    if goal == NOWHERE {
        return Err(NoWay);
    }
    Ok(format!("a flight to {goal}"))
}

/// Search hotels in a city.
#[tool]
async fn search_hotels(goal: &str) -> String {
    tokio::time::sleep(Duration::from_millis(5)).await;
    format!("a hotel in {goal}")
}

/// Plans a trip.
///
/// # Errors
///
/// [`NoWay`] leads to [`NOWHERE`].
pub async fn plan(goal: &str) -> Result<Answer, NoWay> {
    let (flight, hotel) = tokio::join!(search_flights(goal), search_hotels(goal));
    let text = format!("{}, {hotel}", flight?);
    Ok(Answer { text })
}
