//! The command `arize-local collect`, as a function.

use std::collections::{HashSet, VecDeque};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::time::Duration;

use crate::answer::Answer;
use crate::environment::Environment;
use crate::error::StartError;
use crate::fault::Fault;
use crate::faults::Stage;
use crate::listen::{ReceiveOptions, cannot_print, finish_forwarding, listen, print_variables};
use crate::out_file::OutFile;
use crate::print::collected::{Collected, print_met, print_misdirected, print_stage, print_totals};
use crate::print::print_forwarded;
use crate::receiver::Receiver;
use crate::store::{Store, StrayBound};
use crate::tree::Trace;

/// How often it is looked which traces have become quiet.
const TICK: Duration = Duration::from_millis(100);

/// How long a trace is waited for whose parents are still to come.
const MOST: Duration = Duration::from_secs(10);

/// How many printed traces are remembered, to tell more of them as such.
const MAX_PRINTED: usize = 10_000;

/// What `arize-local collect` is told on its command line.
#[derive(Clone, Debug)]
pub struct CollectOptions {
    /// Where to receive spans.
    pub receive: ReceiveOptions,
    /// The faults to show, as in [`Receiver::show`](crate::Receiver::show).
    pub faults: Vec<Fault>,
    /// How long a trace must be quiet to count as complete.
    pub settle: Duration,
    /// Where to write the spans, one JSON object a line.
    pub json: Option<PathBuf>,
    /// Whether to print in colour.
    pub colour: bool,
}

/// Receives spans until `stop`, and prints each trace when it is complete.
///
/// A trace is complete when it has been quiet for a while, longer if one of its spans has a parent that is still to
/// come. What comes later is printed as more of it. Then it is forgotten: memory stays bounded for ever.
///
/// # Errors
///
/// Returns why it could not start, or what could not be written.
pub async fn collect(
    options: CollectOptions,
    out: &mut impl Write,
    stop: impl Future<Output = ()>,
) -> Result<(), StartError> {
    let json = options.json.as_deref().map(OutFile::create).transpose()?;
    let receiver = listen(&options.receive).await?;
    let environment = Environment::new(&receiver, options.receive.protocol);
    print_variables(out, &environment, &receiver, true)?;
    let mut collector = Collector {
        _bound: receiver.store().bound_strays(),
        out,
        nobody_reads: false,
        options: &options,
        json,
        printed: Printed::default(),
        misdirected: 0,
        stages: vec![None; options.faults.len()],
        traces: 0,
        spans: 0,
    };
    collector.print_start()?;
    receiver.show(options.faults.iter().cloned());
    tokio::select! {
        ended = collector.follow(&receiver) => ended?,
        () = stop => {
            receiver.shutdown().await;
            collector.print_quiet(&receiver, Some(Duration::ZERO))?;
        }
    }
    collector.print_totals(receiver.store().dropped_strays())?;
    collector.print_courses(&receiver)?;
    if let Some(forwarded) = finish_forwarding(&receiver).await {
        let printed = print_forwarded(collector.out, options.colour, &forwarded);
        let printed = printed.and_then(|()| collector.out.flush());
        collector.see(printed)?;
    }
    Ok(())
}

struct Collector<'a, W> {
    _bound: StrayBound,
    out: &'a mut W,
    nobody_reads: bool,
    options: &'a CollectOptions,
    json: Option<OutFile>,
    printed: Printed,
    /// How many kinds of misdirected requests were told.
    misdirected: usize,
    /// How far each fault was when it was last told of.
    stages: Vec<Option<Stage>>,
    traces: usize,
    spans: usize,
}

impl<W: Write> Collector<'_, W> {
    fn print_start(&mut self) -> Result<(), StartError> {
        let text = "each trace is printed when it is complete; Ctrl-C ends\n";
        let printed = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        self.see(printed)
    }

    /// Prints for ever, or until nobody reads.
    async fn follow(&mut self, receiver: &Receiver) -> Result<(), StartError> {
        let mut changes = receiver.store().changes();
        loop {
            let some_are_left = self.print_quiet(receiver, None)? | self.print_faults(receiver)?;
            if self.nobody_reads && self.json.is_none() && self.options.receive.forward.is_none() {
                return Ok(());
            }
            if some_are_left {
                tokio::time::sleep(TICK).await;
            } else if changes.changed().await.is_err() {
                return Ok(()); // never: the receiver is here
            }
        }
    }

    /// Prints the traces that are complete, or have been quiet for so long; says whether some are left.
    fn print_quiet(
        &mut self,
        receiver: &Receiver,
        quiet_for: Option<Duration>,
    ) -> Result<bool, StartError> {
        let store = receiver.store();
        let misdirected = receiver.misdirected();
        for one in misdirected.iter().skip(self.misdirected) {
            let printed = print_misdirected(self.out, self.options.colour, one);
            self.see(printed)?;
        }
        self.misdirected = misdirected.len();
        let mut some_are_left = false;
        for (trace_id, quiet) in store.quiet_for() {
            let waits = match quiet_for {
                Some(enough) => quiet < enough,
                None => quiet < self.options.settle || self.awaits_parent(store, &trace_id, quiet),
            };
            some_are_left |= waits;
            if !waits {
                self.print(store, trace_id)?;
            }
        }
        let flushed = self.out.flush();
        self.see(flushed)?;
        Ok(some_are_left)
    }

    /// Tells which faults have begun or are over; says whether one may do so by itself.
    fn print_faults(&mut self, receiver: &Receiver) -> Result<bool, StartError> {
        let mut time_will_tell = false;
        for (at, course) in receiver.store().faults().courses().iter().enumerate() {
            let told = self.stages[at].replace(course.stage);
            if told != Some(course.stage) {
                let printed = print_stage(self.out, course).and_then(|()| self.out.flush());
                self.see(printed)?;
            }
            time_will_tell |= course.stage == Stage::On && course.has_end();
        }
        Ok(time_will_tell)
    }

    /// Says how many requests met each fault.
    fn print_courses(&mut self, receiver: &Receiver) -> Result<(), StartError> {
        self.print_faults(receiver)?;
        for course in receiver.store().faults().courses() {
            if course.fault.answer == Answer::Down {
                continue; // what the operating system refuses, nobody can count
            }
            let printed = print_met(self.out, &course).and_then(|()| self.out.flush());
            self.see(printed)?;
        }
        Ok(())
    }

    fn awaits_parent(&self, store: &Store, trace_id: &str, quiet: Duration) -> bool {
        quiet < MOST
            && !self.printed.ids.contains(trace_id)
            && Trace::unasked(&store.trace(trace_id)).awaits_parent()
    }

    /// Prints a trace and forgets it.
    fn print(&mut self, store: &Store, trace_id: String) -> Result<(), StartError> {
        let (spans, protocols) = store.take_trace(&trace_id);
        if spans.is_empty() {
            return Ok(()); // dropped meanwhile
        }
        let collected = Collected {
            more: self.printed.ids.contains(&trace_id),
            trace_id,
            spans,
            protocols,
        };
        self.traces += usize::from(!collected.more);
        self.spans += collected.spans.len();
        if let Some(json) = &mut self.json {
            for span in &collected.spans {
                json.write(&format!("{}\n", span.to_json()));
            }
            json.flush()?; // so that others may read along
        }
        let printed = collected.print(self.out, self.options.colour);
        self.printed.add(collected.trace_id);
        self.see(printed)
    }

    fn print_totals(&mut self, dropped: usize) -> Result<(), StartError> {
        let printed = print_totals(self.out, self.traces, self.spans, dropped);
        let printed = printed.and_then(|()| self.out.flush());
        self.see(printed)
    }

    /// A reader that has gone away is no error: it has seen enough.
    fn see(&mut self, printed: io::Result<()>) -> Result<(), StartError> {
        match printed {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.nobody_reads = true;
                Ok(())
            }
            Err(error) => Err(cannot_print(&error)),
            Ok(()) => Ok(()),
        }
    }
}

/// The last traces that were printed.
#[derive(Debug, Default)]
struct Printed {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Printed {
    fn add(&mut self, trace_id: String) {
        if self.ids.insert(trace_id.clone()) {
            self.order.push_back(trace_id);
        }
        if self.order.len() > MAX_PRINTED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}
