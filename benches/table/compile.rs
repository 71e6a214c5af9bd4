//! What an annotation costs the compiler.

use benches::report::{Compile, Variant};

const VARIANTS: [(&str, &str); 6] = [
    ("none", "not annotated"),
    ("tool", "**`#[tool]`**"),
    ("tool-skip-all", "**`#[tool(skip_all)]`**"),
    ("tracing-stock", "`#[instrument(ret, err)]` of `tracing`"),
    ("tracing-json", "`#[instrument]`, the same content"),
    ("fastrace", "`#[trace]` of `fastrace`, no content"),
];

pub(crate) fn table(compile: &Compile) -> String {
    let mut text = format!(
        "Processor seconds to compile {} functions, half of them async, with what they depend on built before; {}:\n\n\
         | | check | dev build | release build | expanded lines of each |\n|---|---:|---:|---:|---:|\n",
        compile.functions, compile.about.date,
    );
    for (name, title) in VARIANTS {
        let Some(variant) = compile.variants.iter().find(|variant| variant.name == name) else {
            continue;
        };
        let Variant {
            check,
            dev,
            release,
            lines,
            ..
        } = variant;
        let [check, dev, release] = [check, dev, release].map(|seconds| number(*seconds, 2));
        text += &format!("| {title} | {check} | {dev} | {release} | {lines:.0} |\n");
    }
    let tree = |tree: &benches::report::Tree| {
        let seconds = number(tree.seconds, 0);
        format!("{} {seconds} s for {} packages", tree.name, tree.crates)
    };
    let trees: Vec<String> = compile.trees.iter().map(tree).collect();
    if !trees.is_empty() {
        text += &format!(
            "\nProcessor seconds of a dev build from nothing: {}.\n",
            trees.join(", "),
        );
    }
    text
}

/// Empty where it was not measured.
fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(String::new, |value| format!("{value:.digits$}"))
}
