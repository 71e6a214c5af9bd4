//! Bodies of the user's own making: JSON with `{{column}}` in its strings.

use serde_json::{Map, Value};

/// What stands for the run's metadata rather than for a column.
const METADATA: &str = "arize_metadata";

/// A body for agents that take neither of Arize's shapes: a JSON object whose strings may hold `{{column}}`.
///
/// A string that is one placeholder and nothing else becomes the row's value, with its type; inside a longer
/// string the value becomes text, strings as they are and the rest as JSON. `{{user.id}}` is the field `id` of
/// the column `user`, unless a column has that very name. `{{arize_metadata}}` is the run's metadata, which is
/// otherwise added beside the template's fields.
///
/// # Examples
///
/// ```
/// use arize_local::Template;
///
/// let template: Template = r#"{"question": "{{goal}}", "user": {"id": "{{user.id}}"}}"#.parse()?;
/// # Ok::<(), arize_local::StartError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    fields: Map<String, Value>,
    /// Every placeholder, each once, without that of the metadata.
    columns: Vec<String>,
    places_metadata: bool,
}

impl std::str::FromStr for Template {
    type Err = crate::error::StartError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let value = serde_json::from_str(text).map_err(|error| {
            format!(
                "the template is not JSON: {error}; write an object like `{{\"question\": \"{{{{goal}}}}\"}}`, and a \
                 file as `@body.json`"
            )
        })?;
        let Value::Object(fields) = value else {
            let error =
                "the template is no JSON object; write one like `{\"question\": \"{{goal}}\"}`";
            return Err(error.to_owned().into());
        };
        let mut columns = Vec::new();
        for value in fields.values() {
            collect(value, &mut columns)?;
        }
        let places_metadata =
            fields.contains_key(METADATA) || columns.iter().any(|column| column == METADATA);
        columns.retain(|column| column != METADATA);
        Ok(Self {
            fields,
            columns,
            places_metadata,
        })
    }
}

impl Template {
    /// Sees that a row has all that the template asks for.
    pub(crate) fn check(&self, row: &Value) -> Result<(), String> {
        let Some(missing) = self
            .columns
            .iter()
            .find(|name| look_up(row, name).is_none())
        else {
            return Ok(());
        };
        let mut columns = Vec::new();
        column_names(row, "", &mut columns);
        Err(if columns.is_empty() {
            format!("no column `{missing}`, which the template names; it is no JSON object")
        } else {
            format!(
                "no column `{missing}`, which the template names; its columns are {}",
                listed(&columns)
            )
        })
    }

    /// The body for a row; its metadata stands where the template says, or else beside its fields.
    pub(crate) fn body(&self, row: &Value, metadata: Option<&Value>) -> Map<String, Value> {
        let filling = Filling { row, metadata };
        let mut body = filling.object(&self.fields);
        if let (false, Some(metadata)) = (self.places_metadata, metadata) {
            body.insert(METADATA.to_owned(), metadata.clone());
        }
        body
    }
}

/// What the placeholders stand for.
struct Filling<'a> {
    row: &'a Value,
    metadata: Option<&'a Value>,
}

impl<'a> Filling<'a> {
    fn value(&self, column: &str) -> Option<&'a Value> {
        if column == METADATA {
            return self.metadata;
        }
        look_up(self.row, column)
    }

    /// Nothing where the value is a placeholder of metadata that is not sent.
    fn fill(&self, template: &Value) -> Option<Value> {
        match template {
            Value::String(text) => match only_placeholder(text) {
                Some(column) => self.value(column).cloned(),
                None => Some(self.text(text).into()),
            },
            Value::Array(items) => Some(items.iter().filter_map(|item| self.fill(item)).collect()),
            Value::Object(fields) => Some(self.object(fields).into()),
            other => Some(other.clone()),
        }
    }

    fn object(&self, fields: &Map<String, Value>) -> Map<String, Value> {
        let filled = fields
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), self.fill(value)?)));
        filled.collect()
    }

    fn text(&self, template: &str) -> String {
        let mut text = String::new();
        for part in parts(template) {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Column(column) => match self.value(column) {
                    Some(Value::String(value)) => text.push_str(value),
                    Some(value) => text.push_str(&value.to_string()),
                    None => {}
                },
                Part::Unclosed => {} // refused when the template was read
            }
        }
        text
    }
}

enum Part<'a> {
    Text(&'a str),
    Column(&'a str),
    Unclosed,
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        let Some((column, after)) = after.split_once("}}") else {
            parts.push(Part::Unclosed);
            return parts;
        };
        parts.push(Part::Column(column.trim()));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

fn only_placeholder(text: &str) -> Option<&str> {
    match parts(text).as_slice() {
        [Part::Column(column)] => Some(column),
        _ => None,
    }
}

/// Adds the placeholders of a value to the list.
fn collect(template: &Value, columns: &mut Vec<String>) -> Result<(), String> {
    match template {
        Value::String(text) => {
            for part in parts(text) {
                match part {
                    Part::Text(_) => {}
                    Part::Column("") | Part::Unclosed => {
                        return Err(format!(
                            "the template's `{text}` has a `{{{{` without a column and `}}}}`; write `{{{{column}}}}`"
                        ));
                    }
                    Part::Column(column) if columns.iter().any(|known| known == column) => {}
                    Part::Column(column) => columns.push(column.to_owned()),
                }
            }
            Ok(())
        }
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, columns)),
        Value::Object(fields) => fields.values().try_for_each(|item| collect(item, columns)),
        _ => Ok(()),
    }
}

/// The column of this name, or else the field that the dots lead to.
fn look_up<'a>(row: &'a Value, column: &str) -> Option<&'a Value> {
    let fields = row.as_object()?;
    if let Some(value) = fields.get(column) {
        return Some(value);
    }
    let (first, rest) = column.split_once('.')?;
    look_up(fields.get(first)?, rest)
}

/// The names by which a template can ask for what the row has.
fn column_names(row: &Value, prefix: &str, names: &mut Vec<String>) {
    for (key, value) in row.as_object().into_iter().flatten() {
        let name = format!("{prefix}{key}");
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                column_names(value, &format!("{name}."), names);
            }
            _ => names.push(format!("`{name}`")),
        }
    }
}

fn listed(columns: &[String]) -> String {
    const MOST: usize = 20;
    let shown = columns[..columns.len().min(MOST)].join(", ");
    match columns.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(value: &Value) -> Template {
        value.to_string().parse().expect("is right")
    }

    fn body(template_of: &Value, row: &Value) -> Value {
        template(template_of)
            .body(row, Some(&json!({"space_id": "S="})))
            .into()
    }

    #[test]
    fn a_lone_placeholder_keeps_the_type_and_others_become_text() {
        let row =
            json!({"goal": "a trip", "nights": 2, "user": {"id": 7, "tags": ["a"]}, "a.b": null});
        let made = body(
            &json!({
                "question": "{{goal}}",
                "n": "{{ nights }}",
                "who": {"id": "{{user.id}}", "tags": "{{user.tags}}"},
                "list": ["{{a.b}}", true, 1],
                "text": "{{goal}} for {{nights}} nights: {{user.tags}}, {{a.b}}",
            }),
            &row,
        );
        assert_eq!(
            made,
            json!({
                "question": "a trip",
                "n": 2,
                "who": {"id": 7, "tags": ["a"]},
                "list": [null, true, 1],
                "text": "a trip for 2 nights: [\"a\"], null",
                "arize_metadata": {"space_id": "S="},
            })
        );
    }

    #[test]
    fn metadata_stands_where_the_template_says() {
        let places = json!({"context": {"arize": "{{arize_metadata}}"}});
        assert_eq!(
            body(&places, &json!(1)),
            json!({"context": {"arize": {"space_id": "S="}}})
        );
        let without = template(&places).body(&json!(1), None);
        assert_eq!(Value::from(without), json!({"context": {}}));
    }

    #[test]
    fn a_missing_column_is_named_with_those_that_are_there() {
        let template = template(&json!({"id": "{{user.name}}"}));
        let error = template
            .check(&json!({"goal": "x", "user": {"id": 7}, "none": {}}))
            .expect_err("has no name");
        for part in ["`user.name`", "`goal`, `user.id`, `none`"] {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
        assert!(template.check(&json!("text")).is_err());
        assert!(template.check(&json!({"user": {"name": null}})).is_ok());
    }

    #[test]
    fn what_is_no_template_is_told() {
        for (text, part) in [
            ("{", "not JSON"),
            ("[1]", "no JSON object"),
            (r#"{"a": ["x {{goal"]}"#, "`x {{goal`"),
            (r#"{"a": "{{ }}"}"#, "without a column"),
        ] {
            let error = text
                .parse::<Template>()
                .expect_err("is refused")
                .to_string();
            assert!(error.contains(part) && error.contains("; "), "{error}");
        }
    }
}
