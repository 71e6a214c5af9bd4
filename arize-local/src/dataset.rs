//! Datasets: JSON lines, JSON or CSV, from a file or from standard input.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use serde_json::Value;

use crate::error::StartError;

mod csv;
mod json;

/// How a dataset is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatasetFormat {
    /// One JSON value a line; blank lines are skipped.
    JsonLines,
    /// One JSON array with a row in each item, or an object with one array in it, such as `{"examples": [...]}`.
    Json,
    /// Comma-separated values under a line of column names. Every cell is a string, also one that looks like a
    /// number or like JSON.
    Csv,
}

impl DatasetFormat {
    /// What the name of a file says: `.json` and `.csv`, and JSON lines for all others.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension.map(str::to_lowercase).as_deref() {
            Some("json") => Self::Json,
            Some("csv") => Self::Csv,
            _ => Self::JsonLines,
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::JsonLines => "write one JSON value a line",
            Self::Json => {
                "write an array of rows, or an object with one array such as `{\"examples\": [...]}`"
            }
            Self::Csv => {
                "write a header line that names each column once, then as many cells on each row's line"
            }
        }
    }
}

/// Reads a dataset: from standard input where the path is `-`.
///
/// Where no format is named, the file's extension tells it ([`DatasetFormat::of`]).
///
/// # Errors
///
/// Says in one line which file, and which line of it, is wrong and what to do.
pub fn read_dataset(path: &Path, format: Option<DatasetFormat>) -> Result<Vec<Value>, StartError> {
    let named = format;
    let format = named.unwrap_or_else(|| DatasetFormat::of(path));
    let stdin = path.as_os_str() == "-";
    let name = if stdin {
        "standard input".to_owned()
    } else {
        format!("`{}`", path.display())
    };
    let text = read(path, stdin).map_err(|error| {
        format!(
            "cannot read the dataset {name}: {error}; {}",
            readable(&error)
        )
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text); // editors on Windows write it
    let rows = match format {
        DatasetFormat::JsonLines => json::lines(text),
        DatasetFormat::Json => json::whole(text),
        DatasetFormat::Csv => csv::rows(text),
    };
    let advice = format.advice();
    let otherwise = if named.is_none() && is_guess(path) {
        ", or name the format with `--format csv`"
    } else {
        ""
    };
    let rows = rows.map_err(|error| format!("{name} {error}; {advice}{otherwise}"))?;
    if rows.is_empty() {
        return Err(format!("the dataset {name} has no rows; {advice}").into());
    }
    Ok(rows)
}

/// Whether it is taken for JSON lines only because its name says nothing.
fn is_guess(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let known = ["jsonl", "ndjson", "json", "csv"];
    !extension.is_some_and(|extension| known.contains(&extension.to_lowercase().as_str()))
}

/// What makes a file readable.
fn readable(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "give the path of a file that is there, or `-` for standard input",
        ErrorKind::InvalidData => "write it as text in UTF-8",
        _ => "give the path of a file that can be read, or `-` for standard input",
    }
}

fn read(path: &Path, stdin: bool) -> io::Result<String> {
    if !stdin {
        return std::fs::read_to_string(path);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
