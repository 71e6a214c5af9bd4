//! Values that are hidden by the keys they stand under, in JSON that is otherwise recorded as it is.
//!
//! The finished JSON is rewritten, and not filtered while serde writes it: so bodies that came as text, raw
//! JSON inside a value and values of other libraries go one way, each byte that is not hidden stays as it was,
//! and no depth of nesting is too deep, since nothing recurses.

use opentelemetry::{KeyValue, Value};

use crate::error::InstallError;
use crate::semconv::{
    INPUT_VALUE, OUTPUT_VALUE, PROJECT_NAME, REDACTED, SPACE_ID, SPAN_KIND, TOOL_PARAMETERS,
};

/// Paths of keys, such as `card.number`.
#[derive(Debug, Default)]
pub(crate) struct MaskedKeys(Vec<String>);

/// A tool's schema has an argument's name as a key and no value under it.
const SCHEMAS: [&str; 2] = [TOOL_PARAMETERS, ".tool.json_schema"];

/// What Arize cannot place or show a span without.
const NEEDED: [&str; 3] = [SPACE_ID, PROJECT_NAME, SPAN_KIND];

/// The path that an attribute's JSON stands at: its key, where that is a name of the value.
fn root_of(key: &str) -> &str {
    match key {
        INPUT_VALUE | OUTPUT_VALUE => "",
        key => key,
    }
}

impl MaskedKeys {
    pub(crate) fn new(paths: &[String]) -> Result<Self, InstallError> {
        let is_path = |path: &&String| path.split('.').all(|key| !key.trim().is_empty());
        match paths.iter().find(|path| !is_path(path)) {
            Some(path) => Err(InstallError::MaskedKey { path: path.clone() }),
            // white space around a path would match nothing, and hide nothing
            None => Ok(Self(
                paths.iter().map(|path| path.trim().to_owned()).collect(),
            )),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the value at `path` is hidden: one of the paths is its end.
    pub(crate) fn hide(&self, path: &str) -> bool {
        self.0.iter().any(|masked| {
            path.strip_suffix(masked.as_str())
                .is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
    }

    /// Hides attributes of masked keys, and the values of masked keys in those that are JSON.
    pub(crate) fn mask_attributes(&self, attributes: &mut [KeyValue]) {
        for attribute in attributes {
            self.mask_attribute(attribute);
        }
    }

    /// Hides an attribute of a masked key, or the values of masked keys in one that is JSON.
    pub(crate) fn mask_attribute(&self, attribute: &mut KeyValue) {
        let key = attribute.key.as_str();
        if self.0.iter().any(|masked| masked == key) && !NEEDED.contains(&key) {
            attribute.value = Value::from(REDACTED);
        } else if let Value::String(text) = &attribute.value
            && !SCHEMAS.iter().any(|schema| key.ends_with(schema))
            && let Some(masked) = self.mask(root_of(key), text.as_str())
        {
            attribute.value = Value::from(masked);
        }
    }

    /// `text` with the values of masked keys replaced; None where there are none, or where it is no JSON object
    /// or array. `root` is the path that the text itself stands at.
    pub(crate) fn mask(&self, root: &str, text: &str) -> Option<String> {
        if !text.trim_start().starts_with(['{', '[']) {
            return None;
        }
        let mut scan = Scan {
            keys: self,
            text,
            path: root.to_owned(),
            open: Vec::new(),
            masked: String::new(),
            copied: 0,
        };
        scan.run();
        if scan.copied == 0 {
            return None;
        }
        scan.masked += &text[scan.copied..];
        Some(scan.masked)
    }
}

/// An object or array that has not ended yet.
struct Open {
    is_object: bool,
    /// Bytes of the path that it stands at.
    path: usize,
}

/// Goes through the tokens of a JSON text. What is no JSON comes out as it is, but for what looks like a member
/// with a masked key.
struct Scan<'a> {
    keys: &'a MaskedKeys,
    text: &'a str,
    path: String,
    open: Vec<Open>,
    masked: String,
    /// Bytes of the text that are in `masked`, or replaced.
    copied: usize,
}

impl Scan<'_> {
    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at = match byte {
                b'{' | b'[' => {
                    self.open.push(Open {
                        is_object: byte == b'{',
                        path: self.path.len(),
                    });
                    at + 1
                }
                b'}' | b']' => {
                    if let Some(ended) = self.open.pop() {
                        self.path.truncate(ended.path);
                    }
                    at + 1
                }
                b'"' => self.string(at),
                _ => at + 1,
            };
        }
    }

    /// A string at `at`, which is a key where a colon follows; goes on after it, or after its hidden value.
    fn string(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let end = string_end(bytes, at);
        let colon = after_space(bytes, end);
        let object = self.open.last().filter(|open| open.is_object);
        let Some(object) = object.filter(|_| bytes.get(colon) == Some(&b':')) else {
            return end;
        };
        self.path.truncate(object.path);
        if !self.path.is_empty() {
            self.path.push('.');
        }
        let quoted = &self.text[at..end];
        if quoted.contains('\\') {
            self.path += &serde_json::from_str::<String>(quoted).unwrap_or_default();
        } else {
            self.path += quoted.trim_matches('"');
        }
        let value = after_space(bytes, colon + 1);
        if !self.keys.hide(&self.path) {
            return value;
        }
        self.masked += &self.text[self.copied..value];
        self.masked += "\"";
        self.masked += REDACTED;
        self.masked += "\"";
        self.copied = value_end(bytes, value);
        self.copied
    }
}

fn after_space(bytes: &[u8], at: usize) -> usize {
    let space = bytes[at..].iter().take_while(|b| b.is_ascii_whitespace());
    at + space.count()
}

/// The end of the string that begins at `at`.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while let Some(&byte) = bytes.get(end) {
        match byte {
            b'"' => return end + 1,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    bytes.len()
}

/// The end of the value that begins at `at`.
fn value_end(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut end = at;
    while let Some(&byte) = bytes.get(end) {
        match byte {
            b'"' => {
                end = string_end(bytes, end);
                if depth == 0 {
                    return end;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return end,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return end + 1;
                }
            }
            _ => {}
        }
        end += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(paths: &[&str]) -> MaskedKeys {
        let paths: Vec<_> = paths.iter().map(|&path| path.to_owned()).collect();
        MaskedKeys::new(&paths).expect("they are paths")
    }

    fn masked(paths: &[&str], json: &str) -> String {
        let masked = keys(paths).mask("", json);
        masked.unwrap_or_else(|| "as it was".to_owned())
    }

    #[test]
    fn a_path_is_found_at_any_depth_and_through_arrays() {
        let json = r#"{"z":1.10,"card":[{"number":[1,"}"],"name":"n"}],"number":2,"a":{"card":{"number":null}}}"#;
        assert_eq!(
            masked(&["card.number"], json),
            r#"{"z":1.10,"card":[{"number":"__REDACTED__","name":"n"}],"number":2,"a":{"card":{"number":"__REDACTED__"}}}"#
        );
        assert_eq!(
            masked(&["number", "card"], json),
            r#"{"z":1.10,"card":"__REDACTED__","number":"__REDACTED__","a":{"card":"__REDACTED__"}}"#
        );
        assert_eq!(masked(&["umber", "card.z"], json), "as it was");
    }

    #[test]
    fn keys_are_compared_as_they_are_meant() {
        let json = r#" [ {"\u0070in" : "1\"2" , "user.pin": -2.5e3} ] "#;
        assert_eq!(
            masked(&["pin"], json),
            r#" [ {"\u0070in" : "__REDACTED__" , "user.pin": "__REDACTED__"} ] "#
        );
        assert_eq!(masked(&["pin"], r#"["pin", "a"]"#), "as it was");
        assert_eq!(masked(&["pin"], r#""pin: 1""#), "as it was");
    }

    #[test]
    fn the_root_may_have_a_path_of_its_own() {
        let keys = keys(&[" card.number "]);
        let masked = keys.mask("card", r#"{"number":1}"#);
        assert_eq!(masked.as_deref(), Some(r#"{"number":"__REDACTED__"}"#));
        assert!(keys.hide("a.card.number") && !keys.hide("discard.number"));
    }

    #[test]
    fn what_is_no_json_neither_panics_nor_shows_a_masked_value() {
        for text in [
            "{",
            "[\"",
            "{\"pin\"",
            "{\"pin\":",
            "{\"a\\",
            "}{]",
            "{\"pin\":}",
            "{:\"ü\":\"pin\":",
        ] {
            let _ = masked(&["pin"], text);
        }
        assert_eq!(
            masked(&["pin"], r#"{"pin":[1,2"#),
            r#"{"pin":"__REDACTED__""#
        );
        let deep = format!("{}{}", r#"{"a":["#.repeat(10_000), r#"{"pin":7"#);
        assert!(masked(&["a.pin"], &deep).ends_with(r#"{"pin":"__REDACTED__""#));
    }

    #[test]
    fn a_path_has_no_empty_key() {
        for path in ["", " ", ".", "card.", ".card", "a..b"] {
            let error = MaskedKeys::new(&[path.to_owned()]).expect_err(path);
            assert!(error.to_string().contains("`mask_keys`"), "{error}");
        }
    }
}
