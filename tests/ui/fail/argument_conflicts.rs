use arize_runtime::{chain, tool};

#[tool(skip_output, output = |text| text)]
fn output(query: &str) -> String {
    query.to_owned()
}

#[tool(output = none, skip_output)]
fn no_output(query: &str) -> String {
    query.to_owned()
}

#[chain(skip_all, skip(a), debug(b), redact(c))]
fn skip_all(a: u32, b: u32, c: u32) -> u32 {
    a + b + c
}

#[tool(skip(a, b), debug(a, c), redact(b, c))]
fn lists(a: u32, b: u32, c: u32) -> u32 {
    a + b + c
}

#[chain(input = a, debug(b), redact(c))]
fn input(a: u32, b: u32, c: u32) -> u32 {
    a + b + c
}

#[tool(input = none, skip_all)]
fn no_input(a: u32) -> u32 {
    a
}

fn main() {}
