use arize_runtime::{embedding, experiment_handler, llm, tool};

#[llm(model = "gpt-5", provider = "openai", system = "openai", messages = [], temperature = 0.5, tokens = 3)]
fn asked(query: &str) -> String {
    query.to_owned()
}

#[embedding(model = "small")]
fn embedded(query: &str) -> String {
    query.to_owned()
}

#[tool(redact(card.number), skip(card.number, amount))]
fn pay(card: &str, amount: u32) -> String {
    format!("{card}{amount}")
}

#[experiment_handler(redact(card.number))]
async fn invoke(headers: http::HeaderMap, body: String) -> String {
    format!("{headers:?} {body}")
}

fn main() {}
