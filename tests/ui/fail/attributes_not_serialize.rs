use arize_runtime::attributes::Llm;
use arize_runtime::{chain, llm, record};

struct Client {
    name: String,
}

#[llm(skip(client), session_id = client, attributes("client.name" = client.name, client = *client))]
fn values(client: &Client) -> bool {
    client.name.is_empty()
}

#[chain(skip(items), metadata = items)]
fn generic<T>(items: Vec<T>) -> bool {
    items.is_empty()
}

#[llm(attributes = model)]
fn builder(model: &str) -> bool {
    model.is_empty()
}

#[llm(attributes = Llm::new().model_name(model))]
fn wrong_key(model: &str) -> bool {
    model.is_empty()
}

fn main() {
    record("gpt-5");
}
