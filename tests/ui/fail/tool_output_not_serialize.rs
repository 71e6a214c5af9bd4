use arize_runtime::tool;

struct Client;

#[tool]
fn plain(name: &str) -> Client {
    let _ = name;
    Client
}

#[tool]
async fn result(name: &str) -> Result<Client, String> {
    let _ = name;
    Ok(Client)
}

#[tool(output = |client| client)]
fn projected(name: &str) -> Client {
    let _ = name;
    Client
}

fn main() {}
