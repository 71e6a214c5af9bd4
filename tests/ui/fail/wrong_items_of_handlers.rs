use arize_runtime::experiment_handler;

#[experiment_handler]
struct Struct;

#[experiment_handler]
enum Enum {}

#[experiment_handler]
union Union {
    field: u32,
}

#[experiment_handler]
impl Struct {}

#[experiment_handler]
trait Trait {}

#[experiment_handler]
mod module {}

#[experiment_handler]
const CONSTANT: u32 = 1;

#[experiment_handler]
static STATIC: u32 = 1;

#[experiment_handler]
type Alias = u32;

#[experiment_handler]
use std::fmt::Debug;

#[experiment_handler]
unsafe extern "C" {}

#[experiment_handler]
thread_local! {}

fn main() {}
