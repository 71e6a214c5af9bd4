use arize_runtime::tool;

#[tool(output = |number: &u32| *number)]
fn closure(query: &str) -> String {
    query.to_owned()
}

#[tool(output = TEXT)]
fn value(query: &str) -> String {
    query.to_owned()
}

#[tool(output = |value| value.field)]
fn field(query: &str) -> String {
    query.to_owned()
}

#[tool(output = length)]
fn function(query: &str) -> String {
    query.to_owned()
}

fn length(number: u32) -> u32 {
    number
}

const TEXT: &str = "";

fn main() {}
