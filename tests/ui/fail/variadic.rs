use arize_runtime::tool;

#[tool]
unsafe extern "C" fn variadic(_x: u32, _: ...) {}

fn main() {}
