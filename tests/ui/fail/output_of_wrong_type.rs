use arize_runtime::tool;

#[tool(output = |number: &u32| *number)]
fn closure(query: &str) -> String {
    query.to_owned()
}

#[tool(output = text)]
fn value(query: &str) -> String {
    query.to_owned()
}

#[tool(output = |text| text.field)]
fn field(query: &str) -> String {
    query.to_owned()
}

#[tool(output = length)]
fn function(query: &str) -> String {
    query.to_owned()
}

fn length(text: u32) -> u32 {
    text
}

const text: &str = "";

fn main() {}
