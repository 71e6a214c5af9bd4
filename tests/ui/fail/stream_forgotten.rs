use arize_runtime::{llm, tool};
use futures_util::stream::{self, Stream};

#[llm]
fn complete(prompt: &str) -> impl Stream<Item = String> + use<> {
    stream::iter([prompt.to_owned()])
}

#[tool]
async fn rows(query: String) -> Result<impl Stream<Item = String>, std::fmt::Error> {
    Ok(stream::iter([query]))
}

fn main() {}
