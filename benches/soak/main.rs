//! Spans at full rate, over spaces that come and go, to a collector that is never well for long.
//!
//! What must hold is checked at the end, and the exit code says it.

mod collector;
mod faults;
mod memory;
mod producers;
mod verdict;

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use arize_runtime::{Arize, register_with_routing};
use benches::{Helper, Result, machine};
use clap::{Parser, Subcommand};

use memory::Memory;
use producers::Producers;
use verdict::Verdict;

/// Short, so that a hanging collector costs time and not the whole soak.
const TIMEOUT: Duration = Duration::from_secs(1);
/// What the last flush may take once the collector is well.
const SHUTDOWN: Duration = Duration::from_secs(60);
const TOLD_EACH: Duration = Duration::from_secs(10);

/// Spans at full rate, over spaces that come and go, to a collector with faults
#[derive(Debug, Parser)]
#[command(name = "soak")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// How long spans are made
    #[arg(long, default_value_t = 300)]
    seconds: u64,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The collector
    #[command(hide = true)]
    Collector,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Collector) => {
            collector::serve()?;
            Ok(ExitCode::SUCCESS)
        }
        None => soak(Duration::from_secs(arguments.seconds)),
    }
}

fn soak(time: Duration) -> Result<ExitCode> {
    let mut collector = Helper::start(&["collector"])?;
    let arize = register_with_routing()
        .with_environment(|_| None)
        .endpoint(collector.line()?.trim())
        .timeout(TIMEOUT)
        .build()?;
    let producers = Producers::start(arize.tracer_provider());
    let memory = watch(&arize, &producers, time);
    let made = producers.stop();
    collector.ask(collector::BE_WELL)?;
    if let Err(error) = arize.shutdown_blocking(SHUTDOWN) {
        println!("at the shutdown: {error}"); // judged by the counts below
    }
    let arrived = serde_json::from_str(&collector.ask(collector::REPORT)?)?;
    let verdict = Verdict {
        made,
        stats: arize.stats(),
        arrived,
        memory,
    };
    println!("{verdict}");
    Ok(if verdict.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Tells how it goes until the time is over. Gives the memory of the process.
fn watch(arize: &Arize, producers: &Producers, time: Duration) -> Memory {
    let (start, mut told, mut memory) = (Instant::now(), Duration::ZERO, Memory::default());
    while start.elapsed() < time {
        thread::sleep(Duration::from_millis(500).min(time.saturating_sub(start.elapsed())));
        let resident = machine::resident();
        memory.sample(resident);
        if start.elapsed() >= told + TOLD_EACH {
            told += TOLD_EACH;
            println!(
                "{:>5} s  {:>5} MiB  {:>7} spaces  {}",
                told.as_secs(),
                resident.map_or_else(String::new, |kib| (kib / 1024).to_string()),
                producers.spaces(),
                arize.stats(),
            );
        }
    }
    memory
}
