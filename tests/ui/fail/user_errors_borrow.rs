//! What the borrow checker says of the user's own code is told at the user's own tokens.

use arize_runtime::tool;

#[tool]
fn moved(text: String) -> String {
    drop(text);
    text
}

#[tool]
async fn not_mutable(list: Vec<u32>) -> usize {
    list.push(1);
    list.len()
}

#[tool]
fn dangling(text: String) -> &'static str {
    &text
}

fn main() {}
