//! The collector in its process. It counts what arrives, and remembers no more than ids.

use std::fmt;
use std::io::BufRead as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use arize_local::Receiver;
use benches::{Result, machine};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::checks::Check;
use crate::faults::{self, FAULTS};

/// Asks for no more faults.
pub(crate) const BE_WELL: &str = "be well";
/// Asks for an [`Arrived`].
pub(crate) const REPORT: &str = "report";

/// What a collector took, and how it was.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Arrived {
    pub(crate) requests: u64,
    /// Those that came again among them.
    pub(crate) spans: u64,
    pub(crate) distinct: u64,
    /// Spans that name another space than their request.
    pub(crate) misrouted: u64,
    spaces: usize,
    connections: usize,
    well: Spell,
    unwell: Spell,
    /// Requests that met each of [`FAULTS`].
    met: Vec<usize>,
    /// KiB that the collector needed at most.
    peak: Option<u64>,
}

/// Spans that arrived in some time.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Spell {
    spans: u64,
    time: Duration,
}

impl Arrived {
    pub(crate) fn all_faults_were_met(&self) -> Check {
        let met = self.met.iter().filter(|met| **met > 0).count();
        Check::new(
            met == FAULTS.len(),
            format!("{met} of {} faults were met by some requests", FAULTS.len()),
        )
    }
}

impl fmt::Display for Arrived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            requests,
            spans,
            distinct,
            spaces,
            connections,
            ..
        } = self;
        writeln!(
            f,
            "{spans} spans arrived in {requests} requests of {spaces} spaces over {connections} \
             connections, {} of them again; the collector needed {} MiB",
            spans - distinct,
            self.peak.unwrap_or(0) / 1024,
        )?;
        writeln!(
            f,
            "without a fault {} spans/s arrived, with one {} spans/s; requests that met one:",
            self.well.rate(),
            self.unwell.rate()
        )?;
        let met = FAULTS.iter().zip(&self.met);
        let met: Vec<_> = met.map(|(fault, n)| format!("{fault} {n}")).collect();
        f.write_str(&met.join(", "))
    }
}

impl Spell {
    fn rate(self) -> u64 {
        let millis = self.time.as_millis().max(1);
        u64::try_from(u128::from(self.spans) * 1000 / millis).unwrap_or(u64::MAX)
    }
}

/// Says its URLs, does what it is told by lines, and ends with its stdin. A fault and the time after
/// it last a step each; without a step there are none.
pub(crate) fn serve(step: Option<Duration>) -> Result<()> {
    let (sender, lines) = unbounded_channel();
    std::thread::spawn(move || {
        let told = std::io::stdin()
            .lock()
            .lines()
            .map_while(std::io::Result::ok);
        for line in told {
            let _ended = sender.send(line);
        }
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(misbehave(lines, step))
}

async fn misbehave(mut lines: UnboundedReceiver<String>, step: Option<Duration>) -> Result<()> {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let receiver = Receiver::bind(any).await?.with_http(any).await?;
    let receiver = receiver.counting_ids();
    let http = receiver.http_endpoint().ok_or("it has an HTTP port")?;
    println!("{} {http}", receiver.endpoint());
    let mut course = Course::new(receiver);
    course.ended = step.is_none();
    let mut steps = tokio::time::interval(step.unwrap_or(Duration::from_secs(1)));
    loop {
        tokio::select! {
            line = lines.recv() => match line.as_deref() {
                Some(BE_WELL) => {
                    course.be_well();
                    println!();
                }
                Some(_) => println!("{}", serde_json::to_string(&course.arrived())?),
                None => return Ok(()),
            },
            _ = steps.tick(), if !course.ended => course.step()?,
        }
    }
}

/// How far the faults are.
#[derive(Debug)]
struct Course {
    receiver: Receiver,
    arrived: Arrived,
    n: usize,
    /// No more faults come.
    ended: bool,
    since: Instant,
    spans: u64,
    met: usize,
}

impl Course {
    fn new(receiver: Receiver) -> Self {
        let met = vec![0; FAULTS.len()];
        Self {
            receiver,
            arrived: Arrived {
                met,
                ..Arrived::default()
            },
            n: 0,
            ended: false,
            since: Instant::now(),
            spans: 0,
            met: 0,
        }
    }

    fn step(&mut self) -> Result<()> {
        self.put_down();
        self.n += 1;
        let faults = faults::shown(self.n).map(|fault| faults::read(FAULTS[fault]));
        self.receiver.show(faults.transpose()?.unwrap_or_default());
        Ok(())
    }

    fn be_well(&mut self) {
        self.put_down();
        self.ended = true;
        self.receiver.show([]);
    }

    /// Puts down what came in the step that is over.
    fn put_down(&mut self) {
        let (spans, met, now) = (
            self.receiver.counts().spans,
            self.receiver.faulted(),
            Instant::now(),
        );
        let fault = faults::shown(self.n);
        let spell = match fault {
            Some(_) => &mut self.arrived.unwell,
            None => &mut self.arrived.well,
        };
        spell.spans += spans - self.spans;
        spell.time += now - self.since;
        if let Some(fault) = fault {
            self.arrived.met[fault] += met - self.met;
        }
        (self.spans, self.met, self.since) = (spans, met, now);
    }

    fn arrived(&self) -> Arrived {
        let counts = self.receiver.counts();
        Arrived {
            requests: counts.requests,
            spans: counts.spans,
            distinct: counts.distinct_spans.unwrap_or(0),
            misrouted: counts.misrouted,
            spaces: self.receiver.counts_by_space().len(),
            connections: self.receiver.connections(),
            peak: machine::peak_resident(),
            ..self.arrived.clone()
        }
    }
}
