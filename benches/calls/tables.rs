//! A table for each workload, with all figures.

use benches::calls::Workload;
use benches::report::{Calls, Figure};

const HEAD: &str = "\
| peer | instructions | over none | x raw-safe | background | allocations | reallocations | bytes | \
allocations of all threads | ns |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

pub(crate) fn print(calls: &Calls, workload: Workload) {
    println!("{}\n\n{HEAD}", workload.name());
    let instructions = |peer| calls.figure(peer, workload)?.instructions;
    let (none, bar) = (instructions("none"), instructions("raw-safe"));
    for figure in &calls.figures {
        if figure.workload == workload {
            println!("{}", row(figure, none, bar));
        }
    }
    println!();
}

fn row(figure: &Figure, none: Option<f64>, bar: Option<f64>) -> String {
    let Figure {
        peer,
        instructions,
        background,
        caller,
        all,
        nanos,
        ..
    } = figure;
    let with = |other: Option<f64>, of: fn(f64, f64) -> f64| Some(of((*instructions)?, other?));
    let time = if nanos.is_finite() {
        Some(*nanos)
    } else {
        None
    };
    let cells = [
        number(*instructions, 0),
        number(with(none, |this, none| this - none), 0),
        number(with(bar, |this, bar| this / bar), 2),
        number(*background, 0),
        number(Some(caller.allocations), 2),
        number(Some(caller.reallocations), 2),
        number(Some(caller.bytes), 0),
        number(Some(all.allocations), 2),
        number(time, 0),
    ];
    format!("| {peer} | {} |", cells.join(" | "))
}

/// Empty where it was not measured.
fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(String::new, |value| format!("{value:.digits$}"))
}
