//! A process that installs a pipeline from its environment, does a little work, and says what became of
//! it as JSON. `suite/processes.rs` starts it, since environment, globals and stderr belong to a process.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use arize_runtime::{
    Arize, ArizeMetadata, InstallError, chain, experiment_handler, hold_span, register,
    register_with_routing, tool,
};
use http::HeaderMap;
use opentelemetry::global;
use opentelemetry::trace::{Span as _, Tracer as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde::Serialize;
use serde_json::{Value, json};

#[tool]
fn work(n: u64) -> u64 {
    global::tracer("a library").start("library span").end();
    let mut outgoing = HashMap::<String, String>::new();
    global::get_text_map_propagator(|propagator| propagator.inject(&mut outgoing));
    assert!(
        outgoing.contains_key("traceparent"),
        "the global propagator is installed"
    );
    n
}

#[tool]
async fn lost_tool() -> u64 {
    work(1)
}

#[chain]
async fn lost_chain() -> u64 {
    work(1)
}

/// `lost` in the body names what is spawned, without its Context or where no handler runs.
#[experiment_handler(name = "run_agent")]
async fn invoke(headers: HeaderMap, body: Value) -> u64 {
    let lost = match body["lost"].as_str() {
        Some("tool") => Some(tokio::spawn(lost_tool())),
        Some("chain") => Some(tokio::spawn(lost_chain())),
        Some("stream") => Some(arize_runtime::spawn(async {
            drop(hold_span(futures_util::stream::iter([1])));
            1
        })),
        _ => None,
    };
    if let Some(lost) = lost {
        lost.await.expect("the task ends");
    }
    work(body["n"].as_u64().unwrap_or_default())
}

#[derive(Serialize)]
struct WithoutMetadata {
    n: u64,
}

/// The body's type has no place for the route.
#[experiment_handler(name = "run_agent", body = body)]
async fn without_metadata(headers: HeaderMap, body: WithoutMetadata) -> u64 {
    body.n
}

#[derive(Serialize)]
struct WithMetadata {
    arize_metadata: Option<ArizeMetadata>,
}

/// The body's type has a place, and nothing in it, or a field of it.
#[experiment_handler(name = "run_agent", body = body)]
async fn with_metadata(headers: HeaderMap, body: WithMetadata) -> bool {
    body.arize_metadata.is_some()
}

/// A tool in a capture, in a process whose handler was called.
fn captured() {
    let capture = arize_runtime::testing::capture();
    capture.run(|| capture_me(1));
    assert_eq!(capture.tree(), "capture_me [TOOL]\n");
}

#[tool]
fn capture_me(n: u64) -> u64 {
    n
}

async fn call(how: &str, headers: HeaderMap, body: Value) {
    match how {
        "without-metadata" => {
            without_metadata(headers, WithoutMetadata { n: 1 }).await;
        }
        "with-metadata" => {
            let metadata = serde_json::from_value(body["arize_metadata"].clone());
            let arize_metadata = metadata.expect("lenient metadata");
            with_metadata(headers, WithMetadata { arize_metadata }).await;
        }
        _ => {
            invoke(headers, body).await;
            captured();
        }
    }
}

fn install(how: &str) -> Result<Arize, InstallError> {
    let delay = Duration::from_millis(50);
    match how {
        "one-space" => register().batch_delay(delay).install(),
        "own-provider" => {
            let (processor, arize) = register_with_routing()
                .batch_delay(delay)
                .into_processor()?;
            let provider = SdkTracerProvider::builder()
                .with_span_processor(processor)
                .build();
            global::set_tracer_provider(provider.clone());
            global::set_text_map_propagator(TraceContextPropagator::new());
            let arize = arize.install(&provider)?;
            global::tracer("their code").start("no experiment").end();
            Ok(arize)
        }
        _ => register_with_routing().batch_delay(delay).install(),
    }
}

/// Arguments: how often to call the agent, and with which body; `subscriber` sets a `tracing` subscriber,
/// `unsampled` sends an unsampled parent along, `one-space` registers for one space, `own-provider` has a
/// tracer provider of its own, `without-metadata` and `with-metadata` call handlers whose body has a type.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let calls: u64 = arguments[1].parse().expect("a number of calls");
    let body: Value = serde_json::from_str(&arguments[2]).expect("a JSON body");
    if arguments.get(3).is_some_and(|word| word == "subscriber") {
        tracing_subscriber::fmt()
            .with_writer(std::io::stdout)
            .init();
    }
    let mut headers = HeaderMap::new();
    if arguments.get(3).is_some_and(|word| word == "unsampled") {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        headers.insert("traceparent", http::HeaderValue::from_static(parent));
    }
    let arize = match install(arguments.get(3).map_or("", String::as_str)) {
        Ok(arize) => arize,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let second = register_with_routing().install();
    assert!(
        matches!(second, Err(InstallError::AlreadyInstalled)),
        "a process has one pipeline"
    );
    for _ in 0..calls {
        let how = arguments.get(3).map_or("", String::as_str);
        call(how, headers.clone(), body.clone()).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let shutdown = arize.shutdown(Duration::from_secs(2)).await;
    let stats = arize.stats();
    let said = json!({
        "ended": stats.ended,
        "exported": stats.exported,
        "dropped": stats.dropped.to_string(),
        "shutdown": shutdown.err().map(|error| error.to_string()),
        "debug": format!("{arize:?}"),
    });
    println!("{said}");
    ExitCode::SUCCESS
}
