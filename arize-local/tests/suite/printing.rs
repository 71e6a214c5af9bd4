//! The report as people read it.

use std::time::Duration;

use arize_local::{Experiment, Receiver, Row};
use serde_json::json;

use crate::agent::{self, Call};

/// What is printed of a run of these rows against a right agent.
async fn printed(rows: Vec<Row>) -> String {
    let receiver = Receiver::bind("127.0.0.1:0".parse().expect("an address"))
        .await
        .expect("a free port");
    let url = agent::serve(receiver.endpoint(), Call::right).await;
    let report = Experiment::new(url)
        .rows(rows)
        .settle(Duration::from_millis(100))
        .run(&receiver)
        .await;
    assert!(report.ok(), "{:?}", report.checks);
    let mut text = Vec::new();
    report
        .print(&mut text, false)
        .expect("a Vec takes everything");
    let text = String::from_utf8(text).expect("is UTF-8");
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    for row in &report.rows {
        let (id, short) = (&row.trace_id, &row.trace_id[..8]);
        assert!(text.contains(&format!("  trace {id}\n")), "{text}");
        assert!(text.contains(&format!("  {short}  ")), "{text}");
    }
    text
}

fn row(goal: &str) -> Row {
    Row::from(json!({"nights": 2, "goal": goal, "from": "BER"}))
}

fn has(text: &str, line: &str) -> bool {
    text.lines().any(|found| found.starts_with(line))
}

#[tokio::test]
async fn a_tree_says_what_was_asked_and_the_table_what_was_answered() {
    let long = "a very long weekend ".repeat(10);
    let text = printed(vec![row("a trip to Rome"), row(&long)]).await;
    assert!(has(&text, "row 1  a trip to Rome  trace "), "{text}");
    assert!(has(&text, "row 2  a very long weekend a very"), "{text}");
    assert!(text.contains("…  trace "), "{text}");
    let answers = text.lines().filter(|line| line.ends_with("  a trip"));
    assert_eq!(answers.count(), 2, "the string, not its JSON\n{text}");
}

#[tokio::test]
async fn one_route_is_not_repeated() {
    let rows = ["a", "b"].map(|goal| row(goal).space_id("S=").project("P"));
    let text = printed(rows.to_vec()).await;
    assert!(!text.contains("project") && !text.contains("S="), "{text}");
    assert!(has(&text, "all good: 2 rows, 8 spans"), "{text}");
}

#[tokio::test]
async fn routes_are_told_apart_by_as_little_as_it_takes() {
    let routes = |routes: &[(&str, &str)]| {
        let rows = routes.iter();
        rows.map(|(space, project)| row("a trip").space_id(*space).project(*project))
            .collect()
    };
    // Each project has a space of its own.
    let text = printed(routes(&[("S1=", "P1"), ("S2=", "P2")])).await;
    assert!(heads(&text).ends_with("trace project result"), "{text}");
    assert!(text.contains("  project P2, space S2=\n"), "{text}");
    assert!(
        has(&text, "all good: 2 rows for 2 spaces, 8 spans"),
        "{text}"
    );

    let text = printed(routes(&[("S1=", "P"), ("S2=", "P")])).await;
    assert!(heads(&text).ends_with("trace space result"), "{text}");

    let long = "a space or project of more than forty characters";
    let text = printed(routes(&[("S1=", "P"), (long, "P"), (long, long)])).await;
    assert!(
        heads(&text).ends_with("trace project space result"),
        "{text}"
    );
}

/// The table's head, its words a space apart.
fn heads(text: &str) -> String {
    let head = text.lines().next().expect("there is a head");
    head.split_whitespace().collect::<Vec<_>>().join(" ")
}
