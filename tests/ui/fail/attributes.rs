use arize_runtime::{chain, experiment_handler, llm, tool};

#[llm(session_id, user_id = , tags("a"), attributes, attributes())]
fn values(query: &str) -> String {
    query.to_owned()
}

#[llm(session_id = query, session_id = query, attributes("a" = 1, b = 2, "b" = 3, "" = 4, " " = 5))]
fn twice(query: &str) -> String {
    query.to_owned()
}

#[chain(attributes("shop.items"))]
fn no_value(query: &str) -> String {
    query.to_owned()
}

#[chain(attributes(shop.items, shop. = 3))]
fn dotted(query: &str) -> String {
    query.to_owned()
}

#[chain(attributes(3 = 3))]
fn number(query: &str) -> String {
    query.to_owned()
}

#[chain(attributes(
    "session.id" = query,
    "user.id" = query,
    metadata = query,
    "tag.tags" = query,
    "input.value" = query,
    "output.mime_type" = query,
    "openinference.span.kind" = "LLM",
    "arize.space_id" = query,
    "arize.project.name" = query,
    "tool.name" = query,
))]
fn ours(query: &str) -> String {
    query.to_owned()
}

#[tool(attributes("tool.name" = query, "tool.description" = query, "tool.parameters" = query))]
fn a_tools(query: &str) -> String {
    query.to_owned()
}

#[experiment_handler(body = none, attributes("openinference.span.kind" = "AGENT"))]
async fn a_handlers(_headers: http::HeaderMap) -> String {
    String::new()
}

fn main() {}
