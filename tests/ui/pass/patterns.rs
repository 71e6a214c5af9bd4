//! Patterns in the place of names.

use arize_runtime::testing::capture;
use arize_runtime::tool;
use serde::Serialize;

#[derive(Serialize)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Serialize)]
struct Meters(u32);

#[tool]
fn distance(
    Point { x, y: ref up }: Point,
    (a, mut b): (i32, i32),
    Meters(scale): Meters,
    &[first, .., last]: &[i32; 3],
    _: u8,
) -> i32 {
    b += 1;
    let scale = i32::try_from(scale).unwrap_or_default();
    (x + up + a + b) * scale + first + last
}

#[tool]
async fn later((a, b): (i32, i32)) -> i32 {
    tokio::task::yield_now().await;
    a + b
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    let point = Point { x: 1, y: 2 };
    let run = || distance(point, (3, 4), Meters(2), &[5, 6, 7], 0);
    assert_eq!(capture.run(run), 34);
    let input = r#"{"arg0":{"x":1,"y":2},"arg1":[3,4],"scale":2,"arg3":[5,6,7],"arg4":0}"#;
    assert_eq!(capture.span("distance").input(), Some(input));
    assert_eq!(capture.scope(later((1, 2))).await, 3);
}
