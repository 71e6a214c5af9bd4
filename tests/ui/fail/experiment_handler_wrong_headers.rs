use arize_runtime::experiment_handler;

#[experiment_handler(headers = token)]
async fn invoke(token: u32, body: String) -> String {
    format!("{token} {body}")
}

struct Parts;

#[experiment_handler]
async fn other(parts: Parts, body: String) -> String {
    let _ = parts;
    body
}

fn main() {}
