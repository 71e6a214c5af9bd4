//! The report of a check: a line for each variation, then what to do.

use std::io::{self, Write};

use super::text::{Paint, WIDTH, counted, wrapped};
use super::{print_check, print_forwarded, to_stdout};
use crate::check::{CheckReport, NOTHING_CAME, Verdict};
use crate::report::{Check, Outcome};

impl CheckReport {
    /// Prints to standard output, in colour if that is a terminal and `NO_COLOR` is not set.
    ///
    /// A reader that has gone away, as in `arize-local check ... | head`, has seen enough and is no error.
    ///
    /// # Errors
    ///
    /// Returns the error of standard output.
    pub fn print_to_stdout(&self) -> io::Result<()> {
        to_stdout(|out, colour| self.print(out, colour))
    }

    /// Prints a line for each variation, and each fault once with its remedy.
    ///
    /// # Errors
    ///
    /// Returns the error of the writer.
    pub fn print(&self, out: &mut impl Write, colour: bool) -> io::Result<()> {
        let paint = Paint(colour);
        let names = self.verdicts.iter().map(|verdict| verdict.name.len());
        let width = names.max().unwrap_or_default();
        let head = format!("     {:<width$}  a right agent", "variation");
        writeln!(out, "{}", paint.dim(&head))?;
        for verdict in &self.verdicts {
            let label = match verdict.outcome {
                Outcome::Fail => paint.red("FAIL"),
                Outcome::Warn => paint.yellow("WARN"),
                Outcome::Ok => paint.green("ok") + "  ",
                Outcome::Skipped => paint.dim("-") + "   ",
            };
            writeln!(out, "{label} {:<width$}  {}", verdict.name, verdict.promise)?;
        }
        writeln!(out)?;
        let faults = faults(&self.verdicts);
        for fault in &faults {
            print_check(out, paint, fault)?;
        }
        let unjudged = self.unjudged();
        if !unjudged.is_empty() {
            let text = format!("not judged, as {NOTHING_CAME}: {}", unjudged.join(", "));
            let text = format!("-    {}", wrapped(&text, "     "));
            writeln!(out, "{}", paint.dim(&text))?;
        }
        if !faults.is_empty() || !unjudged.is_empty() {
            writeln!(out)?;
        }
        if let Some(forwarded) = &self.forwarded {
            print_forwarded(out, colour, forwarded)?;
        }
        writeln!(out, "{}", self.summary(paint))
    }

    /// One line, for it is what a log is searched for; the variations that fail stand above as well.
    fn summary(&self, paint: Paint) -> String {
        let (failed, count) = (self.failed(), self.verdicts.len());
        if failed.is_empty() {
            return self.all_good(paint);
        }
        let names = format!("failed: {}", failed.join(", "));
        paint.red(&match names.len() {
            ..=WIDTH => names,
            _ => format!("failed: {} of {count} variations", failed.len()),
        })
    }

    /// What was not judged is part of the line: it is the only one that many read.
    fn all_good(&self, paint: Paint) -> String {
        let count = self.verdicts.len();
        if !self.unjudged().is_empty() {
            let text =
                "not judged: send other variations as well, to see that the agent exports at all";
            return paint.yellow(text);
        }
        let tools = if self.knows_tools || !self.judged_tools() {
            ""
        } else {
            "; whether a tool is missing was not judged (`--expect TOOL,TOOL`)"
        };
        paint.green(&format!("all good: {}{tools}", counted(count, "variation")))
    }

    fn unjudged(&self) -> Vec<&'static str> {
        let verdicts = self.verdicts.iter();
        verdicts
            .filter(|verdict| verdict.outcome == Outcome::Skipped)
            .map(|verdict| verdict.name)
            .collect()
    }

    /// Whether the tools of any request were looked at.
    fn judged_tools(&self) -> bool {
        let requests = self.verdicts.iter().flat_map(|verdict| &verdict.requests);
        requests
            .flat_map(|request| &request.checks)
            .any(|check| check.name == "tools-exported" && check.outcome != Outcome::Skipped)
    }
}

/// Each check that found something, once for each remedy: the first detail, and the variations concerned.
fn faults(verdicts: &[Verdict]) -> Vec<Check> {
    let mut faults: Vec<(Check, Vec<&str>)> = Vec::new();
    for verdict in verdicts {
        for check in &verdict.findings {
            let same = |(known, _): &&mut (Check, Vec<&str>)| {
                (known.name, known.outcome, known.remedy)
                    == (check.name, check.outcome, check.remedy)
            };
            match faults.iter_mut().find(same) {
                Some((_, names)) if names.contains(&verdict.name) => {}
                Some((_, names)) => names.push(verdict.name),
                None => faults.push((check.clone(), vec![verdict.name])),
            }
        }
    }
    faults.sort_by_key(|(check, _)| check.outcome != Outcome::Fail);
    let told = |(check, names): (Check, Vec<&str>)| {
        let also = match &names[1..] {
            [] => String::new(),
            _ if names.len() == verdicts.len() => "; so in every variation".to_owned(),
            others => format!("; also in {}", others.join(", ")),
        };
        Check {
            detail: format!("in {}, {}{also}", names[0], check.detail),
            ..check
        }
    };
    faults.into_iter().map(told).collect()
}
