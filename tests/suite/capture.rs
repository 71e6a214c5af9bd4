//! What users test with: spans captured in memory, without a collector and without a global.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arize_runtime::testing::{Capture, capture};
use arize_runtime::{Routing, RoutingFutureExt as _, agent, experiment_handler, tool};
use axum::routing::post;
use axum::{Json, Router};
use http::HeaderMap;
use opentelemetry::context::FutureExt as _;
use opentelemetry::trace::{Span as _, Status, TraceContextExt as _, Tracer as _, TracerProvider};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use serde_json::json;

use crate::harness::{PARENT, TRACE, TRACEPARENT, serve};

#[derive(Debug)]
struct NoRooms(&'static str);

impl fmt::Display for NoRooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NoRooms {}

#[tool]
async fn search_flights(to: &str) -> String {
    tokio::task::yield_now().await;
    fetch(to)
}

#[tool]
fn fetch(url: &str) -> String {
    url.to_owned()
}

#[tool]
fn search_hotels(left: &'static str) -> Result<(), NoRooms> {
    Err(NoRooms(left))
}

#[agent]
async fn plan_trip(to: &str) -> String {
    let (flight, hotel) = tokio::join!(search_flights(to), async {
        search_hotels("none\nleft").is_ok()
    });
    format!("{flight} {hotel}")
}

#[experiment_handler(name = "run_agent")]
async fn invoke(headers: HeaderMap, Json(body): Json<serde_json::Value>) -> String {
    let spawned = tokio::spawn(search_flights("spawned").with_current_context());
    spawned.await.unwrap() + &body["input"].to_string()
}

const PLAN_TRIP: &str = "
    plan_trip [AGENT]
    ├─ search_flights [TOOL]
    │  └─ fetch [TOOL]
    └─ search_hotels [TOOL]  ERROR NoRooms: none\\nleft
";

/// What `f` panicked with.
fn panic_of(f: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    *panic.downcast().expect("a message of its own")
}

fn hand_made(capture: &Capture) -> SdkTracer {
    capture.tracer_provider().tracer("by hand")
}

#[tokio::test]
async fn the_tree_of_a_test_is_captured_across_awaits() {
    let capture = capture();
    assert_eq!(capture.scope(plan_trip("LIS")).await, "LIS false");
    capture.assert_tree(PLAN_TRIP);
    assert_eq!(
        capture.tree(),
        "plan_trip [AGENT]\n├─ search_flights [TOOL]\n│  └─ fetch [TOOL]\n\
         └─ search_hotels [TOOL]  ERROR NoRooms: none\\nleft\n"
    );
    let names: Vec<_> = capture
        .spans()
        .iter()
        .map(|s| s.name().to_owned())
        .collect();
    assert_eq!(
        names,
        ["plan_trip", "search_flights", "search_hotels", "fetch"]
    );
}

#[tokio::test]
async fn a_span_is_read_by_its_parts() {
    let capture = capture();
    capture.scope(plan_trip("LIS")).await;
    let (plan, failed) = (capture.span("plan_trip"), capture.span("search_hotels"));
    assert_eq!((plan.kind(), plan.status()), (Some("AGENT"), &Status::Ok));
    assert_eq!(plan.output(), Some("LIS false"));
    assert_eq!(plan.input(), Some("LIS"));
    assert_eq!((plan.error(), plan.routing()), (None, None));
    assert_eq!((plan.parent_span_id(), plan.events().len()), (None, 0));

    assert_eq!(failed.error(), Some("NoRooms: none\nleft"));
    assert_eq!(failed.events()[0].name, "exception");
    assert_eq!(failed.parent_span_id(), Some(plan.span_id()));
    assert_eq!(failed.trace_id(), plan.trace_id());
    assert!(!failed.has_remote_parent() && failed.links().is_empty());
    assert_eq!(failed.text("tool.name"), Some("search_hotels"));
    assert_eq!(failed.attribute("no such key"), None);
}

#[tokio::test]
async fn captures_side_by_side_do_not_mix() {
    let tasks: Vec<_> = (0..20)
        .map(|n: usize| {
            tokio::spawn(async move {
                let (capture, to) = (capture(), n.to_string());
                capture.scope(plan_trip(&to)).await;
                capture.assert_tree(PLAN_TRIP);
                assert_eq!(capture.span("fetch").output(), Some(to.as_str()));
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_served_handler_is_captured_with_its_spawned_tasks_and_its_route() {
    let capture = capture();
    let router = Router::new().route("/invoke", post(invoke));
    let url = serve(router, capture.context()).await;
    let body = json!({
        "input": 7, "arize_metadata": {"space_id": "U3BhY2U6MTIzOmFiYw==", "project_name": "p"}
    });
    let headers = [("traceparent", TRACEPARENT)];
    let (_, answer) = crate::harness::post(&url, &headers, body.to_string()).await;
    assert_eq!(answer, "spawned7");
    capture.assert_tree(
        "
        run_agent [CHAIN]
        └─ search_flights [TOOL]
           └─ fetch [TOOL]
        ",
    );
    let chain = capture.span("run_agent");
    assert!(chain.has_remote_parent());
    assert_eq!(chain.parent_span_id().unwrap().to_string(), PARENT);
    let route = Routing::new("U3BhY2U6MTIzOmFiYw==", "p").unwrap();
    for span in capture.spans() {
        assert_eq!(span.trace_id().to_string(), TRACE);
        assert_eq!(span.routing().as_ref(), Some(&route), "{}", span.name());
    }
}

#[tokio::test]
async fn attributes_are_those_that_arize_gets() {
    #[tool]
    fn by_hand() -> u8 {
        let context = Context::current();
        let span = context.span();
        span.set_attribute(KeyValue::new("output.value", "mine"));
        span.set_attribute(KeyValue::new("n", 1));
        span.set_attribute(KeyValue::new("n", 2));
        span.set_attribute(KeyValue::new("arize.space_id", " other "));
        0
    }
    let capture = capture();
    let routing = Routing::new("s", "p").unwrap();
    let routed = async { async { by_hand() }.with_routing(routing).await };
    capture.scope(routed).await;
    let span = capture.span("by_hand");
    assert_eq!(span.output(), Some("mine"));
    assert_eq!(span.text("output.mime_type"), None);
    assert_eq!(span.attribute("n"), Some(&Value::I64(2)));
    assert_eq!(span.text("n"), None, "it is no text");
    assert_eq!(span.routing(), Some(Routing::new("other", "p").unwrap()));
    assert_eq!(span.text("arize.space_id"), Some("other"));
    let mut keys: Vec<_> = span.attributes().iter().map(|kv| &kv.key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), span.attributes().len());
}

#[test]
fn what_has_not_ended_or_was_not_captured_is_marked() {
    let capture = capture();
    let open = hand_made(&capture).start("open");
    capture.run(|| {
        let _guard = Context::current_with_span(open).attach();
        fetch("a");
        capture.assert_tree(
            "
            open  (not ended)
            └─ fetch [TOOL]
            ",
        );
        assert_eq!(capture.spans().len(), 1);
        let panic = panic_of(|| drop(capture.span("open")));
        assert!(
            panic.starts_with("no span `open` has ended; captured are:"),
            "{panic}"
        );
    });
    capture.assert_tree("open\n└─ fetch [TOOL]");

    let other = SdkTracerProvider::default().tracer("other").start("other");
    let _guard = capture.context().with_span(other).attach();
    fetch("b");
    fetch("c");
    capture.assert_tree(
        "
        open
        └─ fetch [TOOL]
        ? (not captured)
        ├─ fetch [TOOL]
        └─ fetch [TOOL]
        ",
    );
    assert!(panic_of(|| drop(capture.span("fetch"))).starts_with("3 spans are named `fetch`;"));
}

#[tokio::test]
async fn a_difference_is_told_by_lines() {
    let capture = capture();
    capture.scope(plan_trip("LIS")).await;
    let expected = "
        plan_trip [AGENT]
        ├─ search_flights [TOOL]
        └─ search_hotels [TOOL]  ERROR NoRooms: none\\nleft
        ";
    assert_eq!(
        panic_of(|| capture.assert_tree(expected)),
        "the spans differ (- expected, + captured):\n\n  plan_trip [AGENT]\n  ├─ search_flights [TOOL]\n\
         + │  └─ fetch [TOOL]\n  └─ search_hotels [TOOL]  ERROR NoRooms: none\\nleft\n"
    );
}

#[tokio::test]
async fn where_nothing_was_captured_the_reason_is_told() {
    let capture = capture();
    fetch("outside");
    let lost = capture.scope(async { tokio::spawn(search_flights("lost")).await });
    lost.await.unwrap();
    assert_eq!(capture.tree(), "");
    capture.assert_tree("");
    let remedy = "run the code in `capture.run(|| ..)`";
    assert!(panic_of(|| capture.assert_tree("fetch [TOOL]")).contains(remedy));
    assert!(panic_of(|| drop(capture.span("fetch"))).contains(remedy));
}

#[test]
fn the_last_handle_ends_the_capture() {
    #[tool]
    fn starts_a_span() -> bool {
        Context::current().span().span_context().is_valid()
    }
    let first = capture();
    let second = first.clone();
    let _guard = first.context().attach();
    drop(first);
    assert!(starts_a_span());
    second.assert_tree("starts_a_span [TOOL]");
    drop(second);
    assert!(!starts_a_span());
}

#[tokio::test]
async fn nothing_is_captured_under_an_unsampled_parent() {
    let capture = capture();
    let url = serve(
        Router::new().route("/invoke", post(invoke)),
        capture.context(),
    )
    .await;
    let unsampled = TRACEPARENT.replace("-01", "-00");
    let (_, answer) = crate::harness::post(&url, &[("traceparent", &unsampled)], "{}").await;
    assert_eq!(
        (answer.as_str(), capture.tree().as_str()),
        ("spawnednull", "")
    );
}

#[test]
fn a_span_by_hand_is_shown_with_its_error_and_without_a_kind() {
    let capture = capture();
    let mut span = hand_made(&capture).start("GET /flights");
    span.set_status(Status::error(""));
    span.end();
    capture.assert_tree("GET /flights  ERROR");
}

/// As it stands in README.md, where only the attributes are compiled: a doctest has no `#[test]`.
mod readme {
    use arize_runtime::{agent, tool};

    #[agent]
    async fn plan_trip(to: &str) -> Result<String, std::fmt::Error> {
        let flight = search_flights(to).await;
        book_hotel(to).map(|()| flight)
    }

    #[tool]
    async fn search_flights(to: &str) -> String {
        format!("to {to} at 07:40")
    }

    #[tool]
    fn book_hotel(to: &str) -> Result<(), std::fmt::Error> {
        if to == "LIS" {
            Ok(())
        } else {
            Err(std::fmt::Error)
        }
    }

    #[tokio::test]
    async fn a_flight_and_a_hotel_are_found() {
        let capture = arize_runtime::testing::capture();
        assert!(capture.scope(plan_trip("LIS")).await.is_ok());
        capture.assert_tree(
            "
            plan_trip [AGENT]
            ├─ search_flights [TOOL]
            └─ book_hotel [TOOL]
        ",
        );
        assert_eq!(
            capture.span("search_flights").output(),
            Some("to LIS at 07:40")
        );
    }
}
