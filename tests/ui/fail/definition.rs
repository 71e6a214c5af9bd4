use arize_runtime::{chain, tool};

#[tool(definition = "search")]
fn value(query: &str) -> String {
    query.to_owned()
}

#[chain(definition)]
fn no_tool(query: &str) -> String {
    query.to_owned()
}

#[tool(definition, parameters = "{}")]
fn two_schemas(query: &str) -> String {
    query.to_owned()
}

#[tool(definition)]
fn generic<T: serde::Serialize>(query: &str, filter: Option<T>) -> String {
    drop(filter);
    query.to_owned()
}

#[tool(definition)]
fn opaque(query: impl AsRef<str> + serde::Serialize) -> String {
    query.as_ref().to_owned()
}

#[tool(definition)]
fn pattern((from, to): (String, String), _: u32) -> String {
    from + &to
}

fn main() {}
