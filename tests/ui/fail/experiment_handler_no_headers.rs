use arize_runtime::experiment_handler;

#[experiment_handler]
async fn invoke(body: serde_json::Value) -> String {
    body.to_string()
}

fn main() {}
