//! Functions that never return.

use std::panic::catch_unwind;

use arize_runtime::testing::capture;
use arize_runtime::tool;

#[tool]
fn stop(why: &str) -> ! {
    panic!("{why}")
}

#[tool]
async fn wait() -> ! {
    loop {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    let run = || capture.run(|| stop("enough"));
    assert!(catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
    assert_eq!(capture.span("stop").error(), Some("panic: enough"));
    tokio::select! {
        biased;
        never = capture.scope(wait()) => never,
        () = tokio::task::yield_now() => {}
    }
    assert_eq!(capture.span("wait").error(), Some("cancelled"));
}
