//! Datasets in JSON: a value a line, or one value with all the rows.

use serde_json::Value;

/// One JSON value a line; blank lines are skipped.
pub(super) fn lines(text: &str) -> Result<Vec<Value>, String> {
    let mut rows = Vec::new();
    for (index, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let row = serde_json::from_str(line).map_err(|error| {
            let (what, line) = (without_place(&error), index + 1);
            format!(
                "line {line} is not JSON: {what} at column {}",
                error.column()
            )
        })?;
        rows.push(row);
    }
    Ok(rows)
}

/// An array of rows, or an object with one array in it.
pub(super) fn whole(text: &str) -> Result<Vec<Value>, String> {
    let value = serde_json::from_str(text).map_err(|error| {
        let (what, line, column) = (without_place(&error), error.line(), error.column());
        // JSON lines under the name of a JSON file are a common slip.
        let hint = match lines(text) {
            Ok(rows) if rows.len() > 1 => " (it reads as JSON lines: use `--format jsonl`)",
            _ => "",
        };
        format!("line {line} is not JSON: {what} at column {column}{hint}")
    })?;
    match value {
        Value::Array(rows) => Ok(rows),
        Value::Object(fields) => {
            let names: Vec<String> = fields
                .iter()
                .filter(|(_, value)| value.is_array())
                .map(|(name, _)| format!("`{name}`"))
                .collect();
            let mut arrays = fields.into_iter().filter_map(|(_, value)| match value {
                Value::Array(rows) => Some(rows),
                _ => None,
            });
            match (arrays.next(), names.len()) {
                (Some(rows), 1) => Ok(rows),
                (Some(_), _) => Err(format!(
                    "has more than one array: {}; which has the rows is not to be told",
                    names.join(", ")
                )),
                (None, _) => Err("is an object without an array".to_owned()),
            }
        }
        _ => Err("is neither an array nor an object".to_owned()),
    }
}

/// The error counts lines itself, and would say that a line of JSON lines is always line 1.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blank_lines_are_skipped() {
        let rows = lines("{\"goal\": \"a\"}\r\n\n  \n\"b\"\n3").expect("is right");
        assert_eq!(rows, [json!({"goal": "a"}), json!("b"), json!(3)]);
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = lines("{}\n\n{\"goal\":}\n").expect_err("is wrong");
        assert_eq!(error, "line 3 is not JSON: expected value at column 9");
        let error = whole("[{},\n{\"goal\":}]").expect_err("is wrong");
        assert_eq!(error, "line 2 is not JSON: expected value at column 9");
    }

    #[test]
    fn the_rows_are_the_only_array() {
        assert_eq!(whole("[1, {}]").expect("is right"), [json!(1), json!({})]);
        let object = r#"{"name": "a", "examples": [{"goal": "x"}]}"#;
        assert_eq!(whole(object).expect("is right"), [json!({"goal": "x"})]);
        for (text, part) in [
            (r#"{"a": [1], "b": []}"#, "`a`, `b`"),
            (r#"{"a": 1}"#, "without an array"),
            ("1", "neither"),
            ("{\"a\": 1}\n{\"a\": 2}\n", "--format jsonl"),
        ] {
            let error = whole(text).expect_err("is wrong");
            assert!(error.contains(part), "{error}");
        }
    }
}
