//! The JSON Schema of a tool's arguments.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

/// Makes the schema of one type.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The JSON Schema (Draft-07) of a tool's arguments while it is gathered, once for each tool.
pub struct ToolSchema {
    generator: SchemaGenerator,
    properties: String,
    required: Vec<&'static str>,
}

impl std::fmt::Debug for ToolSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolSchema").finish_non_exhaustive()
    }
}

impl ToolSchema {
    pub(crate) fn new() -> Self {
        Self {
            generator: SchemaSettings::draft07().into_generator(),
            properties: String::new(),
            required: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, name: &'static str, schema: Option<SchemaOf>, required: bool) {
        let schema = match schema {
            Some(schema) => {
                let mut schema = schema(&mut self.generator);
                // the generator itself does so with whole schemas and definitions alone
                for transform in self.generator.transforms_mut() {
                    transform.transform(&mut schema);
                }
                Value::from(schema).to_string()
            }
            None => "{}".to_owned(),
        };
        let comma = if self.properties.is_empty() { "" } else { "," };
        self.properties += &format!("{comma}\"{name}\":{schema}");
        if required {
            self.required.push(name);
        }
    }

    /// The schema as a JSON string, definitions hoisted to its root.
    pub(crate) fn finish(mut self, title: &str, description: Option<&str>) -> String {
        let json = |s: &str| Value::from(s).to_string();
        let mut schema = format!("{{\"type\":\"object\",\"title\":{}", json(title));
        if let Some(description) = description {
            schema += &format!(",\"description\":{}", json(description));
        }
        schema += &format!(",\"properties\":{{{}}}", self.properties);
        if !self.required.is_empty() {
            schema += &format!(",\"required\":{}", Value::from(self.required));
        }
        let definitions = self.generator.take_definitions(true);
        if !definitions.is_empty() {
            schema += &format!(",\"definitions\":{}", Value::from(definitions));
        }
        schema + "}"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(schemars::JsonSchema)]
    struct Node {
        #[expect(dead_code, reason = "only its schema is looked at")]
        children: Vec<Node>,
    }

    #[test]
    fn definitions_are_hoisted_and_types_without_a_schema_allow_anything() {
        let mut schema = ToolSchema::new();
        schema.add("from", Some(SchemaGenerator::subschema_for::<&str>), true);
        schema.add(
            "limit",
            Some(SchemaGenerator::subschema_for::<Option<u32>>),
            false,
        );
        schema.add("opaque", None, true);
        schema.add("node", Some(SchemaGenerator::subschema_for::<Node>), true);
        schema.add(
            "pair",
            Some(SchemaGenerator::subschema_for::<(u8, &str)>),
            true,
        );
        let schema: Value = serde_json::from_str(&schema.finish("f", Some("Finds."))).unwrap();
        assert_eq!(
            schema["required"],
            serde_json::json!(["from", "opaque", "node", "pair"])
        );
        assert_eq!(
            schema["properties"]["from"],
            serde_json::json!({"type": "string"})
        );
        assert_eq!(schema["properties"]["opaque"], serde_json::json!({}));
        assert_eq!(schema["properties"]["node"]["$ref"], "#/definitions/Node");
        let pair = &schema["properties"]["pair"];
        assert_eq!(pair["items"][1], serde_json::json!({"type": "string"}));
        assert!(pair.get("prefixItems").is_none(), "that is of 2020-12");
        assert!(schema["definitions"]["Node"].is_object());
        assert_eq!(
            (&schema["title"], &schema["description"]),
            (&"f".into(), &"Finds.".into())
        );
    }
}
