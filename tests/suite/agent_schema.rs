//! What an agent says of its request: as `arize-local schema` reads it, and as the handler's type reads the body.

use std::time::Duration;

use arize_local::{AgentOptions, SchemaOptions};
use arize_runtime::schemars::JsonSchema;
use arize_runtime::{AgentRequest, AgentSchema, ArizeMetadata};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Deserialize, Serialize, JsonSchema)]
#[schemars(crate = "arize_runtime::schemars")]
struct Trip {
    /// Where to.
    city: String,
    nights: Option<u8>,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[schemars(crate = "arize_runtime::schemars")]
struct Flat {
    goal: String,
    #[serde(default)]
    arize_metadata: ArizeMetadata,
}

/// What `arize-local schema` says of an agent that serves this, and of rows.
async fn faults(schema: Value, rows: &[Value]) -> Vec<String> {
    let router = Router::new().route("/schema", get(|| async { Json(schema) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/schema", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let name = format!("agent_schema_{}.jsonl", url.replace(['/', ':'], "_"));
    let dataset = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let lines: Vec<_> = rows.iter().map(Value::to_string).collect();
    std::fs::write(&dataset, lines.join("\n")).unwrap();
    let options = SchemaOptions {
        agent: AgentOptions {
            url,
            command: Vec::new(),
            start_timeout: Duration::ZERO,
        },
        dataset: Some(dataset),
        format: None,
        headers: axum::http::HeaderMap::new(),
        timeout: Duration::from_secs(10),
    };
    let mut printed = Vec::new();
    let report = arize_local::schema(options, &mut printed).await.unwrap();
    assert_eq!(report.rows, rows.len());
    report.faults
}

#[tokio::test]
async fn the_schema_takes_the_rows_that_the_handlers_type_takes() {
    let right = [
        json!({"city": "Rome"}),
        json!({"city": "Rome", "nights": null, "more": 1}),
    ];
    let wrong = [
        json!({}),
        json!({"city": 7}),
        json!({"city": "Rome", "nights": 256}),
        json!("Rome"),
    ];
    let reads = |row: &Value| {
        let body = json!({"input": row, "arize_metadata": {"space_id": "S="}});
        serde_json::from_value::<AgentRequest<Trip>>(body).is_ok()
    };
    assert!(right.iter().all(reads) && !wrong.iter().any(reads));
    let schema = || AgentSchema::of::<Trip>().to_value();
    assert_eq!(faults(schema(), &right).await, [""; 0]);
    let faults = faults(schema(), &wrong).await;
    for (row, path) in [
        (1, "`/input`"),
        (2, "`/input/city`"),
        (3, "`/input/nights`"),
        (4, "`/input`"),
    ] {
        let row = format!("row {row} ");
        let told = |fault: &String| fault.starts_with(&row) && fault.contains(path);
        assert!(faults.iter().any(told), "{row}{path}: {faults:#?}");
    }
}

#[tokio::test]
async fn template_and_presets_fit_the_type() {
    let weekend = Trip {
        city: "Rome".into(),
        nights: Some(2),
    };
    let schema = || {
        AgentSchema::of::<Trip>()
            .input_template(json!({"city": "{{to}}"}))
            .preset("weekend", &weekend)
            .unwrap()
    };
    let rows = [json!({"to": "Lisbon"})];
    assert_eq!(faults(schema().to_value(), &rows).await, [""; 0]);
    let rows = [json!({"city": "Lisbon"})];
    let faults = faults(schema().to_value(), &rows).await;
    assert!(
        faults.len() == 1 && faults[0].contains("no column `to`"),
        "{faults:?}"
    );
}

#[tokio::test]
async fn a_request_type_with_the_fields_at_its_top_level_is_told_as_it_is() {
    let schema = AgentSchema::of_body::<Flat>().to_value();
    let rows = [json!({"goal": "x"}), json!({"gaol": "x"})];
    let faults = faults(schema, &rows).await;
    assert!(
        faults.len() == 1 && faults[0].starts_with("row 2 "),
        "{faults:?}"
    );
}
