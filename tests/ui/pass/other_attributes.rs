//! The user's other attributes, on functions above and below ours, and on arguments.

use std::panic::Location;

use arize_runtime::testing::capture;
use arize_runtime::{chain, experiment_handler, tool};
use axum::http::HeaderMap;

#[inline]
#[tool]
#[cold]
#[doc(hidden)]
#[rustfmt::skip]
#[cfg_attr(test, must_use)]
fn attributed(#[cfg(any())] gone: Missing, #[cfg(test)] there: u32, #[cfg(any())] (a, b): (u32, Missing)) -> u32 { there }

#[cfg(any())]
#[tool]
fn gone(missing: Missing) {}

#[tool]
#[cfg(any())]
fn gone(missing: Missing) {}

#[experiment_handler]
async fn handler(headers: HeaderMap, body: String, #[cfg(any())] _gone: Missing) -> String {
    tokio::task::yield_now().await;
    body
}

/// Its body runs in a closure, which knows no caller.
#[chain(skip_output)]
#[track_caller]
fn caller() -> &'static Location<'static> {
    Location::caller()
}

/// So the location is taken outside.
#[track_caller]
fn located() -> u32 {
    line_of(Location::caller().line())
}

#[tool]
fn line_of(line: u32) -> u32 {
    line
}

/// A test that is a step as well.
#[test]
#[chain]
fn below() {
    assert_eq!(line_of(1), 1);
}

#[chain]
#[test]
fn above() {
    assert_eq!(line_of(1), 1);
}

#[tokio::test]
#[chain]
async fn below_later() {
    tokio::task::yield_now().await;
}

#[chain]
#[tokio::test]
async fn above_later() {
    tokio::task::yield_now().await;
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    assert_eq!(capture.run(|| attributed(1)), 1);
    let input = capture.span("attributed").input().map(str::to_owned);
    assert_eq!(input.as_deref(), Some(r#"{"there":1}"#));
    let answer = capture.scope(handler(HeaderMap::new(), "q".to_owned()));
    assert_eq!(answer.await, "q");
    assert_eq!(capture.run(|| located()), line!());
    // as `tool`'s page says
    assert_ne!(capture.run(|| caller()).line(), line!());
}
