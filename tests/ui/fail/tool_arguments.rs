use arize_runtime::tool;

#[tool(nmae = "search", frobnicate, name = "a", name = "b", project_name = "p")]
fn arguments(query: &str) -> String {
    query.to_owned()
}

#[tool(skip(qery), debug(self), redact(limit), skip(limit))]
fn names(query: &str, limit: u32) -> String {
    format!("{query}{limit}")
}

#[tool(skip_all, debug(query), skip_output, output = |text| text)]
fn conflicts(query: &str) -> String {
    query.to_owned()
}

#[tool(skip, skip_all = true, description, parameters = "string", skip())]
fn values(query: &str) -> String {
    query.to_owned()
}

fn main() {}
