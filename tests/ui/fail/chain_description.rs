use arize_runtime::chain;

#[chain(description = "plans")]
fn plan(goal: &str) -> String {
    goal.to_owned()
}

fn main() {}
