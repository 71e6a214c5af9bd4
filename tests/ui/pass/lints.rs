//! What lints say of the user's code they say with an attribute as well: each `expect` fails where its
//! lint is silent, those of clippy under `cargo clippy`. Nothing of it is run.
#![expect(dead_code, reason = "of each function, and nothing is called")]

use std::rc::Rc;
use std::sync::Mutex;

use arize_runtime::{agent, chain, experiment_handler, tool};
use axum::http::HeaderMap;

const fn fails() -> Result<u32, std::fmt::Error> {
    Err(std::fmt::Error)
}

#[deprecated]
#[tool]
fn old() {}

#[tool]
#[expect(unused_variables)]
fn variable(a: u32) -> u32 {
    let unused = 1;
    a
}

#[tool(skip(unused))]
#[expect(unused_variables)]
async fn skipped_argument(unused: u32) {
    tokio::task::yield_now().await;
}

#[experiment_handler]
#[expect(unused_variables)]
async fn part_of_a_pattern(headers: HeaderMap, body: String, (a, b): (u32, u32)) -> u32 {
    tokio::task::yield_now().await;
    a
}

#[tool]
#[expect(unused_mut)]
fn mutable(mut a: u32) -> u32 {
    a
}

#[tool]
#[expect(unreachable_code)]
async fn unreachable(a: u32) -> u32 {
    tokio::task::yield_now().await;
    return a;
    a + 1
}

#[agent]
#[expect(unused_must_use)]
fn must_use(a: u32) -> u32 {
    fails();
    a
}

#[agent]
#[expect(unused_must_use)]
async fn future_not_awaited(a: u32) -> u32 {
    tokio::task::yield_now().await;
    part_of_a_pattern(HeaderMap::new(), String::new(), (a, a));
    a
}

#[tool]
#[must_use]
fn annotated_must_use() -> u32 {
    1
}

#[expect(unused_must_use)]
fn call_of_must_use() {
    annotated_must_use();
}

#[tool]
#[expect(deprecated)]
fn deprecated() {
    old();
}

#[tool]
#[expect(non_snake_case, clippy::let_and_return)]
fn NotSnake(Argument: u32) -> u32 {
    let Local = Argument;
    Local
}

#[tool]
#[expect(unused_assignments)]
fn assignment(a: u32) -> u32 {
    let mut b = 1;
    b = a;
    b
}

#[tool]
#[expect(clippy::unwrap_used)]
fn unwraps(a: Option<u32>) -> u32 {
    a.unwrap()
}

#[tool]
#[expect(clippy::let_and_return)]
fn let_and_return(a: u32) -> u32 {
    let b = a + 1;
    b
}

#[tool]
#[expect(clippy::panic)]
fn panics(a: u32) -> ! {
    panic!("{a}")
}

#[tool]
#[expect(clippy::items_after_statements)]
fn item(a: u32) -> u32 {
    let b = a;
    const ONE: u32 = 1;
    b + ONE
}

/// An item that comes first is in its place, whatever is generated before it.
#[tool]
fn first_item(a: u32) -> u32 {
    const ONE: u32 = 1;
    a + ONE
}

#[tool]
#[expect(clippy::too_many_arguments, clippy::many_single_char_names)]
fn arguments(a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32) -> u32 {
    a + b + c + d + e + f + g + h
}

#[tool]
#[expect(
    clippy::await_holding_lock,
    clippy::future_not_send,
    clippy::unwrap_used
)]
async fn lock(a: u32) -> u32 {
    let lock = Mutex::new(a);
    let guard = lock.lock().unwrap();
    tokio::task::yield_now().await;
    *guard
}

#[tool]
#[expect(clippy::future_not_send)]
async fn not_send(a: u32) -> u32 {
    let shared = Rc::new(a);
    tokio::task::yield_now().await;
    *shared
}

#[chain]
#[expect(clippy::large_stack_arrays)]
async fn large(a: u8) -> u8 {
    let bytes = [a; 40_000];
    tokio::task::yield_now().await;
    bytes[1]
}

#[chain]
#[expect(clippy::large_futures)]
async fn awaits_large(a: u8) -> u8 {
    large(a).await
}

#[tool]
#[expect(clippy::used_underscore_binding)]
fn underscore(_a: u32) -> u32 {
    _a + 1
}

/// Recorded, but not used by the user.
#[tool]
fn unused_underscore(_a: u32, mut _b: String) {}

/// Taken for its headers alone.
#[experiment_handler]
async fn underscore_headers(_headers: HeaderMap, body: String) -> String {
    tokio::task::yield_now().await;
    body
}

struct Chat(u32);

impl Chat {
    #[tool]
    #[expect(clippy::unused_self)]
    fn unused_self(&self, a: u32) -> u32 {
        a
    }

    #[tool]
    #[expect(clippy::use_self)]
    fn names_itself(a: u32) -> u32 {
        Chat(a).0
    }
}

/// Of the function's inner attributes.
#[tool]
fn inner_attributes(a: u32) -> u32 {
    #![expect(unused_variables)]
    let unused = 1;
    a
}
