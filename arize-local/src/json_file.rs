//! The report as a JSON file, written row by row: a long run does not keep its rows.

use std::path::Path;

use serde_json::Value;

use crate::error::StartError;
use crate::out_file::OutFile;
use crate::report::{Report, RowReport};

#[derive(Debug)]
pub(crate) struct JsonFile {
    file: OutFile,
    rows: usize,
}

impl JsonFile {
    pub(crate) fn create(path: &Path) -> Result<Self, StartError> {
        let mut file = OutFile::create(path)?;
        file.write("{\n  \"rows\": [");
        Ok(Self { file, rows: 0 })
    }

    pub(crate) fn row(&mut self, row: &RowReport) {
        self.file
            .write(if self.rows == 0 { "\n    " } else { ",\n    " });
        self.file.write(&pretty(&row.to_json(), "    "));
        self.rows += 1;
    }

    /// Writes all but the rows, which are written already.
    pub(crate) fn finish(mut self, report: &Report) -> Result<(), StartError> {
        self.file.write("\n  ]");
        for (key, value) in report.json_without_rows() {
            let value = pretty(&value, "  ");
            self.file.write(&format!(",\n  \"{key}\": {value}"));
        }
        self.file.write("\n}\n");
        self.file.finish()
    }
}

/// JSON whose lines but the first are indented; no line can end inside a string.
fn pretty(value: &Value, indent: &str) -> String {
    format!("{value:#}").replace('\n', &format!("\n{indent}"))
}
