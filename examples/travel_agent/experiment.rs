//! Plays Arize: sends each row of the dataset to the agent and checks the spans that come back.

use std::error::Error;
use std::io::{IsTerminal, stdout};
use std::time::Duration;

use arize_local::{Experiment, Receiver, Report, Row};
use axum::Router;
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
    print_rows(&url, &rows);
    let report = Experiment::new(url)
        .concurrency(rows.len())
        .rows(rows)
        .expect_tools(EXPECTED)
        .settle(Duration::from_millis(200))
        .run(receiver)
        .await;
    report.print(&mut stdout(), stdout().is_terminal())?;
    Ok(report)
}

fn print_rows(url: &str, rows: &[Row]) {
    println!(
        "asking the agent at {url} for {} trips at once:",
        rows.len()
    );
    for (number, row) in (1..).zip(rows) {
        let goal = row.input["goal"].as_str().unwrap_or_default();
        let (project, space) = (row.project.as_deref(), row.space_id.as_deref());
        let (project, space) = (project.unwrap_or_default(), space.unwrap_or_default());
        println!("{number:>3}  {goal:<42} for `{project}` in {space}");
    }
    println!();
}

fn rows() -> Result<Vec<Row>, serde_json::Error> {
    let lines = include_str!("rows.jsonl")
        .lines()
        .zip(ROUTES.into_iter().cycle());
    let row = |(line, (space_id, project)): (&str, (&str, &str))| {
        Ok(Row {
            input: serde_json::from_str(line)?,
            space_id: Some(space_id.to_owned()),
            project: Some(project.to_owned()),
        })
    };
    lines.map(row).collect()
}
