//! Spans at full rate, over spaces that come and go, to a collector that is never well for long.
//!
//! What must hold is checked all the time, and the exit code says whether it did.

mod checks;
mod collector;
mod faults;
mod part;
mod process;
mod producers;
mod told;

use std::process::{Command as Program, ExitCode};
use std::time::Duration;

use benches::Result;
use clap::{Parser, Subcommand, ValueEnum as _};

use part::{Load, Part};

/// Longer parts would be too much for the collector, which remembers the id of each span: there are
/// more parts instead.
const LONGEST_PART: u64 = 150;

/// Spans at full rate, over spaces that come and go, to a collector with faults
#[derive(Debug, Parser)]
#[command(name = "soak")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// How long spans are made, in all parts together
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// This part alone, in this process: the collector needs about 20 bytes for each span
    #[arg(long, value_enum)]
    load: Option<Load>,
    /// Export over HTTP instead of gRPC
    #[arg(long)]
    http: bool,
    /// Without faults
    #[arg(long)]
    well: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The collector
    #[command(hide = true)]
    Collector { step_millis: Option<u64> },
}

fn main() -> Result<ExitCode> {
    let Arguments {
        command,
        seconds,
        load,
        http,
        well,
    } = Arguments::parse();
    let good = match (command, load) {
        (Some(Command::Collector { step_millis }), _) => {
            collector::serve(step_millis.map(Duration::from_millis))?;
            true
        }
        (None, Some(load)) => {
            let time = Duration::from_secs(seconds);
            let part = Part {
                load,
                time,
                http,
                well,
            };
            part.run()?
        }
        (None, None) => all_parts(seconds, http, well)?,
    };
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Each part in a process of its own, so that the memory of one does not hide that of the next.
fn all_parts(seconds: u64, http: bool, well: bool) -> Result<bool> {
    let loads = Load::value_variants();
    let rounds = seconds.div_ceil(LONGEST_PART * loads.len() as u64);
    let each = (seconds / (rounds * loads.len() as u64)).max(1);
    let mut failed = 0;
    for _ in 0..rounds {
        for load in loads {
            let mut part = Program::new(std::env::current_exe()?);
            part.args(["--load", load.name(), "--seconds", &each.to_string()]);
            part.args(http.then_some("--http"));
            part.args(well.then_some("--well"));
            failed += u32::from(!part.status()?.success());
        }
    }
    match failed {
        0 => println!("good: all held"),
        n => println!("FAIL: {n} parts, see above"),
    }
    Ok(failed == 0)
}
