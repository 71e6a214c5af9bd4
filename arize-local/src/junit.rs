//! The report as `JUnit` XML, which CI systems show as tests: one for each row.

use std::fmt::Write as _;
use std::path::Path;

use crate::error::StartError;
use crate::out_file::OutFile;
use crate::print::beginning;
use crate::report::{Check, Outcome, Report, RowReport};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Room for the opening tags, whose numbers are known at the end.
const OPENING: usize = 240;

/// How much of a row's input names its test.
const NAME: usize = 80;

#[derive(Debug)]
pub(crate) struct JunitFile {
    file: OutFile,
    failed: usize,
}

impl JunitFile {
    pub(crate) fn create(path: &Path) -> Result<Self, StartError> {
        let mut file = OutFile::create(path)?;
        file.write(DECLARATION);
        file.write(&opening(0, 0, 0, 0.0));
        Ok(Self { file, failed: 0 })
    }

    pub(crate) fn row(&mut self, row: &RowReport) {
        self.failed += usize::from(!row.ok());
        self.file.write(&test(row));
    }

    pub(crate) fn finish(mut self, report: &Report) -> Result<(), StartError> {
        let sent = report.rows.len();
        let all = sent + report.not_sent;
        for row in sent + 1..=all {
            self.file.write(&format!(
                "    <testcase classname=\"arize-local\" name=\"row {row}\">\n      \
                 <skipped message=\"not sent, because a row before it failed\"/>\n    </testcase>\n"
            ));
        }
        self.file.write("  </testsuite>\n</testsuites>\n");
        let seconds = report.elapsed.as_secs_f64();
        let opening = opening(all, self.failed, report.not_sent, seconds);
        self.file.write_at(DECLARATION.len() as u64, &opening);
        self.file.finish()
    }
}

/// Always of the same length: spaces are allowed before the end of a tag.
fn opening(tests: usize, failures: usize, skipped: usize, seconds: f64) -> String {
    let suite = format!(
        "<testsuites>\n  <testsuite name=\"arize-local\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" \
         skipped=\"{skipped}\" time=\"{seconds:.3}\""
    );
    format!("{suite:OPENING$}>\n")
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

    #[test]
    fn the_opening_has_the_same_length_whatever_the_numbers() {
        let most = opening(usize::MAX, usize::MAX, usize::MAX, 1e9);
        assert_eq!(opening(0, 0, 0, 0.0).len(), most.len());
    }
}
