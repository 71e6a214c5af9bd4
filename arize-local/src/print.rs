//! The report as people read it, in at most 100 columns.

use std::io::{self, Write};
use std::time::Duration;

use crate::report::{Check, Outcome, Report, RowReport};
use crate::span::Span;
use crate::tree::{Line, Node, Trace};

const WIDTH: usize = 100;

/// How many traces that nobody asked for are drawn.
const MAX_STRAY_TRACES: usize = 5;

impl Report {
    /// Prints the table of rows, each row's trace as a tree, and the checks.
    ///
    /// # Errors
    ///
    /// Returns the error of the writer.
    pub fn print(&self, out: &mut impl Write, colour: bool) -> io::Result<()> {
        let paint = Paint(colour);
        self.print_rows(out, paint)?;
        writeln!(out)?;
        for row in &self.rows {
            print_trace(out, paint, row)?;
            writeln!(out)?;
        }
        self.print_stray_spans(out, paint)?;
        for check in &self.checks {
            print_check(out, paint, check)?;
        }
        self.print_skipped(out, paint)?;
        writeln!(out)?;
        writeln!(out, "{}", self.summary(paint))
    }

    fn print_rows(&self, out: &mut impl Write, paint: Paint) -> io::Result<()> {
        let row_width = self.rows.len().to_string().len().max(3);
        let head = format!(
            "{:>row_width$}  status      time  spans  {:<32}  result",
            "row", "trace id"
        );
        writeln!(out, "{}", paint.dim(&head))?;
        for row in &self.rows {
            let status = row
                .status
                .map_or_else(|| "-".to_owned(), |status| status.to_string());
            let front = format!(
                "{:>row_width$}  {status:<6}  {:>8}  {:>5}  {}  ",
                row.row,
                duration(row.duration),
                row.spans.len(),
                row.trace_id
            );
            let result = fit(
                &result(row),
                WIDTH.saturating_sub(front.chars().count()).max(20),
            );
            let result = if row.error.is_some() {
                paint.red(&result)
            } else {
                result
            };
            writeln!(out, "{front}{result}")?;
        }
        Ok(())
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
            print_lines(out, paint, &Trace::new("-", &spans).lines())?;
            writeln!(out)?;
        }
        match self.stray_spans.len() - shown {
            0 => Ok(()),
            more => writeln!(
                out,
                "{}\n",
                paint.dim(&format!("and {more} more spans in no row's trace"))
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
        let spans: usize = self.rows.iter().map(|row| row.spans.len()).sum();
        let counts = format!(
            "{}, {}",
            counted(self.rows.len(), "row"),
            counted(spans, "span")
        );
        match self.failed().as_slice() {
            [] => paint.green(&format!("all good: {counts}")),
            failed => paint.red(&format!("failed: {} ({counts})", failed.join(", "))),
        }
    }
}

fn result(row: &RowReport) -> String {
    let response = match &row.response {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(response) => response.to_string(),
        None => String::new(),
    };
    match &row.error {
        Some(_) if row.status.is_some() && !response.is_empty() => response,
        Some(error) => error.clone(),
        None => response,
    }
}

fn print_trace(out: &mut impl Write, paint: Paint, row: &RowReport) -> io::Result<()> {
    let about = format!("  row {}  {}", row.row, duration(row.duration));
    writeln!(
        out,
        "{}{}",
        paint.bold("agent.experiment.run"),
        paint.dim(&about)
    )?;
    if row.spans.is_empty() {
        return writeln!(out, "└─ {}", paint.dim("no span of this trace arrived"));
    }
    print_lines(out, paint, &Trace::new(&row.span_id, &row.spans).lines())
}

fn print_lines(out: &mut impl Write, paint: Paint, lines: &[Line<'_>]) -> io::Result<()> {
    for line in lines {
        match line.node {
            Node::Span(span) => print_span(out, paint, line, span)?,
            Node::Missing(id) => {
                writeln!(
                    out,
                    "{}{}",
                    line.branch,
                    paint.yellow(&format!("? span {id} never arrived"))
                )?;
            }
        }
    }
    Ok(())
}

fn print_span(out: &mut impl Write, paint: Paint, line: &Line<'_>, span: &Span) -> io::Result<()> {
    let room = WIDTH.saturating_sub(line.branch.chars().count()).max(20);
    let kind = span
        .openinference_kind()
        .map(|kind| format!(" [{}]", fit(kind, 20)))
        .unwrap_or_default();
    let time = format!("  {}", duration(span.duration()));
    let name = fit(
        &span.name,
        room.saturating_sub(kind.chars().count() + time.chars().count())
            .max(20),
    );
    write!(
        out,
        "{}{name}{}{}",
        line.branch,
        paint.cyan(&kind),
        paint.dim(&time)
    )?;
    if span.is_error() {
        let used = name.chars().count() + kind.chars().count() + time.chars().count() + 2;
        let error = fit(
            &format!("ERROR {}", span.status.message),
            room.saturating_sub(used).max(20),
        );
        write!(out, "  {}", paint.red(error.trim_end()))?;
    }
    writeln!(out)?;
    for event in span.events.iter().filter(|event| event.name == "exception") {
        let text = |key| {
            event
                .attr(key)
                .and_then(crate::AttributeValue::as_str)
                .unwrap_or_default()
        };
        let (kind, message) = (text("exception.type"), text("exception.message"));
        // Most instrumentations put the message into the status as well: once is enough.
        let told = message.is_empty() || span.status.message.contains(message);
        let exception = if told {
            format!("• exception {kind}")
        } else {
            format!("• exception {kind}: {message}")
        };
        writeln!(out, "{}{}", line.below, paint.red(&fit(&exception, room)))?;
    }
    Ok(())
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
    writeln!(out, "{label} {}", wrapped(&text, "     "))?;
    match check.remedy {
        Some(remedy) => writeln!(
            out,
            "     {} {}",
            paint.bold("→"),
            wrapped(remedy, "       ")
        ),
        None => Ok(()),
    }
}

/// Breaks a text between words; `indent` stands before every line but the first, and is kept free on that.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = String::new();
    let mut column = indent.len();
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent.len() {
            if column + 1 + length > WIDTH {
                lines.push('\n');
                lines.push_str(indent);
                column = indent.len();
            } else {
                lines.push(' ');
                column += 1;
            }
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

/// One line of at most `width` characters.
fn fit(text: &str, width: usize) -> String {
    let text = printable(text);
    if text.chars().count() <= width {
        return text;
    }
    let mut short: String = text.chars().take(width - 1).collect();
    short.push('…');
    short
}

/// What an agent sends must not move the cursor or colour the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn duration(duration: Duration) -> String {
    match duration.as_micros() {
        micros @ ..1_000 => format!("{micros} µs"),
        micros @ ..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{:.2} s", duration.as_secs_f64()),
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    fn cyan(self, text: &str) -> String {
        self.with("36", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_wrapped_between_words() {
        let text = "word ".repeat(40);
        let wrapped = wrapped(&text, "     ");
        assert!(wrapped.lines().count() > 1);
        assert!(
            wrapped.lines().all(|line| line.chars().count() <= WIDTH),
            "{wrapped}"
        );
        assert!(
            wrapped
                .lines()
                .skip(1)
                .all(|line| line.starts_with("     word"))
        );
        assert_eq!(wrapped.split_whitespace().count(), 40);
    }

    #[test]
    fn an_agent_cannot_write_to_the_terminal() {
        assert_eq!(fit("a\x1b[31mb\nc", 20), "a [31mb c");
        assert_eq!(fit("abcdef", 4), "abc…");
    }

    #[test]
    fn durations_have_a_fitting_unit() {
        assert_eq!(duration(Duration::from_micros(412)), "412 µs");
        assert_eq!(duration(Duration::from_micros(12_600)), "12 ms");
        assert_eq!(duration(Duration::from_millis(1_234)), "1.23 s");
    }
}
