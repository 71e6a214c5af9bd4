//! One load on one pipeline, from the first span to the shutdown.

use std::thread;
use std::time::{Duration, Instant};

use arize_runtime::{Arize, Protocol, register_with_routing};
use benches::{Helper, Result};
use clap::ValueEnum;

use crate::checks::{Check, Moment, Seen, Slack};
use crate::collector::{self, Arrived};
use crate::faults;
use crate::process::Process;
use crate::producers::Producers;
use crate::told::Told;

/// Short, so that a hanging collector costs time and not the whole soak.
const TIMEOUT: Duration = Duration::from_secs(1);
/// More than the faults can keep a queue full.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the last flush may take once the collector is well.
const SHUTDOWN: Duration = Duration::from_secs(60);
const TOLD_EACH: Duration = Duration::from_secs(10);
const SAMPLED_EACH: Duration = Duration::from_millis(500);

/// How spans come. The producers are as fast as they can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Load {
    /// What finds no room is dropped
    Overload,
    /// Producers wait for room
    Backpressure,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) load: Load,
    pub(crate) time: Duration,
    pub(crate) http: bool,
    /// No faults are shown.
    pub(crate) well: bool,
}

/// All that runs.
#[derive(Debug)]
struct Running {
    collector: Helper,
    arize: Arize,
    producers: Producers,
    told: Told,
}

impl Load {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Overload => "overload",
            Self::Backpressure => "backpressure",
        }
    }
}

impl Part {
    /// Says what it sees, and whether all held.
    pub(crate) fn run(self) -> Result<bool> {
        let threads = benches::machine::threads();
        let mut running = self.start()?;
        let (process, mut good) = self.watch(&mut running)?;
        running.producers.stop();
        running.collector.ask(collector::BE_WELL)?;
        let closing = Instant::now();
        let closed = running.arize.shutdown_blocking(SHUTDOWN);
        let closing = closing.elapsed();

        let moment = running.moment()?;
        let mut checks = moment.checks(Slack::default());
        checks.extend(moment.final_checks(self.load));
        checks.push(Check::new(
            closed.is_ok(),
            format!("the shutdown took {closing:.1?}: {closed:?}"),
        ));
        checks.extend(process.checks(threads));
        if !self.well && self.time >= faults::ALL_ARE_MET_IN {
            checks.push(moment.after.arrived.all_faults_were_met());
        }
        println!("\n{}", moment.stats);
        println!("{}\n", moment.after.arrived);
        for check in &checks {
            println!("{check}");
            good &= check.holds;
        }
        println!();
        Ok(good)
    }

    fn start(self) -> Result<Running> {
        let step = faults::step(self.time).as_millis().to_string();
        let mut arguments = vec!["collector", &step];
        if self.well {
            arguments.pop();
        }
        let mut collector = Helper::start(&arguments)?;
        let endpoints = collector.line()?;
        let (grpc, http) = endpoints.trim().split_once(' ').ok_or("no endpoints")?;
        let (endpoint, protocol) = if self.http {
            (http, Protocol::HttpProtobuf)
        } else {
            (grpc, Protocol::Grpc)
        };
        let told = Told::default();
        let hook = told.clone();
        let mut registration = register_with_routing()
            .with_environment(|_| None)
            .endpoint(endpoint)
            .protocol(protocol)
            .timeout(TIMEOUT)
            .on_loss(move |event| hook.hear(event));
        if self.load == Load::Backpressure {
            registration = registration.wait_when_full(PATIENCE);
        }
        let arize = registration.build()?;
        let producers = Producers::start(arize.tracer_provider());
        Ok(Running {
            collector,
            arize,
            producers,
            told,
        })
    }

    /// Looks at everything until the time is over. Gives what the process needed, and whether all
    /// held.
    fn watch(self, running: &mut Running) -> Result<(Process, bool)> {
        let (start, mut told, mut good) = (Instant::now(), Duration::ZERO, true);
        let (mut process, mut exported) = (Process::default(), 0);
        while start.elapsed() < self.time {
            thread::sleep(SAMPLED_EACH.min(self.time.saturating_sub(start.elapsed())));
            process.sample();
            if start.elapsed() < told + TOLD_EACH {
                continue;
            }
            told += TOLD_EACH;
            let moment = running.moment()?;
            let rate = (moment.stats.exported - exported) / TOLD_EACH.as_secs();
            exported = moment.stats.exported;
            let spaces = moment.stats.spaces.iter();
            println!(
                "{:>5} s  {}  {process}  {:>6} spaces  {rate:>7} exported/s  {:>5} KiB pending, {} spans \
                 at most of a space  {}",
                told.as_secs(),
                self.load.name(),
                running.producers.spaces(),
                moment.stats.pending_bytes / 1024,
                spaces.map(|space| space.pending).max().unwrap_or(0),
                moment.stats,
            );
            for check in moment.checks(Slack::of(running.producers.count())) {
                if !check.holds {
                    println!("{check}");
                    good = false;
                }
            }
        }
        Ok((process, good))
    }
}

impl Running {
    /// The pipeline's counts, between two looks at everybody else's.
    fn moment(&mut self) -> Result<Moment> {
        let before = self.seen()?;
        let stats = self.arize.stats();
        let after = self.seen()?;
        Ok(Moment {
            before,
            stats,
            after,
        })
    }

    fn seen(&mut self) -> Result<Seen> {
        let arrived: Arrived = serde_json::from_str(&self.collector.ask(collector::REPORT)?)?;
        Ok(Seen {
            made: self.producers.made(),
            told: self.told.losses(),
            arrived,
        })
    }
}
