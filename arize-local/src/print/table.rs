//! The table of rows.

use std::collections::HashSet;
use std::hash::Hash;
use std::io::{self, Write};
use std::iter;

use serde_json::Value;

use super::text::{Paint, WIDTH, counted, duration, fit};
use crate::report::RowReport;

/// How much of a trace id the table has; the trees and the JSON have it all.
const TRACE_ID: usize = 8;

/// Of more rows than these, only those that failed are shown, and of those not more than the other number.
const MANY: usize = 50;
const MOST_FAILED: usize = 20;

/// Room for the columns that tell routes apart.
const ROUTE: usize = 40;

/// A column before the result; numbers stand at its right.
struct Column {
    head: &'static str,
    numbers: bool,
    cells: Vec<String>,
}

impl Column {
    fn new(head: &'static str, rows: &[&RowReport], cell: impl Fn(&RowReport) -> String) -> Self {
        Self {
            head,
            numbers: false,
            cells: rows.iter().map(|row| cell(row)).collect(),
        }
    }

    fn numbers(self) -> Self {
        Self {
            numbers: true,
            ..self
        }
    }

    /// The head and the cells, all as wide as the widest.
    fn lines(&self) -> impl Iterator<Item = String> {
        let cells = || iter::once(self.head).chain(self.cells.iter().map(String::as_str));
        let width = cells().map(|cell| cell.chars().count()).max().unwrap_or(0);
        cells().map(move |cell| {
            if self.numbers {
                format!("{cell:>width$}  ")
            } else {
                format!("{cell:<width$}  ")
            }
        })
    }
}

/// Prints the table: of all rows where they are few, else of the first that failed.
pub(super) fn print_rows(out: &mut impl Write, paint: Paint, rows: &[RowReport]) -> io::Result<()> {
    let mut shown: Vec<&RowReport> = rows.iter().collect();
    if rows.len() > MANY {
        shown.retain(|row| !row.ok());
        shown.truncate(MOST_FAILED);
    }
    if !shown.is_empty() {
        print_table(out, paint, &shown)?;
    }
    match rows.len() - shown.len() {
        0 => Ok(()),
        more => {
            let failed = rows.iter().filter(|row| !row.ok()).count();
            let rest = match failed.saturating_sub(shown.len()) {
                0 => counted(more, "more row"),
                failed if failed == more => counted(more, "more failed row"),
                failed => format!("{}, {failed} of them failed", counted(more, "more row")),
            };
            let text = format!("and {rest}; `--json FILE` has all of them");
            writeln!(out, "{}", paint.dim(&text))
        }
    }
}

fn print_table(out: &mut impl Write, paint: Paint, rows: &[&RowReport]) -> io::Result<()> {
    let status = |row: &RowReport| {
        row.status
            .map_or("-".to_owned(), |status| status.to_string())
    };
    let mut columns = vec![
        Column::new("row", rows, |row| row.row.to_string()).numbers(),
        Column::new("status", rows, status),
        Column::new("time", rows, |row| duration(row.duration)).numbers(),
        Column::new("spans", rows, |row| row.span_count().to_string()).numbers(),
        Column::new("trace", rows, |row| {
            row.trace_id.chars().take(TRACE_ID).collect()
        }),
    ];
    if rows.iter().any(|row| row.attempts > 1) {
        let attempts = Column::new("tries", rows, |row| row.attempts.to_string());
        columns.insert(2, attempts.numbers());
    }
    columns.extend(route_columns(rows));
    let mut lines = vec![String::new(); rows.len() + 1];
    for column in &columns {
        for (line, cell) in lines.iter_mut().zip(column.lines()) {
            line.push_str(&cell);
        }
    }
    let mut lines = lines.into_iter();
    let head = lines.next().unwrap_or_default();
    writeln!(out, "{}", paint.dim(&format!("{head}result")))?;
    for (line, row) in lines.zip(rows) {
        let room = WIDTH.saturating_sub(line.chars().count()).max(10);
        let result = fit(&result(row), room);
        let result = if row.error.is_some() {
            paint.red(&result)
        } else {
            result
        };
        writeln!(out, "{line}{result}")?;
    }
    Ok(())
}

/// The fewest columns that tell the rows' routes apart: none where there is one route.
fn route_columns(rows: &[&RowReport]) -> Vec<Column> {
    let project = |most| Column::new("project", rows, move |row| fit(&row.project, most));
    let space = |most| Column::new("space", rows, move |row| fit(&row.space_id, most));
    let routes = different(rows.iter().copied(), |row| (&row.space_id, &row.project));
    if routes <= 1 {
        vec![]
    } else if different(rows.iter().copied(), |row| &row.project) == routes {
        vec![project(ROUTE)]
    } else if different(rows.iter().copied(), |row| &row.space_id) == routes {
        vec![space(ROUTE)]
    } else {
        vec![project(ROUTE / 2), space(ROUTE / 2)]
    }
}

/// How many different values the rows have.
pub(super) fn different<'a, T: Eq + Hash>(
    rows: impl IntoIterator<Item = &'a RowReport>,
    of: impl Fn(&'a RowReport) -> T,
) -> usize {
    rows.into_iter().map(of).collect::<HashSet<_>>().len()
}

fn result(row: &RowReport) -> String {
    let answer = row.response.as_ref().map(answer).unwrap_or_default();
    match &row.error {
        Some(_) if row.status.is_some() && !answer.is_empty() => answer,
        Some(error) => error.clone(),
        None => answer,
    }
}

/// What a person would call the answer: the usual field, or the only text that there is, or else the JSON.
fn answer(response: &Value) -> String {
    let Value::Object(fields) = response else {
        return response
            .as_str()
            .map_or_else(|| response.to_string(), str::to_owned);
    };
    let usual = ["text", "output", "answer", "result"]
        .into_iter()
        .find_map(|name| fields.get(name)?.as_str());
    let mut texts = fields.values().filter_map(Value::as_str);
    let only = texts.next().filter(|_| texts.next().is_none());
    usual
        .or(only)
        .map_or_else(|| response.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_answer_is_what_a_person_would_call_it() {
        for (response, text) in [
            (json!("a trip"), "a trip"),
            (json!({"total": 480, "text": "a trip"}), "a trip"),
            (json!({"result": "ok", "output": "a trip"}), "a trip"),
            (
                json!({"text": null, "answer": "a trip", "id": "7"}),
                "a trip",
            ),
            (json!({"reply": "a trip", "total": 480}), "a trip"),
            (
                json!({"id": "7", "reply": "a trip"}),
                r#"{"id":"7","reply":"a trip"}"#,
            ),
            (json!({"total": 480}), r#"{"total":480}"#),
            (json!(["a trip"]), r#"["a trip"]"#),
            (json!(null), "null"),
        ] {
            assert_eq!(answer(&response), text);
        }
    }
}
