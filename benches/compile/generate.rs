//! The crates that are compiled: the same functions, annotated in different ways.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use benches::{Result, report};
use clap::ValueEnum;

/// How functions are annotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Annotation {
    /// Not at all
    None,
    /// `#[tool]`
    Tool,
    /// `#[tool(skip_all)]`
    ToolSkipAll,
    /// `#[tracing::instrument(ret, err)]`
    TracingStock,
    /// `#[tracing::instrument]` with the content that `#[tool]` records
    TracingJson,
    /// `#[fastrace::trace]`, which records no content
    Fastrace,
}

/// What is built from nothing, and the line of `Cargo.toml` for it.
pub(crate) const TREES: [(&str, &str); 3] = [
    (
        "arize-macros",
        "arize-macros = { path = \"PATH/arize-macros\" }",
    ),
    (
        "arize-runtime",
        "arize-runtime = { path = \"PATH/arize-runtime\" }",
    ),
    (
        "arize-runtime without default features",
        "arize-runtime = { path = \"PATH/arize-runtime\", default-features = false }",
    ),
];

const TRACING: &str = "tracing = \"0.1\"\n";
const JSON: &str = "serde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\n";

const HEAD: &str = "\
#![allow(warnings)]
#[derive(Debug)] pub enum E { Empty }
impl std::fmt::Display for E {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(\"empty\") }
}
impl std::error::Error for E {}
pub async fn ready() {}
";

/// What the functions with `tracing`'s attribute and all content call.
const TRACING_JSON: &str = "\
pub fn json<T: serde::Serialize>(value: &T) -> String { serde_json::to_string(value).unwrap_or_default() }
pub fn done<T: serde::Serialize>(answer: Result<T, E>) -> Result<T, E> {
    let span = tracing::Span::current();
    if let Ok(answer) = &answer {
        span.record(\"output.value\", json(answer).as_str());
        span.record(\"output.mime_type\", \"application/json\");
        span.record(\"otel.status_code\", \"OK\");
    }
    answer
}
";

const TYPES: [&str; 6] = ["&str", "u32", "bool", "f64", "Vec<String>", "Option<i64>"];

impl Annotation {
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value().expect("none is skipped");
        value.get_name().to_owned()
    }

    pub(crate) fn package(self) -> String {
        format!("annotated-{}", self.name())
    }

    fn dependencies(self) -> String {
        match self {
            Self::None => String::new(),
            Self::Tool | Self::ToolSkipAll => TREES[1].1.to_owned(),
            Self::TracingStock => TRACING.to_owned(),
            Self::TracingJson => format!("{TRACING}{JSON}"),
            Self::Fastrace => {
                "fastrace = { version = \"0.7\", features = [\"enable\"] }".to_owned()
            }
        }
    }

    fn attribute(self, name: &str, arguments: &[&str]) -> String {
        match self {
            Self::None => String::new(),
            Self::Tool => "#[arize_runtime::tool]".to_owned(),
            Self::ToolSkipAll => "#[arize_runtime::tool(skip_all)]".to_owned(),
            Self::TracingStock => "#[tracing::instrument(ret, err)]".to_owned(),
            Self::TracingJson => {
                let arguments = arguments.join(", &");
                format!(
                    "#[tracing::instrument(name = \"{name}\", skip_all, fields(\
                     openinference.span.kind = \"TOOL\", tool.name = \"{name}\", \
                     input.value = crate::json(&(&{arguments},)), input.mime_type = \"application/json\", \
                     output.value = tracing::field::Empty, output.mime_type = tracing::field::Empty, \
                     otel.status_code = tracing::field::Empty))]"
                )
            }
            Self::Fastrace => format!("#[fastrace::trace(name = \"{name}\")]"),
        }
    }

    fn code(self, functions: u32) -> String {
        let mut code = HEAD.to_owned();
        if self == Self::TracingJson {
            code += TRACING_JSON;
        }
        for number in 0..functions {
            code += &self.function(number);
        }
        code
    }

    /// Every second is async; two arguments or three, of all types in turn.
    fn function(self, number: u32) -> String {
        let at = number as usize;
        let is_async = at % 2 == 1;
        let name = format!("f{number:03}");
        let arguments = [("a", at), ("b", at * 5 + 1), ("c", at + 3)];
        let arguments = &arguments[..2 + at / 2 % 2];
        let names: Vec<&str> = arguments.iter().map(|argument| argument.0).collect();
        let mut parameters = String::new();
        let mut shown = name.clone();
        for (name, of_type) in arguments {
            let of_type = TYPES[of_type % TYPES.len()];
            let _never_fails = write!(parameters, "{name}: {of_type}, ");
            let _never_fails = write!(shown, " {{{name}:?}}");
        }
        let mut answer = format!("Ok(format!(\"{shown}\"))");
        if self == Self::TracingJson {
            answer = format!("crate::done({answer})");
        }
        let attribute = self.attribute(&name, &names);
        let (keyword, wait) = if is_async {
            ("async ", "crate::ready().await; ")
        } else {
            ("", "")
        };
        format!(
            "{attribute}\npub {keyword}fn {name}({parameters}) -> Result<String, crate::E> \
             {{ {wait}{answer} }}\n"
        )
    }
}

pub(crate) fn tree_package(name: &str) -> String {
    format!("tree-{}", name.replace(' ', "-"))
}

/// Writes a workspace of all crates, with the versions of ours.
pub(crate) fn workspace(folder: &Path, annotations: &[Annotation], functions: u32) -> Result<()> {
    let mut members = Vec::new();
    for annotation in annotations {
        let package = annotation.package();
        let code = annotation.code(functions);
        write_package(folder, &package, &annotation.dependencies(), &code)?;
        members.push(package);
    }
    for (name, dependency) in TREES {
        let package = tree_package(name);
        write_package(folder, &package, dependency, "")?;
        members.push(package);
    }
    let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n");
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::copy(
        report::workspace().join("Cargo.lock"),
        folder.join("Cargo.lock"),
    )?;
    Ok(())
}

fn write_package(folder: &Path, name: &str, dependencies: &str, code: &str) -> Result<()> {
    let folder = folder.join(name);
    fs::create_dir_all(folder.join("src"))?;
    let root = report::workspace();
    let dependencies = dependencies.replace("PATH", &root.display().to_string());
    let manifest = format!(
        "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    Ok(fs::write(folder.join("src/lib.rs"), code)?)
}
