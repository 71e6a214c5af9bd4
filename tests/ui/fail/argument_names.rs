use arize_runtime::{chain, tool};

struct Desk;

impl Desk {
    #[tool(skip(qery), debug(self), redact(lim))]
    fn names(&self, query: &str, limit: u32) -> String {
        format!("{query}{limit}")
    }
}

#[chain(skip(x, frobnicate, self), redact(self))]
fn patterns((x, y): (u32, u32)) -> u32 {
    x + y
}

#[chain(debug(anything))]
fn none() {}

fn main() {}
