use arize_runtime::{chain, experiment_handler, tool};

#[tool(stream)]
fn nothing() {}

#[chain(stream)]
fn never() -> ! {
    std::process::exit(1)
}

#[tool(stream = true)]
fn value() -> impl futures_util::Stream<Item = u8> {
    futures_util::stream::iter([1])
}

#[experiment_handler(stream, headers = _headers)]
async fn handler(_headers: http::HeaderMap, body: String) -> String {
    body
}

fn main() {}
