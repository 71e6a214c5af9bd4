//! What an agent says that it takes: the JSON Schema of its request body, and what Arize is to fill it with.

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::template::Template;

/// As many wrong rows are named.
const MOST: usize = 20;

/// The parts of it.
pub(crate) struct Contract<'a> {
    schema: &'a Value,
    template: Option<&'a Value>,
    presets: Option<&'a Map<String, Value>>,
}

impl<'a> Contract<'a> {
    /// An object with a `json_schema`, or the schema alone.
    pub(crate) fn of(told: &'a Value) -> Self {
        match told.get("json_schema") {
            Some(schema) => Self {
                schema,
                template: told.get("input_template"),
                presets: told.get("request_presets").and_then(Value::as_object),
            },
            None => Self {
                schema: told,
                template: None,
                presets: None,
            },
        }
    }

    pub(crate) fn presets(&self) -> usize {
        self.presets.map_or(0, Map::len)
    }

    /// What is wrong with the schema, or does not fit it, each in one line.
    pub(crate) fn faults(&self, rows: &[Value]) -> Vec<String> {
        let validator = match jsonschema::draft7::new(self.schema) {
            Ok(validator) => validator,
            Err(error) => {
                let at = at(error.instance_path().as_str());
                return vec![format!(
                    "the schema is no JSON Schema of Draft-07: {at}{error}; correct it there"
                )];
            }
        };
        let mut faults = Vec::new();
        if self.schema["type"] != "object" {
            faults.push("the schema is not that of an object, and Arize sends one; write `\"type\": \"object\"`".into());
        }
        if !self.takes("arize_metadata") {
            faults.push(
                "the schema refuses `arize_metadata`, which Arize adds to each body; name it in `properties`, or \
                 allow additional properties"
                    .into(),
            );
        }
        for (name, input) in self.presets.into_iter().flatten() {
            self.compare(&validator, input, &format!("preset `{name}`"), &mut faults);
        }
        let template = self.template.map(|template| template.to_string().parse());
        match template.transpose() {
            Ok(template) => faults.extend(self.of_rows(&validator, template.as_ref(), rows)),
            Err(error) => faults.push(format!("`input_template` cannot be read: {error}")),
        }
        faults
    }

    fn takes(&self, property: &str) -> bool {
        self.schema["properties"].get(property).is_some()
            || self.schema["additionalProperties"] != false
    }

    fn of_rows(
        &self,
        validator: &Validator,
        template: Option<&Template>,
        rows: &[Value],
    ) -> Vec<String> {
        let (mut faults, mut more) = (Vec::new(), 0);
        for (index, row) in rows.iter().enumerate() {
            let what = format!("row {}", index + 1);
            let mut wrong = Vec::new();
            match template.map(|template| (template, template.check(row))) {
                Some((_, Err(error))) => wrong.push(format!("{what} has {error}")),
                Some((template, Ok(()))) => {
                    let input = template.body(row, None).into();
                    self.compare(validator, &input, &what, &mut wrong);
                }
                None => self.compare(validator, row, &what, &mut wrong),
            }
            if faults.len() < MOST {
                faults.append(&mut wrong);
            } else if !wrong.is_empty() {
                more += 1;
            }
        }
        if more > 0 {
            faults.push(format!("{more} more rows do not fit either"));
        }
        faults
    }

    /// Compares the body that Arize makes of an input.
    fn compare(&self, validator: &Validator, input: &Value, what: &str, faults: &mut Vec<String>) {
        let body = self.body(input);
        let wrong = validator.iter_errors(&body).map(|error| {
            let at = at(error.instance_path().as_str());
            format!("{what} does not fit the schema: {at}{error}")
        });
        faults.extend(wrong);
    }

    fn body(&self, input: &Value) -> Value {
        let wrapped = self.schema["properties"].get("input").is_some();
        let mut body = match input {
            Value::Object(fields) if !wrapped => fields.clone(),
            _ => Map::from_iter([("input".to_owned(), input.clone())]),
        };
        body.insert("arize_metadata".to_owned(), metadata());
        body.into()
    }
}

/// As Arize sends it.
fn metadata() -> Value {
    json!({
        "space_id": "U3BhY2U6MQ==",
        "project_name": "agent",
        "dataset_id": "dataset",
        "example_id": "example",
        "experiment_id": "experiment",
        "run_id": "run",
    })
}

fn at(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!("at `{path}`, ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract() -> Value {
        json!({
            "json_schema": {
                "type": "object",
                "properties": {"input": {"$ref": "#/definitions/Trip"}, "arize_metadata": {"type": "object"}},
                "required": ["input"],
                "definitions": {"Trip": {
                    "type": "object",
                    "properties": {"goal": {"type": "string"}, "nights": {"type": "integer"}},
                    "required": ["goal"],
                }},
            },
        })
    }

    fn only(faults: &[String]) -> &str {
        let [fault] = faults else {
            panic!("one is expected: {faults:?}");
        };
        fault
    }

    #[test]
    fn rows_are_named_with_the_path_of_what_does_not_fit() {
        let told = contract();
        let contract = Contract::of(&told);
        assert_eq!(contract.faults(&[json!({"goal": "x"})]), [""; 0]);
        let faults = contract.faults(&[json!({"goal": "x"}), json!({"goal": "x", "nights": "2"})]);
        let fault = only(&faults);
        assert!(
            fault.contains("row 2") && fault.contains("`/input/nights`"),
            "{fault}"
        );
        let faults = contract.faults(&vec![json!({}); MOST + 5]);
        assert_eq!(faults.len(), MOST + 1);
        assert!(faults[MOST].contains("5 more rows"), "{faults:?}");
    }

    #[test]
    fn the_template_makes_the_input_of_a_row() {
        let mut told = contract();
        told["input_template"] = json!({"goal": "{{city}}", "nights": "{{nights}}"});
        let contract = Contract::of(&told);
        assert_eq!(
            contract.faults(&[json!({"city": "x", "nights": 2})]),
            [""; 0]
        );
        let faults = contract.faults(&[json!({"city": "x"})]);
        let fault = only(&faults);
        assert!(fault.contains("row 1 has no column `nights`"), "{fault}");
        told["input_template"] = json!("{{city}}");
        let faults = Contract::of(&told).faults(&[]);
        assert!(only(&faults).contains("`input_template`"));
    }

    #[test]
    fn presets_are_inputs_too() {
        let mut told = contract();
        told["request_presets"] = json!({"right": {"goal": "x"}, "wrong": {"nights": 2}});
        let faults = Contract::of(&told).faults(&[]);
        let fault = only(&faults);
        assert!(
            fault.contains("preset `wrong`") && fault.contains("\"goal\""),
            "{fault}"
        );
        assert_eq!(Contract::of(&told).presets(), 2);
    }

    #[test]
    fn a_schema_alone_may_be_that_of_a_flat_body() {
        let flat = json!({
            "type": "object",
            "properties": {"goal": {"type": "string"}},
            "required": ["goal"],
        });
        let contract = Contract::of(&flat);
        assert_eq!(contract.faults(&[json!({"goal": "x"})]), [""; 0]);
        assert!(only(&contract.faults(&[json!({"goal": 1})])).contains("`/goal`"));
    }

    #[test]
    fn what_arize_could_not_use_is_told() {
        for (schema, part) in [
            (json!({"type": "no type"}), "Draft-07"),
            (json!({"$ref": "http://127.0.0.1:1/other.json"}), "Draft-07"),
            (json!({"type": "array"}), "not that of an object"),
            (
                json!({"type": "object", "properties": {}, "additionalProperties": false}),
                "refuses `arize_metadata`",
            ),
        ] {
            let faults = Contract::of(&schema).faults(&[]);
            let fault = only(&faults);
            assert!(fault.contains(part) && fault.contains("; "), "{fault}");
        }
    }
}
