use arize_runtime::{chain, experiment_handler, llm, tool};

#[chain(skip(items), metadata = items)]
fn metadata<T>(items: Vec<T>) -> bool {
    items.is_empty()
}

#[llm(skip_all, session_id = item, user_id = &item, tags = [&item], attributes("shop.item" = item))]
fn each<T>(item: T) -> bool {
    drop(item);
    true
}

#[tool(input = item)]
fn input<T>((item, _): (T, u32)) -> bool {
    drop(item);
    true
}

#[experiment_handler(body = none, input = extra)]
async fn invoke(_headers: http::HeaderMap, extra: impl std::fmt::Debug) -> bool {
    drop(extra);
    true
}

/// With what the error asks for.
#[tool(input = items, session_id = items[0])]
fn bounded<T: serde::Serialize>(items: Vec<T>) -> usize {
    items.len()
}

fn main() {}
