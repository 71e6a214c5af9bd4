use arize_runtime::{experiment_handler, llm, tool};

trait Search {
    #[tool]
    fn search(&self) -> u32;

    #[experiment_handler]
    async fn invoke(&self, headers: http::HeaderMap, body: String) -> String;
}

unsafe extern "C" {
    #[llm]
    fn complete(prompt: u32) -> u32;
}

fn main() {}
