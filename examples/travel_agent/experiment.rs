//! Plays Arize: sends each row of the dataset to the agent and checks the spans that come back.

use std::error::Error;
use std::time::Duration;

use arize_local::{Experiment, Receiver, Report, Row};
use axum::Router;
use serde_json::Value;
use tokio::net::TcpListener;

/// The rows take turns: one agent serves several spaces at once. Real space ids look like these.
const ROUTES: [(&str, &str); 2] = [
    ("U3BhY2U6NDpjaXR5LWJyZWFrcw==", "city-breaks"),
    ("U3BhY2U6Mjpob2xpZGF5cw==", "holidays"),
];

/// Every row must have spans of these names.
const EXPECTED: [&str; 5] = [
    "search_flights",
    "http_request",
    "search_hotels",
    "rate_hotel",
    "plan_trip",
];

/// Serves the agent on a free port, runs the experiment, and prints what it shows.
pub(crate) async fn run(agent: Router, receiver: &Receiver) -> Result<Report, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/invoke", listener.local_addr()?);
    tokio::spawn(axum::serve(listener, agent).into_future());

    let rows = rows()?;
    println!(
        "asking the agent at {url} for {} trips at once\n",
        rows.len()
    );
    let report = Experiment::new(url)
        .concurrency(rows.len())
        .rows(rows)
        .expect_tools(EXPECTED)
        .settle(Duration::from_millis(200))
        .run(receiver)
        .await;
    report.print_to_stdout()?;
    Ok(report)
}

fn rows() -> Result<Vec<Row>, serde_json::Error> {
    let lines = include_str!("rows.jsonl").lines();
    lines
        .zip(ROUTES.into_iter().cycle())
        .map(|(line, (space_id, project))| {
            let input: Value = serde_json::from_str(line)?;
            Ok(Row::from(input).space_id(space_id).project(project))
        })
        .collect()
}
