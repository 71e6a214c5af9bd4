use arize_runtime::attributes::Llm;
use arize_runtime::{llm, record};

#[llm]
fn complete(prompt: &str) -> bool {
    record(|| {
        Llm::new().model("gpt-5");
    });
    record(|| Llm::new().finish_reason(Some(3)));
    prompt.is_empty()
}

fn main() {
    let _ = Llm::new().model(5);
}
