//! W6: spans of many spaces, in turn.

use std::time::{Duration, Instant};

use benches::machine::{self, CpuTime};
use benches::{Result, make_span, space_ids};
use clap::{Args, ValueEnum as _};
use serde::{Deserialize, Serialize};

use crate::collector::{Collector, Counts};
use crate::designs::Design;
use crate::outcomes;
use crate::table::{count, fault, mebibytes, median, micros_each, number};

/// More spaces than design a can be asked to have unless it is named: a thread, a queue and a
/// connection for each.
const TOO_MANY_FOR_A: u32 = 5_000;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The designs, all unless said
    #[arg(long, value_enum, value_delimiter = ',')]
    designs: Vec<Design>,
    /// Numbers of spaces
    #[arg(long, value_delimiter = ',', default_values_t = Self::default().spaces)]
    spaces: Vec<u32>,
    /// Spans of a run
    #[arg(long, default_value_t = Self::default().spans)]
    spans: u32,
    /// Runs of each, of which the one with the median processor time is shown
    #[arg(long, default_value_t = Self::default().runs)]
    runs: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            designs: Vec::new(),
            spaces: vec![1, 100, 1_000, 10_000],
            spans: 20_000,
            runs: 3,
        }
    }
}

/// One run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    design: Design,
    spaces: u32,
    spans: u32,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    threads: Option<u64>,
    /// KiB that were resident more after the drain than before the pipeline, and at the most.
    added: Option<u64>,
    peak: Option<u64>,
    drained: Duration,
    cpu: Option<Duration>,
    lost: u64,
    counts: Counts,
}

/// Prints the table.
pub(crate) fn print(options: &Options) -> Result<()> {
    let Options { spans, runs, .. } = *options;
    println!("W6, routing: {spans} spans, in turn over the spaces; the median of {runs} runs\n");
    println!(
        "| design | spaces | threads | RSS added MiB | RSS peak MiB | connections | requests | \
         drained s | CPU us/span | lost | misrouted | spaces seen |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    let designs = match &options.designs[..] {
        [] => Design::value_variants(),
        named => named,
    };
    for &spaces in &options.spaces {
        for &design in designs {
            if design == Design::A && spaces > TOO_MANY_FOR_A && options.designs.is_empty() {
                let why = "left out: 8 GB and minutes; `--designs a` runs it";
                println!("| a | {spaces} | {why} |{}", " |".repeat(9));
                continue;
            }
            let load = Load {
                design,
                spaces,
                spans,
            };
            println!("{}", row(load, outcomes(&crate::Load::W6(load), runs)?)?);
        }
    }
    Ok(())
}

fn row(load: Load, outcomes: Vec<Outcome>) -> Result<String> {
    let Load {
        design,
        spaces,
        spans,
    } = load;
    // A fault of any run is shown.
    let worst = |fault: fn(&Outcome) -> u64| outcomes.iter().map(fault).max().unwrap_or(0);
    let lost = worst(|outcome| outcome.lost);
    let misrouted = worst(|outcome| outcome.counts.misrouted);
    let time = |outcome: &Outcome| outcome.cpu.unwrap_or(outcome.drained).as_secs_f64();
    let Outcome {
        threads,
        added,
        peak,
        drained,
        cpu,
        counts,
        ..
    } = median(outcomes, time).ok_or("no run was asked for")?;
    Ok(format!(
        "| {design} | {spaces} | {} | {} | {} | {} | {} | {:.2} | {} | {} | {} | {} |",
        count(threads),
        number(mebibytes(added), 1),
        number(mebibytes(peak), 1),
        counts.connections,
        counts.requests,
        drained.as_secs_f64(),
        number(micros_each(cpu, spans.into()), 1),
        fault(lost, "LOST"),
        fault(misrouted, "MISROUTED"),
        counts.spaces,
    ))
}

/// Does one run.
pub(crate) fn run(load: &Load) -> Result<Outcome> {
    let mut collector = Collector::start()?;
    let space_ids = space_ids(load.spaces);
    let resident = machine::resident();
    let pipeline = load
        .design
        .start(&collector.url(), load.spans.try_into()?)?;
    let tracer = pipeline.tracer();
    let (cpu, start) = (CpuTime::of_process(), Instant::now());
    for space_id in space_ids.iter().cycle().take(load.spans.try_into()?) {
        make_span(&tracer, space_id);
    }
    let threads = machine::threads();
    let counts = pipeline.drain(&mut collector, load.spans.into())?;
    let drained = start.elapsed();
    let cpu = cpu.elapsed();
    let more = |kibibytes: Option<u64>| Some(kibibytes?.saturating_sub(resident?));
    let outcome = Outcome {
        threads,
        added: more(machine::resident()),
        peak: more(machine::peak_resident()),
        drained,
        cpu,
        lost: u64::from(load.spans).saturating_sub(counts.spans),
        counts,
    };
    std::mem::forget(pipeline); // the process ends now; a thousand threads need not be joined first
    Ok(outcome)
}
