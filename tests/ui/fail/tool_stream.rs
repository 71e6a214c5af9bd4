use arize_runtime::{llm, tool};

#[tool(stream)]
fn no_stream(n: u32) -> Vec<u32> {
    vec![n]
}

#[llm(stream)]
async fn failing(n: u32) -> Result<String, std::fmt::Error> {
    Ok(n.to_string())
}

struct Opaque;

#[tool(stream)]
fn items() -> impl futures_util::Stream<Item = Opaque> {
    futures_util::stream::iter([Opaque])
}

fn main() {}
