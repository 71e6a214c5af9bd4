//! The report as people read it, in at most 100 columns.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, StdoutLock, Write};

use crate::forward::Forwarded;
use crate::report::{Check, Outcome, Report, RowReport, Trees};
use crate::span::Span;
use crate::tree::Trace;
use table::{different, print_rows};
pub(crate) use text::counted;
use text::{Paint, printable, wrapped};
use times::times;
pub(crate) use trace::beginning;
use trace::{never_arrived, print_lines, print_trace};

mod check;
pub(crate) mod collected;
mod table;
mod text;
mod times;
mod trace;

/// How many rows are few enough to draw all their traces.
const FEW: usize = 10;

/// How many traces of failed rows are drawn.
const MOST_FAILED: usize = 20;

/// How many traces that nobody asked for are drawn.
const MAX_STRAY_TRACES: usize = 5;

/// Whether standard output is a terminal and `NO_COLOR` is not set.
#[must_use]
pub fn stdout_takes_colour() -> bool {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !no_colour
}

impl Report {
    /// Prints to standard output, in colour if that is a terminal and `NO_COLOR` is not set.
    ///
    /// A reader that has gone away, as in `arize-local run ... | head`, has seen enough and is no error.
    ///
    /// # Errors
    ///
    /// Returns the error of standard output.
    pub fn print_to_stdout(&self) -> io::Result<()> {
        to_stdout(|out, colour| self.print(out, colour))
    }

    /// Prints the table of rows, their traces as trees, and the checks.
    ///
    /// Of many rows only those that failed are printed, and of those not more than a person reads.
    ///
    /// # Errors
    ///
    /// Returns the error of the writer.
    pub fn print(&self, out: &mut impl Write, colour: bool) -> io::Result<()> {
        let paint = Paint(colour);
        print_rows(out, paint, &self.rows)?;
        writeln!(out)?;
        self.print_trees(out, paint)?;
        self.print_stray_spans(out, paint)?;
        for check in &self.checks {
            print_check(out, paint, check)?;
        }
        self.print_skipped(out, paint)?;
        writeln!(out)?;
        if let Some(times) = times(self) {
            writeln!(out, "{}", paint.dim(&times))?;
        }
        if let Some(forwarded) = &self.forwarded {
            print_forwarded(out, colour, forwarded)?;
        }
        writeln!(out, "{}", self.summary(paint))
    }

    fn print_trees(&self, out: &mut impl Write, paint: Paint) -> io::Result<()> {
        let all = match self.trees {
            Trees::None => return Ok(()),
            Trees::All => true,
            Trees::Failed => false,
            Trees::Few => self.rows.len() <= FEW,
        };
        let wanted = || self.rows.iter().filter(|row| all || !row.ok());
        let most = if all { usize::MAX } else { MOST_FAILED };
        let with_route = different(&self.rows, |row| (&row.space_id, &row.project)) > 1;
        let mut shown: Vec<&RowReport> = Vec::new();
        for row in wanted().filter(|row| row.is_complete()).take(most) {
            print_trace(out, paint, row, &shown, with_route)?;
            writeln!(out)?;
            shown.push(row);
        }
        match wanted().count() - shown.len() {
            0 => Ok(()),
            more => {
                let more = counted(more, if all { "more row" } else { "more failed row" });
                let text = format!("and the traces of {more}; `--json FILE` has all of them");
                writeln!(out, "{}\n", paint.dim(&text))
            }
        }
    }

    fn print_stray_spans(&self, out: &mut impl Write, paint: Paint) -> io::Result<()> {
        let mut traces: Vec<(&str, Vec<Span>)> = Vec::new();
        for span in &self.stray_spans {
            match traces.iter_mut().find(|(id, _)| *id == span.trace_id) {
                Some((_, spans)) => spans.push(span.clone()),
                None => traces.push((&span.trace_id, vec![span.clone()])),
            }
        }
        traces.truncate(MAX_STRAY_TRACES);
        let shown: usize = traces.iter().map(|(_, spans)| spans.len()).sum();
        for (trace_id, spans) in traces {
            writeln!(
                out,
                "{}  {}",
                paint.bold("in no row's trace"),
                paint.dim(trace_id)
            )?;
            print_lines(out, paint, &Trace::unasked(&spans).lines(), never_arrived)?;
            writeln!(out)?;
        }
        match self.stray_spans.len() + self.strays_dropped - shown {
            0 => Ok(()),
            more => writeln!(
                out,
                "{}\n",
                paint.dim(&format!(
                    "and {} in no row's trace",
                    counted(more, "more span")
                ))
            ),
        }
    }

    fn print_skipped(&self, out: &mut impl Write, paint: Paint) -> io::Result<()> {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for check in self
            .checks
            .iter()
            .filter(|check| check.outcome == Outcome::Skipped)
        {
            match reasons
                .iter_mut()
                .find(|(reason, _)| *reason == check.detail)
            {
                Some((_, names)) => names.push(check.name),
                None => reasons.push((&check.detail, vec![check.name])),
            }
        }
        for (reason, names) in reasons {
            let text = format!("not judged, as {reason}: {}", names.join(", "));
            writeln!(
                out,
                "{}",
                paint.dim(&format!("-    {}", wrapped(&text, "     ")))
            )?;
        }
        Ok(())
    }

    fn summary(&self, paint: Paint) -> String {
        let spans: usize = self.rows.iter().map(RowReport::span_count).sum();
        let failed_rows = self.rows.iter().filter(|row| !row.ok()).count();
        let mut counts = counted(self.rows.len(), "row");
        if failed_rows > 0 {
            counts = format!("{failed_rows} of {counts}");
        }
        let spaces = different(&self.rows, |row| &row.space_id);
        if spaces > 1 {
            counts += &format!(" for {}", counted(spaces, "space"));
        }
        counts += &format!(", {}", counted(spans, "span"));
        if self.interrupted {
            return paint.red(&self.interrupted_summary(failed_rows, &counted(spans, "span")));
        }
        if self.not_sent > 0 {
            counts += &format!("; {} not sent", counted(self.not_sent, "row"));
        }
        match self.failed().as_slice() {
            [] if self.ok() => paint.green(&format!("all good: {counts}")),
            [] => paint.red(&format!("failed: {counts}")),
            failed => paint.red(&format!("failed: {} ({counts})", failed.join(", "))),
        }
    }

    fn interrupted_summary(&self, failed_rows: usize, spans: &str) -> String {
        let finished = self.rows.len();
        let all = counted(finished + self.not_sent + self.not_finished, "row");
        let failed = match self.failed().as_slice() {
            [] => String::new(),
            failed => format!(
                "; failed: {} ({})",
                failed.join(", "),
                counted(failed_rows, "row")
            ),
        };
        format!("interrupted: {finished} of {all}, {spans}{failed}")
    }
}

/// Prints to standard output, in colour where that is wanted.
fn to_stdout(
    print: impl FnOnce(&mut BufWriter<StdoutLock<'_>>, bool) -> io::Result<()>,
) -> io::Result<()> {
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let stdout = io::stdout();
    let colour = stdout.is_terminal() && !no_colour;
    let mut out = BufWriter::new(stdout.lock());
    match print(&mut out, colour).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

fn print_check(out: &mut impl Write, paint: Paint, check: &Check) -> io::Result<()> {
    let text = match check.outcome {
        Outcome::Ok => return writeln!(out, "{}   {}", paint.green("ok"), check.name),
        Outcome::Skipped => return Ok(()), // together, at the end
        Outcome::Warn | Outcome::Fail => printable(&format!("{}: {}", check.name, check.detail)),
    };
    let label = if check.outcome == Outcome::Fail {
        paint.red("FAIL")
    } else {
        paint.yellow("WARN")
    };
    print_finding(out, paint, &label, &text, check.remedy)
}

fn print_finding(
    out: &mut impl Write,
    paint: Paint,
    label: &str,
    text: &str,
    remedy: Option<&str>,
) -> io::Result<()> {
    writeln!(out, "{label} {}", wrapped(text, "     "))?;
    match remedy {
        Some(remedy) => writeln!(
            out,
            "     {} {}",
            paint.bold("→"),
            wrapped(remedy, "       ")
        ),
        None => Ok(()),
    }
}

/// Says what became of the spans that were to be passed on.
pub(crate) fn print_forwarded(
    out: &mut impl Write,
    colour: bool,
    forwarded: &Forwarded,
) -> io::Result<()> {
    let paint = Paint(colour);
    match &forwarded.remedy {
        None => writeln!(out, "{}", forwarded.text),
        remedy => {
            let label = paint.yellow("WARN");
            print_finding(out, paint, &label, &forwarded.text, remedy.as_deref())
        }
    }
}
