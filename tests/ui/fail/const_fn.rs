use arize_runtime::{experiment_handler, tool};

#[tool]
const fn constant() -> u32 {
    1
}

#[experiment_handler(body = none)]
pub const unsafe fn handler(_headers: &http::HeaderMap) {}

fn main() {}
