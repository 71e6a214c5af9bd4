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
    for record in reader.records() {
        let record = record.map_err(|error| told(&error, text))?;
        let cells = names.iter().zip(&record);
        let row: Map<String, Value> = cells
            .map(|(name, cell)| (name.to_owned(), cell.into()))
            .collect();
        rows.push(row.into());
    }
    Ok(rows)
}

fn check_names(names: &StringRecord) -> Result<(), String> {
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
        ] {
            let error = rows(text).expect_err("is wrong");
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(rows("").expect("is empty"), [json!(null); 0]);
    }
}
