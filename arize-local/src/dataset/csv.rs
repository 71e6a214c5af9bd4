//! Datasets in CSV.

use std::collections::HashSet;

use csv::{ErrorKind, ReaderBuilder, StringRecord};
use serde_json::{Map, Value};

/// A row for each record, its cells under the names of the first line.
pub(super) fn rows(text: &str) -> Result<Vec<Value>, String> {
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let names = reader
        .headers()
        .map_err(|error| told(&error, text))?
        .clone();
    check_names(&names)?;
    let mut rows = Vec::new();
    let mut record = StringRecord::new();
    loop {
        let start = reader.position().byte();
        let read = reader.read_record(&mut record);
        let raw = between(text, start, reader.position().byte());
        let more = read.map_err(|error| told(&error, text) + unclosed_hint(raw))?;
        if !more {
            break;
        }
        // It has taken in all lines after it, and may well have the right number of cells.
        if raw.len() + between(text, 0, start).len() == text.len() && is_unclosed(raw) {
            let line = line_at(text, start);
            return Err(format!("line {line} is not CSV{}", unclosed_hint(raw)));
        }
        let cells = names.iter().zip(&record);
        let row: Map<String, Value> = cells
            .map(|(name, cell)| (name.to_owned(), cell.into()))
            .collect();
        rows.push(row.into());
    }
    Ok(rows)
}

fn between(text: &str, start: u64, end: u64) -> &str {
    let place = |byte| usize::try_from(byte).unwrap_or(usize::MAX);
    text.get(place(start)..place(end)).unwrap_or_default()
}

/// Whether the record opens a quote that nothing closes. A lone quote in a cell without quotes is text.
fn is_unclosed(record: &str) -> bool {
    record.matches('"').count() % 2 == 1 && record.trim().contains('\n')
}

fn unclosed_hint(record: &str) -> &'static str {
    if is_unclosed(record) {
        " (a `\"` opens a cell there and is not closed: close it, or write a `\"` that is text twice)"
    } else {
        ""
    }
}

fn check_names(names: &StringRecord) -> Result<(), String> {
    if names.len() == 1
        && let Some(other) = names[0].chars().find(|c| [';', '\t'].contains(c))
    {
        let (name, other) = (&names[0], if other == ';' { "`;`" } else { "tabs" });
        let name: String = name
            .chars()
            .take(60)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        return Err(format!(
            "line 1 names one column, `{name}`: cells are separated by `,` and not by {other}"
        ));
    }
    let mut known = HashSet::new();
    for (index, name) in names.iter().enumerate() {
        if name.trim().is_empty() {
            return Err(format!("line 1 has no name for column {}", index + 1));
        }
        if !known.insert(name) {
            return Err(format!("line 1 names the column `{name}` twice"));
        }
    }
    Ok(())
}

fn told(error: &csv::Error, text: &str) -> String {
    match error.kind() {
        ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => {
            let line = pos.as_ref().map_or(0, |pos| line_at(text, pos.byte()));
            let cells = if *len == 1 { "cell" } else { "cells" };
            format!("line {line} has {len} {cells}, but the header has {expected_len}")
        }
        _ => format!("is not CSV: {error}"),
    }
}

/// The line of the record at this place: blank lines before it are not its own.
fn line_at(text: &str, byte: u64) -> usize {
    let before = usize::try_from(byte).unwrap_or(usize::MAX);
    let rest = text.get(before..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
    1 + text[..text.len() - rest.len() + blank]
        .matches('\n')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_are_strings_under_the_names_of_the_first_line() {
        let text = "goal,n,context\r\n\"a, \"\"b\"\"\nc\",3,\"{\"\"x\"\": 1}\"\n\nd,,\n";
        let rows = rows(text).expect("is right");
        assert_eq!(
            rows,
            [
                json!({"goal": "a, \"b\"\nc", "n": "3", "context": "{\"x\": 1}"}),
                json!({"goal": "d", "n": "", "context": ""}),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, part) in [
            ("a,b,a\n1,2,3\n", "line 1 names the column `a` twice"),
            ("a,,c\n1,2,3\n", "line 1 has no name for column 2"),
            ("a,b\n1,2\n\n3\n", "line 4 has 1 cell, but the header has 2"),
            (
                "a;b\n1;2\n",
                "`a;b`: cells are separated by `,` and not by `;`",
            ),
            ("a\tb\n1\t2\n", "not by tabs"),
            (
                "a,b\n1,2\n\"3,4\n5,6\n",
                "line 3 has 1 cell, but the header has 2 (a `\"` opens",
            ),
            (
                "a,b\n1,2\n\n3,\"4\n5,6\n",
                "line 4 is not CSV (a `\"` opens",
            ),
        ] {
            let error = rows(text).expect_err(text);
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(rows("").expect("is empty"), [json!(null); 0]);
        let inches = rows("a,b\n1,5\" pipe\n").expect("a quote may be text");
        assert_eq!(inches, [json!({"a": "1", "b": "5\" pipe"})]);
    }
}
