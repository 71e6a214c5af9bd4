//! Traces as they come, without an experiment.

use std::io::{self, Write};

use super::text::{Paint, WIDTH, counted, fit, printable, wrapped};
use super::trace::{never_arrived, print_lines};
use crate::faults::{Course, Stage};
use crate::protocol::{Misdirected, Protocol};
use crate::span::Span;
use crate::tree::Trace;

/// How many routes of one trace are named.
const MAX_ROUTES: usize = 4;

/// Spans of a trace, to be printed.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) trace_id: String,
    /// Never none.
    pub(crate) spans: Vec<Span>,
    pub(crate) protocols: Vec<Protocol>,
    /// Whether others of the trace were printed before.
    pub(crate) more: bool,
}

impl Collected {
    pub(crate) fn print(&self, out: &mut impl Write, colour: bool) -> io::Result<()> {
        let paint = Paint(colour);
        let trace = Trace::unasked(&self.spans);
        let heading = if self.more {
            "more of trace "
        } else {
            "trace "
        };
        let heading = format!("{heading}{}", self.trace_id);
        let protocols: Vec<String> = self.protocols.iter().map(Protocol::to_string).collect();
        let spans = counted(trace.spans.len(), "span");
        let about = format!("  {spans}  {}", protocols.join(", "));
        writeln!(out, "{}{}", paint.bold(&heading), paint.dim(&about))?;
        let routes = self.routes();
        for route in routes.iter().take(MAX_ROUTES) {
            writeln!(out, "{}", paint.dim(&fit(route, WIDTH)))?;
        }
        if routes.len() > MAX_ROUTES {
            let more = counted(routes.len() - MAX_ROUTES, "more route");
            writeln!(out, "{}", paint.dim(&format!("and {more}")))?;
        }
        print_lines(out, paint, &trace.lines(), |id| self.missing(id))?;
        writeln!(out)
    }

    /// The routes of the spans, each once.
    fn routes(&self) -> Vec<String> {
        let mut routes = Vec::new();
        for span in &self.spans {
            let project = span.attr_str("arize.project.name");
            let space = span.attr_str("arize.space_id");
            let space = space.or(span.space_header.as_deref());
            let route = match (project, space) {
                (None, None) => "no project, no space".to_owned(),
                (Some(project), None) => format!("project {project}, no space"),
                (None, Some(space)) => format!("no project, space {space}"),
                (Some(project), Some(space)) => format!("project {project}, space {space}"),
            };
            if !routes.contains(&route) {
                routes.push(route);
            }
        }
        routes
    }

    fn missing(&self, span_id: &str) -> String {
        let is_child = |span: &&Span| span.parent_span_id.as_deref() == Some(span_id);
        let remote = |span: &Span| span.parent_is_remote() == Some(true);
        if self.more {
            format!("? span {span_id} came before, or never")
        } else if self.spans.iter().filter(is_child).all(remote) {
            format!("? span {span_id} is the caller's")
        } else {
            never_arrived(span_id)
        }
    }
}

/// Says that export requests come, but to the wrong place.
pub(crate) fn print_misdirected(
    out: &mut impl Write,
    colour: bool,
    misdirected: &Misdirected,
) -> io::Result<()> {
    let paint = Paint(colour);
    let detail = wrapped(&printable(&misdirected.detail()), "     ");
    let remedy = wrapped(misdirected.remedy(), "       ");
    writeln!(out, "{} {detail}", paint.yellow("WARN"))?;
    writeln!(out, "     {} {remedy}\n", paint.bold("→"))
}

/// Says how far a fault has come.
pub(crate) fn print_stage(out: &mut impl Write, course: &Course) -> io::Result<()> {
    let stage = match course.stage {
        Stage::Ahead => "waits for a request",
        Stage::On => "begins",
        Stage::Over => "is over",
    };
    writeln!(out, "fault `{}` {stage}", course.fault)
}

/// Says what a fault has done in all.
pub(crate) fn print_met(out: &mut impl Write, course: &Course) -> io::Result<()> {
    let met = counted(course.met, "request");
    writeln!(out, "fault `{}` met {met}", course.fault)
}

/// What there was in all.
pub(crate) fn print_totals(
    out: &mut impl Write,
    traces: usize,
    spans: usize,
    dropped: usize,
) -> io::Result<()> {
    write!(
        out,
        "{}, {}",
        counted(traces, "trace"),
        counted(spans, "span")
    )?;
    if dropped > 0 {
        let dropped = counted(dropped, "span");
        write!(out, "; {dropped} came too fast to be printed")?;
    }
    writeln!(out)
}
