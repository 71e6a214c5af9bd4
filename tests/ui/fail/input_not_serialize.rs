use arize_runtime::{experiment_handler, tool};

struct Client;

#[tool(input = client)]
fn search(client: &Client) -> bool {
    let _ = client;
    true
}

#[experiment_handler(body = none, input = &client)]
async fn invoke(_headers: http::HeaderMap, client: Client) -> bool {
    drop(client);
    true
}

fn main() {}
