use arize_runtime::{chain, tool};

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

/// With what the error asks for.
#[tool]
fn bounded<T: serde::Serialize>(items: Vec<T>) -> usize {
    items.len()
}

fn main() {}
