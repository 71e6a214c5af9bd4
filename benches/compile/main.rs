//! What an annotation costs the compiler, beside other attributes, and what the packages cost that
//! have to be built for it.
//!
//! All is done by cargo in a folder of its own below the target folder, with the versions of the
//! workspace's `Cargo.lock`, and never incremental.

mod cargo;
mod generate;

use std::path::PathBuf;

use benches::report::{self, About, Compile, Tree, Variant};
use benches::{Result, machine};
use clap::{Parser, ValueEnum};

use cargo::Cargo;
use generate::Annotation;

/// What an annotation costs the compiler, beside other attributes
#[derive(Debug, Parser)]
#[command(name = "compile")]
struct Arguments {
    /// How functions are annotated
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Annotation::value_variants().to_vec())]
    variants: Vec<Annotation>,
    /// What is built of each
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Stage::value_variants().to_vec())]
    stages: Vec<Stage>,
    /// Functions of each variant
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    functions: u32,
    /// Rounds over all variants, of which the median is shown
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only the variants, not what their packages cost from nothing
    #[arg(long)]
    no_trees: bool,
    /// Where `table` finds the figures [default: benches/compile.json in the target folder]
    #[arg(long)]
    save: Option<PathBuf>,
}

/// What cargo is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// `cargo check`
    Check,
    /// `cargo build`
    Dev,
    /// `cargo build --release`
    Release,
}

impl Stage {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Check => &["check"],
            Self::Dev => &["build"],
            Self::Release => &["build", "--release"],
        }
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let folder = report::target()?.join("benches").join("compile");
    generate::workspace(&folder, &arguments.variants, arguments.functions)?;
    let cargo = Cargo::new(folder);
    let about = About::now();
    let variants = variants(&cargo, &arguments)?;
    let trees = if arguments.no_trees {
        Vec::new()
    } else {
        trees(&cargo)?
    };
    let compile = Compile {
        about,
        functions: arguments.functions,
        variants,
        trees,
    };
    print(&compile);
    let save = match arguments.save {
        Some(path) => path,
        None => report::place("compile")?,
    };
    report::save(&save, &compile)
}

fn variants(cargo: &Cargo, arguments: &Arguments) -> Result<Vec<Variant>> {
    for annotation in &arguments.variants {
        for stage in &arguments.stages {
            eprintln!("dependencies of {}", annotation.name());
            cargo.run(&annotation.package(), stage.arguments())?;
        }
    }
    let mut rounds = Vec::new();
    for round in 1..=arguments.rounds {
        eprintln!("round {round}");
        for &annotation in &arguments.variants {
            for &stage in &arguments.stages {
                let package = annotation.package();
                cargo.touch(&package)?;
                let seconds = cargo.seconds(&package, stage.arguments())?;
                rounds.push((annotation, stage, seconds));
            }
        }
    }
    let median = |annotation, stage| {
        let its = rounds
            .iter()
            .filter(|round| (round.0, round.1) == (annotation, stage));
        let mut seconds: Vec<f64> = its.filter_map(|round| round.2).collect();
        seconds.sort_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied()
    };
    let variant = |&annotation: &Annotation| {
        let lines = cargo.expanded_lines(&annotation.package())?;
        Ok(Variant {
            name: annotation.name(),
            check: median(annotation, Stage::Check),
            dev: median(annotation, Stage::Dev),
            release: median(annotation, Stage::Release),
            lines: f64::from(lines) / f64::from(arguments.functions),
        })
    };
    arguments.variants.iter().map(variant).collect()
}

fn trees(cargo: &Cargo) -> Result<Vec<Tree>> {
    let mut trees: Vec<Tree> = Vec::new();
    for (name, _) in generate::TREES {
        let package = generate::tree_package(name);
        let crates = cargo.crates(&package)?;
        if trees.iter().any(|tree| tree.crates == crates) {
            eprintln!("{name}: the same {crates} packages");
            continue;
        }
        eprintln!("{name} from nothing");
        trees.push(Tree {
            name: name.to_owned(),
            crates,
            seconds: cargo.seconds_from_nothing(&package)?,
        });
    }
    Ok(trees)
}

fn print(compile: &Compile) {
    if machine::children().is_none() {
        println!("no processor time: the system does not tell\n");
    }
    println!("| variant | check s | dev s | release s | lines each |\n|---|---:|---:|---:|---:|");
    for variant in &compile.variants {
        let [check, dev, release] =
            [variant.check, variant.dev, variant.release].map(|seconds| number(seconds, 2));
        let (name, lines) = (&variant.name, variant.lines);
        println!("| {name} | {check} | {dev} | {release} | {lines:.1} |");
    }
    if !compile.trees.is_empty() {
        println!("\n| from nothing | crates | dev s |\n|---|---:|---:|");
    }
    for Tree {
        name,
        crates,
        seconds,
    } in &compile.trees
    {
        println!("| {name} | {crates} | {} |", number(*seconds, 1));
    }
}

/// Empty where it was not measured.
fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(String::new, |value| format!("{value:.digits$}"))
}
