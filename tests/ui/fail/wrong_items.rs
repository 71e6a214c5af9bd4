use arize_runtime::tool;

#[tool]
struct Struct;

#[tool]
enum Enum {}

#[tool]
union Union {
    field: u32,
}

#[tool]
impl Struct {}

#[tool]
pub unsafe trait Trait {}

#[tool]
mod module {}

#[tool]
const CONSTANT: fn() = main;

#[tool]
pub static STATIC: fn() = main;

#[tool]
type Alias = fn();

#[tool]
pub(crate) use std::fmt::Debug;

#[tool]
extern crate std as other;

#[tool]
unsafe extern "C" {
    fn foreign();
}

#[tool]
macro_rules! rules {
    () => {};
}

#[tool]
thread_local! {
    static LOCAL: u32 = 1;
}

macro_rules! hand_on {
    ($item:item) => {
        #[tool]
        $item
    };
}

hand_on! {
    struct HandedOn;
}

fn main() {}
