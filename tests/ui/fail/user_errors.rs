//! Errors of the user's own code are told at the user's own tokens.

use arize_runtime::tool;

#[tool]
fn wrong_value(n: u32) -> String {
    n
}

#[tool]
async fn wrong_value_later(n: u32) -> String {
    n
}

#[tool]
fn wrong_early_return(n: u32) -> String {
    if n > 1 {
        return n;
    }
    String::new()
}

#[tool]
fn value_of_a_unit_function(n: u32) {
    n
}

#[tool]
async fn missing_value(n: u32) -> String {
    n.to_string();
}

#[tool]
fn no_value(n: u32) -> String {}

#[tool]
fn question_mark(text: &str) -> u32 {
    text.parse::<u32>()?
}

#[tool]
fn unknown_name(n: u32) -> u32 {
    m
}

#[tool]
fn wrong_error(text: &str) -> Result<u32, std::fmt::Error> {
    Ok(text.parse::<u32>()?)
}

fn main() {}
