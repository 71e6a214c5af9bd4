//! The report as `JUnit` XML, which CI systems show as tests: one for each row.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use crate::error::StartError;
use crate::out_file::OutFile;
use crate::print::beginning;
use crate::report::{Check, Outcome, Report, RowReport};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// How much of a row's input names its test.
const NAME: usize = 80;

/// The file is written at its end, for it begins with the numbers of what is in it.
#[derive(Debug)]
pub(crate) struct JunitFile {
    file: OutFile,
    tests: String,
    failed: usize,
}

impl JunitFile {
    pub(crate) fn create(path: &Path) -> Result<Self, StartError> {
        Ok(Self {
            file: OutFile::create(path)?,
            tests: String::new(),
            failed: 0,
        })
    }

    pub(crate) fn row(&mut self, row: &RowReport) {
        self.failed += usize::from(!row.ok());
        self.tests.push_str(&test(row));
    }

    pub(crate) fn finish(mut self, report: &Report) -> Result<(), StartError> {
        let skipped = report.not_sent + report.not_finished;
        let all = report.rows.len() + skipped;
        let seconds = report.elapsed.as_secs_f64();
        self.file.write(&format!(
            "{DECLARATION}<testsuites>\n  <testsuite name=\"arize-local\" tests=\"{all}\" failures=\"{}\" \
             errors=\"0\" skipped=\"{skipped}\" time=\"{seconds:.3}\">\n",
            self.failed
        ));
        self.file.write(&self.tests);
        let reason = if report.interrupted {
            "not finished, because the run was interrupted"
        } else {
            "not sent, because a row before it failed"
        };
        let finished: HashSet<usize> = report.rows.iter().map(|row| row.row).collect();
        for row in (1..=all).filter(|row| !finished.contains(row)) {
            self.file.write(&format!(
                "    <testcase classname=\"arize-local\" name=\"row {row}\">\n      \
                 <skipped message=\"{reason}\"/>\n    </testcase>\n"
            ));
        }
        self.file.write("  </testsuite>\n</testsuites>\n");
        self.file.finish()
    }
}

fn test(row: &RowReport) -> String {
    let input: String = beginning(&row.input).chars().take(NAME).collect();
    let name = escaped(&format!("row {}: {input}", row.row));
    let seconds = row.took.as_secs_f64();
    let mut test =
        format!("    <testcase classname=\"arize-local\" name=\"{name}\" time=\"{seconds:.3}\"");
    let told = |check: &&Check| matches!(check.outcome, Outcome::Fail | Outcome::Warn);
    let told: Vec<&Check> = row.checks.iter().filter(told).collect();
    if told.is_empty() {
        return test + "/>\n";
    }
    test += ">\n";
    for check in told {
        let name = check.name;
        let detail = escaped(&check.detail);
        let remedy = escaped(check.remedy.unwrap_or_default());
        // Writing to a String cannot fail.
        let _ = if check.ok() {
            writeln!(
                test,
                "      <system-out>WARN {name}: {detail}; {remedy}</system-out>"
            )
        } else {
            writeln!(
                test,
                "      <failure type=\"{name}\" message=\"{name}: {detail}\">{remedy}</failure>"
            )
        };
    }
    test + "    </testcase>\n"
}

/// Text for an attribute or an element; what XML cannot say at all becomes U+FFFD.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut text, c| {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            // Attributes lose their line ends otherwise.
            '\t' | '\n' | '\r' => text.push_str(&format!("&#{};", u32::from(c))),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => text.push('\u{fffd}'),
            c => text.push(c),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(
            escaped("a<b> & \"c\"\n\x1b[31m\u{ffff}é"),
            "a&lt;b&gt; &amp; &quot;c&quot;&#10;\u{fffd}[31m\u{fffd}é"
        );
    }
}
