//! The checks of a run: those of its rows, put together as the rows come.

use super::NAMES;
use crate::report::{Check, Outcome, RowReport};

/// How many different details of one check are told; the JSON has all of them.
const MAX_DETAILS: usize = 3;

/// What the rows judged so far have shown. Its size does not depend on the rows, but for the numbers of those
/// that failed.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// One for each of [`NAMES`], in their order.
    entries: [Entry; NAMES.len()],
}

/// One check over all rows.
#[derive(Debug, Default)]
struct Entry {
    passed: bool,
    /// Why the first row that could not be judged could not.
    skipped: Option<String>,
    findings: Vec<Finding>,
}

/// The same fault of many rows. Unlike faults stay apart: what helps against one does not help against the other.
#[derive(Debug)]
struct Finding {
    outcome: Outcome,
    remedy: Option<&'static str>,
    rows: Vec<usize>,
    /// The first details, with the rows of each.
    details: Vec<(String, Vec<usize>)>,
    /// The rows with further details.
    more: Vec<usize>,
}

impl Tally {
    /// Adds a row that has been judged.
    pub(crate) fn add(&mut self, row: &RowReport) {
        for check in &row.checks {
            self.add_check(check);
        }
    }

    fn add_check(&mut self, check: &Check) {
        let index = NAMES.iter().position(|name| *name == check.name);
        let entry = &mut self.entries[index.expect("every check has one of the names")];
        match check.outcome {
            Outcome::Ok => entry.passed = true,
            Outcome::Skipped => {
                entry.skipped.get_or_insert_with(|| check.detail.clone());
            }
            Outcome::Warn | Outcome::Fail => entry.finding(check).add(check),
        }
    }

    /// One check for each remedy of what failed or is warned of, or else that all is well.
    pub(crate) fn checks(&self) -> Vec<Check> {
        let entries = NAMES.into_iter().zip(&self.entries);
        entries
            .flat_map(|(name, entry)| entry.checks(name))
            .collect()
    }
}

impl Entry {
    fn finding(&mut self, check: &Check) -> &mut Finding {
        let same =
            |finding: &Finding| finding.outcome == check.outcome && finding.remedy == check.remedy;
        let index = self.findings.iter().position(same).unwrap_or_else(|| {
            self.findings.push(Finding {
                outcome: check.outcome,
                remedy: check.remedy,
                rows: Vec::new(),
                details: Vec::new(),
                more: Vec::new(),
            });
            self.findings.len() - 1
        });
        &mut self.findings[index]
    }

    fn checks(&self, name: &'static str) -> Vec<Check> {
        let of = |outcome| {
            let findings = self.findings.iter();
            findings
                .filter(move |finding| finding.outcome == outcome)
                .map(|finding| finding.check(name))
        };
        let found: Vec<Check> = of(Outcome::Fail).chain(of(Outcome::Warn)).collect();
        match &self.skipped {
            _ if !found.is_empty() => found,
            // Rows that could not be judged do not make a check fail, nor do they make it pass.
            Some(reason) if !self.passed => vec![Check::skipped(name, reason)],
            None if !self.passed => Vec::new(), // no row was judged
            _ => vec![Check::passed(name)],
        }
    }
}

impl Finding {
    fn add(&mut self, check: &Check) {
        self.rows.extend(&check.rows);
        let known = self.details.iter();
        let known = known
            .map(|(detail, _)| detail)
            .position(|detail| *detail == check.detail);
        match known {
            Some(index) => self.details[index].1.extend(&check.rows),
            None if self.details.len() < MAX_DETAILS => {
                self.details
                    .push((check.detail.clone(), check.rows.clone()));
            }
            None => self.more.extend(&check.rows),
        }
    }

    fn check(&self, name: &'static str) -> Check {
        let details = self.details.iter();
        let mut details: Vec<String> = details
            .map(|(detail, rows)| format!("{}: {detail}", row_list(rows)))
            .collect();
        if !self.more.is_empty() {
            details.push(format!("more in {}", row_list(&self.more)));
        }
        let mut rows = self.rows.clone();
        rows.sort_unstable();
        rows.dedup();
        Check {
            name,
            outcome: self.outcome,
            detail: details.join("; "),
            remedy: self.remedy,
            rows,
        }
    }
}

/// `row 3`, `rows 1-4, 7`: bounded, whatever the number of rows.
fn row_list(rows: &[usize]) -> String {
    const MAX_RANGES: usize = 6;
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    rows.dedup();
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for row in &rows {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *row => *last = *row,
            _ => ranges.push((*row, *row)),
        }
    }
    let text = |(first, last): &(usize, usize)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}-{last}"),
    };
    let shown: Vec<String> = ranges.iter().take(MAX_RANGES).map(text).collect();
    let shown = shown.join(", ");
    match (rows.len(), ranges.len() > MAX_RANGES) {
        (1, _) => format!("row {shown}"),
        (_, false) => format!("rows {shown}"),
        (count, true) => format!("rows {shown}, ... ({count} rows)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_listed_as_ranges_and_bounded() {
        assert_eq!(row_list(&[3]), "row 3");
        assert_eq!(row_list(&[2, 1]), "rows 1, 2");
        assert_eq!(row_list(&[1, 2, 3, 7]), "rows 1-3, 7");
        let odd: Vec<usize> = (0..50).map(|n| 2 * n + 1).collect();
        assert_eq!(row_list(&odd), "rows 1, 3, 5, 7, 9, 11, ... (50 rows)");
    }

    #[test]
    fn the_same_finding_in_many_rows_is_told_once() {
        let mut tally = Tally::default();
        for (row, detail) in [(1, "a"), (3, "b"), (2, "a"), (4, "c"), (5, "d"), (6, "e")] {
            tally.add_check(&Check {
                rows: vec![row],
                ..Check::fail("routed", detail.into(), "do")
            });
        }
        tally.add_check(&Check::passed("routed"));
        let checks = tally.checks();
        let routed: Vec<&Check> = checks.iter().filter(|check| !check.ok()).collect();
        let [merged] = routed[..] else {
            panic!("one remedy is one line");
        };
        assert_eq!(
            merged.detail,
            "rows 1, 2: a; row 3: b; row 4: c; more in rows 5, 6"
        );
        assert_eq!(merged.rows, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_check_passes_where_one_row_passed_and_none_failed() {
        let mut tally = Tally::default();
        tally.add_check(&Check::skipped("routed", "no span arrived"));
        tally.add_check(&Check::skipped("received", "no span arrived"));
        tally.add_check(&Check::passed("received"));
        let outcome = |name| {
            let checks = tally.checks();
            let check = checks.iter().find(|check| check.name == name);
            check.expect("is there").outcome
        };
        assert_eq!(outcome("routed"), Outcome::Skipped);
        assert_eq!(outcome("received"), Outcome::Ok);
    }
}
