//! W5: spans of one space, as many as the producers can make.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use arize_runtime::Protocol;
use benches::machine::CpuTime;
use benches::{Result, make_span, space_ids};
use clap::Args;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use serde::{Deserialize, Serialize};

use crate::collector::Collector;
use crate::outcomes;
use crate::pipeline::{Pipeline, batch_processor, runtime};
use crate::table::{fault, median, micros_each, number, per_second};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Threads that make spans
    #[arg(long, value_delimiter = ',', default_values_t = Self::default().producers, value_parser = clap::value_parser!(u32).range(1..))]
    producers: Vec<u32>,
    /// Spans of a run
    #[arg(long, default_value_t = Self::default().spans)]
    spans: u32,
    /// Runs of each, of which the one with the median time is shown
    #[arg(long, default_value_t = Self::default().runs)]
    runs: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            producers: vec![1, 2],
            spans: 100_000,
            runs: 3,
        }
    }
}

/// Who exports.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Exporter {
    /// The SDK's `BatchSpanProcessor` with opentelemetry-otlp over gRPC.
    Sdk,
    Ours,
}

impl fmt::Display for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sdk => "sdk",
            Self::Ours => "ours",
        })
    }
}

/// One run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    exporter: Exporter,
    /// Whether the queue holds all spans, or as many as it does by default.
    holds_all: bool,
    producers: u32,
    spans: u32,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    emitted: u64,
    delivered: u64,
    emitting: Duration,
    drained: Duration,
    producer_cpu: Option<Duration>,
    cpu: Option<Duration>,
}

/// Prints the table.
pub(crate) fn print(options: &Options) -> Result<()> {
    let Options { spans, runs, .. } = *options;
    println!("W5, throughput: {spans} spans of one space; the median of {runs} runs\n");
    println!(
        "| exporter | queue | producers | emitted spans/s | delivered spans/s | producer CPU us/span | \
         CPU us/delivered | lost |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|");
    for &producers in &options.producers {
        for exporter in [Exporter::Sdk, Exporter::Ours] {
            for holds_all in [false, true] {
                let load = Load {
                    exporter,
                    holds_all,
                    producers,
                    spans,
                };
                println!("{}", row(load, outcomes(&crate::Load::W5(load), runs)?)?);
            }
        }
    }
    Ok(())
}

fn row(load: Load, outcomes: Vec<Outcome>) -> Result<String> {
    let Load {
        exporter,
        holds_all,
        producers,
        ..
    } = load;
    let queue = if holds_all { "as the burst" } else { "default" };
    // A loss of any run is shown.
    let losses = outcomes
        .iter()
        .map(|outcome| outcome.emitted.saturating_sub(outcome.delivered));
    let lost = losses.max().unwrap_or(0);
    let Outcome {
        emitted,
        delivered,
        emitting,
        drained,
        producer_cpu,
        cpu,
    } = median(outcomes, |outcome| outcome.drained.as_secs_f64()).ok_or("no run was asked for")?;
    Ok(format!(
        "| {exporter} | {queue} | {producers} | {} | {} | {} | {} | {} |",
        per_second(emitted, emitting),
        per_second(delivered, drained),
        number(micros_each(producer_cpu, emitted), 2),
        number(micros_each(cpu, delivered), 2),
        fault(lost, "LOST"),
    ))
}

/// Does one run.
pub(crate) fn run(load: &Load) -> Result<Outcome> {
    let mut collector = Collector::start()?;
    let pipeline = start(load, &collector.url())?;
    let tracer = pipeline.tracer();
    let space_id = &space_ids(1)[0];
    make_span(&tracer, space_id); // opens the connection
    let before = pipeline.drain(&mut collector, 1)?.spans;

    let (cpu, start) = (CpuTime::of_process(), Instant::now());
    let each = load.spans / load.producers;
    let produce = || {
        let cpu = CpuTime::of_thread();
        (0..each).for_each(|_| make_span(&tracer, space_id));
        cpu.elapsed()
    };
    let producer_cpu = thread::scope(|scope| {
        let producers: Vec<_> = (0..load.producers).map(|_| scope.spawn(produce)).collect();
        let join =
            |producer: thread::ScopedJoinHandle<'_, _>| producer.join().expect("it panicked");
        producers.into_iter().map(join).sum()
    });
    let emitting = start.elapsed();
    let emitted = u64::from(each * load.producers);
    let counts = pipeline.drain(&mut collector, before + emitted)?;
    Ok(Outcome {
        emitted,
        delivered: counts.spans - before,
        emitting,
        drained: start.elapsed(),
        producer_cpu,
        cpu: cpu.elapsed(),
    })
}

fn start(load: &Load, url: &str) -> Result<Pipeline> {
    let queue = load.holds_all.then_some(load.spans as usize);
    match load.exporter {
        Exporter::Ours => Pipeline::ours(url, Protocol::Grpc, queue),
        Exporter::Sdk => {
            let runtime = runtime()?;
            let exporter = {
                let _channels_need_it = runtime.enter();
                SpanExporter::builder()
                    .with_tonic()
                    .with_endpoint(url)
                    .build()?
            };
            Ok(Pipeline::of_peer(
                batch_processor(exporter, queue),
                Some(runtime),
            ))
        }
    }
}
