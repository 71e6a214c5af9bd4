use arize_runtime::{chain, tool};

struct Client;

#[tool]
fn concrete(client: &Client, query: &str) -> String {
    let _ = client;
    query.to_owned()
}

#[tool]
async fn generic<T>(items: Vec<T>, query: &str) -> String {
    format!("{}{query}", items.len())
}

#[chain]
fn bare(client: Option<Client>) -> bool {
    client.is_some()
}

#[tool(debug(client))]
fn no_debug(client: &Client) -> bool {
    let _ = client;
    true
}

fn main() {}
