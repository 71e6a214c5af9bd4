//! Datasets: one JSON value a line.

use std::path::Path;

use serde_json::Value;

use crate::error::StartError;

/// Reads a dataset of one JSON value a line; blank lines are skipped.
///
/// # Errors
///
/// Says in one line which file, and which line of it, is wrong and what to do.
pub fn read_dataset(path: &Path) -> Result<Vec<Value>, StartError> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!("cannot read the dataset `{name}`: {error}; name a file with one JSON value a line")
    })?;
    let rows = parse(&text).map_err(|(line, error)| {
        format!("`{name}` line {line} is not JSON: {error}; write one JSON value a line")
    })?;
    if rows.is_empty() {
        return Err(
            format!("the dataset `{name}` has no rows; write one JSON value a line").into(),
        );
    }
    Ok(rows)
}

fn parse(text: &str) -> Result<Vec<Value>, (usize, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text); // editors on Windows write it
    let mut rows = Vec::new();
    for (index, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let row = serde_json::from_str(line).map_err(|error| {
            // The error counts lines itself, and would say that it is always line 1.
            let text = error.to_string();
            let what = text.split(" at line ").next().unwrap_or(&text);
            (index + 1, format!("{what} at column {}", error.column()))
        })?;
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blank_lines_are_skipped() {
        let rows = parse("{\"goal\": \"a\"}\r\n\n  \n\"b\"\n3").expect("is right");
        assert_eq!(rows, [json!({"goal": "a"}), json!("b"), json!(3)]);
    }

    #[test]
    fn a_bad_line_is_named() {
        let (line, error) = parse("{}\n\n{\"goal\":}\n").expect_err("is wrong");
        assert_eq!(line, 3);
        assert_eq!(error, "expected value at column 9");
    }
}
