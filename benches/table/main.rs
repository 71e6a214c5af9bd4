//! What `calls` and `compile` found last, as the README shows it.

mod calls;
mod compile;

use std::fs;
use std::path::PathBuf;

use benches::Result;
use benches::report::{self, Calls, Compile};
use clap::Parser;

const BEGIN: &str = "<!-- benches: begin -->\n";
const END: &str = "<!-- benches: end -->\n";

/// Writes what `calls` and `compile` found last between the marks of a Markdown file
#[derive(Debug, Parser)]
#[command(name = "table")]
struct Arguments {
    /// What `calls` found [default: benches/calls.json in the target folder]
    #[arg(long)]
    calls: Option<PathBuf>,
    /// What `compile` found [default: benches/compile.json in the target folder]
    #[arg(long)]
    compile: Option<PathBuf>,
    /// The Markdown file [default: the workspace's README.md]
    #[arg(long)]
    into: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let path = |given: Option<PathBuf>, bench| match given {
        Some(path) => Ok(path),
        None => report::place(bench),
    };
    let found: Calls = report::load(&path(arguments.calls, "calls")?)?;
    let compiled: Compile = report::load(&path(arguments.compile, "compile")?)?;
    let into = arguments.into;
    let into = into.unwrap_or_else(|| report::workspace().join("README.md"));
    let table = format!("{}\n{}", calls::table(&found)?, compile::table(&compiled));
    let file = fs::read_to_string(&into)?;
    Ok(fs::write(&into, between_the_marks(&file, &table)?)?)
}

fn between_the_marks(file: &str, table: &str) -> Result<String> {
    let marked = file
        .split_once(BEGIN)
        .and_then(|(above, rest)| Some((above, rest.split_once(END)?.1)));
    let (above, below) = marked.ok_or("the file has not both marks, each on a line of its own")?;
    Ok(format!("{above}{BEGIN}\n{table}\n{END}{below}"))
}

/// With commas, as long numbers are read.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
