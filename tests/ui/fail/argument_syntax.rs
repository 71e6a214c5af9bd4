use arize_runtime::{chain, tool};

#[tool(name = "a" skip(query) description = "b")]
fn no_commas(query: &str) -> String {
    query.to_owned()
}

#[tool(skip(query limit), attributes("a" = 1 "b" = 2))]
fn no_commas_in_lists(query: &str, limit: u32) -> String {
    format!("{query}{limit}")
}

#[tool(= , ,)]
fn nonsense(query: &str) -> String {
    query.to_owned()
}

#[tool("search", 3, skip(query) = 3, ..)]
fn no_keys(query: &str) -> String {
    query.to_owned()
}

#[tool(input = +, session_id = query., metadata = let, attributes("a" = ), output = |)]
fn no_expressions(query: &str) -> String {
    query.to_owned()
}

#[chain(skip(query)(limit), skip_all skip_output)]
fn two_lists(query: &str, limit: u32) -> String {
    format!("{query}{limit}")
}

fn main() {}
