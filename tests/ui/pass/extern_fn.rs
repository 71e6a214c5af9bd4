//! Functions with the ABI of another language.

use arize_runtime::testing::capture;
use arize_runtime::tool;

#[tool]
extern "C" fn double(n: i32) -> i32 {
    n * 2
}

#[test]
fn it_is_traced() {
    let capture = capture();
    let as_c_sees_it: extern "C" fn(i32) -> i32 = double;
    assert_eq!(capture.run(|| as_c_sees_it(2)), 4);
    assert_eq!(capture.span("double").output(), Some("4"));
}
