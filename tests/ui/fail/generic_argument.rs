use arize_runtime::{chain, tool};
use serde::Serialize as _;

#[tool]
async fn list<T>(items: Vec<T>, query: &str) -> String {
    format!("{}{query}", items.len())
}

#[chain]
fn opaque(items: impl Iterator<Item = u32>) -> u32 {
    items.sum()
}

#[tool(debug(item))]
fn debug<T>(item: T) -> u32 {
    drop(item);
    1
}

fn main() {}
