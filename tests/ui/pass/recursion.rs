//! Functions that call themselves.

use arize_runtime::agent;
use arize_runtime::testing::capture;

#[agent]
async fn later(depth: u32) -> u32 {
    if depth == 0 {
        0
    } else {
        1 + Box::pin(later(depth - 1)).await
    }
}

#[agent]
fn now(depth: u32) -> u32 {
    if depth == 0 { 0 } else { 1 + now(depth - 1) }
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    assert_eq!(capture.scope(later(2)).await + capture.run(|| now(1)), 3);
    capture.assert_tree(
        "
        later [AGENT]
        └─ later [AGENT]
           └─ later [AGENT]
        now [AGENT]
        └─ now [AGENT]
        ",
    );
}
