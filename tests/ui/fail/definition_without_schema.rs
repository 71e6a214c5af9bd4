use arize_runtime::tool;

#[derive(serde::Serialize)]
struct Filter {
    stars: u8,
}

#[tool(definition)]
fn find(city: &str, filter: &Filter) -> String {
    format!("{city} {}", filter.stars)
}

#[tool(definition)]
fn find_maybe(city: &str, filter: Option<Filter>) -> String {
    format!("{city} {}", filter.is_some())
}

fn main() {
    find_definition();
    find_maybe_definition();
}
