//! What a traced call costs, beside other ways to trace it: instructions, allocations and time.
//!
//! Every peer is a program of its own, and every figure is of a process of its own.

mod children;
mod peer;
mod tables;

use std::path::PathBuf;

use benches::Result;
use benches::calls::{Measure, Measured, Order, Workload};
use benches::report::{self, About, Calls, Figure};
use clap::{Parser, ValueEnum as _};

use peer::Peer;

/// What a traced call costs, beside other ways to trace it
#[derive(Debug, Parser)]
#[command(name = "calls")]
struct Arguments {
    /// Who is measured
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Peer::value_variants().to_vec())]
    peers: Vec<Peer>,
    /// What is called; not every peer is asked for all
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Workload::value_variants().to_vec())]
    workloads: Vec<Workload>,
    /// Rounds over all peers and workloads, of which the best time is shown
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Chunks of calls that are counted; three times as many are compared with them
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..))]
    chunks: u64,
    /// Milliseconds of a round
    #[arg(long, default_value_t = 100)]
    millis: u64,
    /// Instructions are not counted
    #[arg(long)]
    no_instructions: bool,
    /// The peers' programs are there and not built again
    #[arg(long)]
    built: bool,
    /// Where `table` finds the figures [default: benches/calls.json in the target folder]
    #[arg(long)]
    save: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let save = match &arguments.save {
        Some(path) => path.clone(),
        None => report::place("calls")?,
    };
    if !arguments.built {
        peer::build(&arguments.peers)?;
    }
    let about = About::now();
    let counts = !arguments.no_instructions && about.valgrind.is_some();
    if !counts {
        println!(
            "instructions are not counted: `valgrind` is not on the PATH, or `--no-instructions` was said\n"
        );
    }
    let figures = figures(&arguments, counts)?;
    let calls = Calls { about, figures };
    for workload in arguments.workloads {
        tables::print(&calls, workload);
    }
    report::save(&save, &calls)
}

fn figures(arguments: &Arguments, counts: bool) -> Result<Vec<Figure>> {
    let mut measured = Vec::new();
    for &workload in &arguments.workloads {
        for &peer in &arguments.peers {
            if peer.is_asked_for(workload) {
                measured.push((peer, figure(peer, workload, arguments, counts)?));
            }
        }
    }
    for _ in 0..arguments.rounds {
        for (peer, figure) in &mut measured {
            let order = order(figure.workload, arguments, Measure::Time(arguments.millis));
            if let Measured::Nanos(nanos) = children::measure(*peer, order)? {
                figure.nanos = figure.nanos.min(nanos);
            }
        }
    }
    Ok(measured.into_iter().map(|(_, figure)| figure).collect())
}

/// The figures that are the same in each run.
fn figure(peer: Peer, workload: Workload, arguments: &Arguments, counts: bool) -> Result<Figure> {
    let order = order(workload, arguments, Measure::Allocations);
    let Measured::Allocations { caller, all } = children::measure(peer, order)? else {
        return Err("a child answered what was not asked".into());
    };
    let name = peer.name();
    eprintln!("{} of {name}", workload.name());
    let instructions = counts
        .then(|| children::instructions(peer, workload, order.calls))
        .transpose()?;
    let background = (counts && peer.works_in_background())
        .then(|| children::background_instructions(peer, workload, order.calls))
        .transpose()?;
    Ok(Figure {
        peer: name,
        workload,
        instructions,
        background,
        caller,
        all,
        nanos: f64::INFINITY,
    })
}

fn order(workload: Workload, arguments: &Arguments, measure: Measure) -> Order {
    let calls = match workload {
        Workload::W3 | Workload::W3tp => 16 * arguments.chunks,
        Workload::Large => workload.chunk(), // each is of a mebibyte
        _ => workload.chunk() * arguments.chunks,
    };
    Order {
        workload,
        calls,
        measure,
    }
}
