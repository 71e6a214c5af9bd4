use arize_runtime::{agent, chain, experiment_handler, llm, tool};

#[tool]
struct Struct;

#[experiment_handler]
impl Struct {}

#[chain]
trait Trait {}

#[agent]
mod module {}

#[llm]
const CONSTANT: u32 = 1;

#[tool]
const fn constant() -> u32 {
    1
}

trait Search {
    #[tool]
    fn search(&self) -> u32;
}

fn main() {}
