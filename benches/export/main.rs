//! What exporting costs, beside other ways to do it: throughput (W5) and routing (W6).
//!
//! Each run is a process of its own, with a collector that is a third one.

mod collector;
mod designs;
mod pipeline;
mod table;
mod w5;
mod w6;

use benches::{Helper, Result};
use clap::{Parser, Subcommand};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What exporting costs, beside other ways to do it. Without a command: both tables.
#[derive(Debug, Parser)]
#[command(name = "export")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Throughput: one space, as many spans as the producers can make.
    W5(w5::Options),
    /// Routing: spans of many spaces in turn.
    W6(w6::Options),
    /// One run, for the tables.
    #[command(hide = true)]
    Run { load: String },
    /// The collector of a run.
    #[command(hide = true)]
    Collector,
}

/// What one run is to do.
#[derive(Debug, Serialize, Deserialize)]
enum Load {
    W5(w5::Load),
    W6(w6::Load),
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        None => {
            w5::print(&w5::Options::default())?;
            println!();
            w6::print(&w6::Options::default())
        }
        Some(Command::W5(options)) => w5::print(&options),
        Some(Command::W6(options)) => w6::print(&options),
        Some(Command::Run { load }) => run(&serde_json::from_str(&load)?),
        Some(Command::Collector) => collector::serve(),
    }
}

/// Does one run, and prints what came of it as a line of JSON.
fn run(load: &Load) -> Result<()> {
    let outcome = match load {
        Load::W5(load) => serde_json::to_string(&w5::run(load)?)?,
        Load::W6(load) => serde_json::to_string(&w6::run(load)?)?,
    };
    println!("{outcome}");
    Ok(())
}

/// Has the load run `runs` times, each in a process of its own.
fn outcomes<O: DeserializeOwned>(load: &Load, runs: usize) -> Result<Vec<O>> {
    let load = serde_json::to_string(load)?;
    let outcome = || {
        let line = Helper::start(&["run", &load])?.line()?;
        Ok(serde_json::from_str(&line)?)
    };
    (0..runs).map(|_| outcome()).collect()
}
