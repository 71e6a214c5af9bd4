use arize_runtime::{chain, tool};

#[tool(skip(item))]
fn plain<T>(item: T) -> T {
    item
}

#[chain(skip(item))]
async fn listed<T>(item: T) -> Result<Vec<T>, std::fmt::Error> {
    Ok(vec![item])
}

#[tool(skip(item), output = |item| item)]
fn projected<T>(item: T) -> T {
    item
}

/// With what the error asks for.
#[tool]
fn bounded<T: serde::Serialize>(item: T) -> T {
    item
}

fn main() {}
