//! What Arize is told of an agent: the JSON Schema of its request body, made of the handler's own types.

use std::fmt;
use std::marker::PhantomData;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::agent_request::{AgentRequest, ArizeMetadata};

/// What an agent is registered with in Arize: the JSON Schema (Draft-07) of its request body, the input template
/// and the request presets.
///
/// The schema comes from the type that the handler reads, so it cannot say anything else than the handler takes. It
/// prints as JSON, and a route that answers with it serves `arize-local schema`, whatever the framework is:
/// `.route("/schema", get(|| async { Json(AgentSchema::of::<Trip>().to_value()) }))`.
///
/// ```
/// use arize_runtime::{AgentSchema, schemars};
/// use serde_json::json;
///
/// #[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
/// struct Trip {
///     /// Where to.
///     goal: String,
///     nights: Option<u32>,
/// }
///
/// let weekend = Trip { goal: "Lisbon".into(), nights: Some(2) };
/// let schema = AgentSchema::of::<Trip>()
///     .input_template(json!({"goal": "{{city}}", "nights": 2}))
///     .preset("weekend", &weekend)?;
/// println!("{schema}");
///
/// let schema = schema.to_value();
/// assert_eq!(schema["json_schema"]["required"], json!(["input"]));
/// assert_eq!(schema["json_schema"]["definitions"]["Trip"]["required"], json!(["goal"]));
/// assert_eq!(schema["request_presets"]["weekend"]["goal"], "Lisbon");
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// In a crate that does not depend on schemars itself the derive needs `#[schemars(crate = "arize_runtime::schemars")]`.
#[derive(Debug, Clone)]
#[must_use]
pub struct AgentSchema<I> {
    json_schema: Value,
    input_template: Option<Value>,
    request_presets: Map<String, Value>,
    input: PhantomData<fn(I)>,
}

impl AgentSchema<()> {
    /// Of a handler that takes `AgentRequest<I>`: the body is `{"input": <I>, "arize_metadata": {...}}`.
    pub fn of<I: JsonSchema>() -> AgentSchema<I> {
        AgentSchema::new::<AgentRequest<I>>()
    }

    /// Of a handler with a request type of its own, which has the input's fields beside `arize_metadata`
    /// ([`ArizeMetadata`] has a schema too).
    ///
    /// ```
    /// use arize_runtime::{AgentSchema, ArizeMetadata, schemars};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Request {
    ///     goal: String,
    ///     #[serde(default)]
    ///     arize_metadata: ArizeMetadata,
    /// }
    /// let schema = AgentSchema::of_body::<Request>();
    /// assert_eq!(schema.json_schema()["properties"]["goal"]["type"], "string");
    /// ```
    pub fn of_body<B: JsonSchema>() -> AgentSchema<B> {
        AgentSchema::new::<B>()
    }
}

impl<I> AgentSchema<I> {
    fn new<B: JsonSchema>() -> Self {
        let generator = SchemaSettings::draft07().into_generator();
        Self {
            json_schema: generator.into_root_schema_for::<B>().into(),
            input_template: None,
            request_presets: Map::new(),
            input: PhantomData,
        }
    }

    /// Which column of a dataset fills which field of the input: JSON whose strings hold `{{column}}`.
    ///
    /// A string that is one placeholder and nothing else becomes the column's value with its type. `arize-local schema
    /// --dataset` fills it with each row and compares the body with the schema.
    pub fn input_template(mut self, template: Value) -> Self {
        self.input_template = Some(template);
        self
    }

    /// An input to choose in Arize by name: as a value of the handler's type it fits the schema. One of the same name
    /// replaces it.
    ///
    /// # Errors
    ///
    /// Returns why the value cannot be serialised.
    pub fn preset(mut self, name: &str, input: &I) -> serde_json::Result<Self>
    where
        I: Serialize,
    {
        let input = serde_json::to_value(input)?;
        self.request_presets.insert(name.to_owned(), input);
        Ok(self)
    }

    /// The JSON Schema of the body alone, as Arize's form for agents takes it.
    #[must_use]
    pub fn json_schema(&self) -> &Value {
        &self.json_schema
    }

    /// All of it: `{"json_schema": .., "input_template": .., "request_presets": {..}}`, the latter two where they were
    /// given.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut all = json!({"json_schema": self.json_schema});
        if let Some(template) = &self.input_template {
            all["input_template"] = template.clone();
        }
        if !self.request_presets.is_empty() {
            all["request_presets"] = self.request_presets.clone().into();
        }
        all
    }
}

/// [`to_value`](AgentSchema::to_value) as JSON, indented.
impl<I> fmt::Display for AgentSchema<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.to_value())
    }
}

/// The first of the two shapes, which Arize's pages name; the other one, fields at the top level, is read all the same.
impl<I: JsonSchema> JsonSchema for AgentRequest<I> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("AgentRequest_of_{}", I::schema_name()).into()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        format!("arize_runtime::AgentRequest<{}>", I::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "properties": {
                "input": generator.subschema_for::<I>(),
                "arize_metadata": generator.subschema_for::<Option<ArizeMetadata>>(),
            },
            "required": ["input"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, JsonSchema)]
    struct Trip {
        goal: String,
    }

    #[test]
    fn a_body_as_arize_sends_it_is_described() {
        let schema = AgentSchema::of::<Trip>();
        let json = schema.json_schema();
        assert_eq!(json["$schema"], "http://json-schema.org/draft-07/schema#");
        assert_eq!(json["type"], "object");
        assert_eq!(json["properties"]["input"]["$ref"], "#/definitions/Trip");
        assert_eq!(
            json["required"],
            json!(["input"]),
            "no metadata is no error"
        );
        let metadata = &json["definitions"]["ArizeMetadata"];
        assert!(metadata["properties"]["space_id"].is_object(), "{json:#}");
        assert_eq!(metadata.get("required"), None);
        assert_eq!(schema.to_value(), json!({"json_schema": json}));
    }

    #[test]
    fn template_and_presets_stand_beside_the_schema_and_all_of_it_prints_as_json() {
        let goal = |goal: &str| Trip { goal: goal.into() };
        let schema = AgentSchema::of::<Trip>().input_template(json!({"goal": "{{city}}"}));
        let schema = schema.preset("one", &goal("a")).unwrap();
        let schema = schema.preset("one", &goal("b")).unwrap();
        let printed: Value = serde_json::from_str(&schema.to_string()).unwrap();
        assert_eq!(printed, schema.to_value());
        assert_eq!(printed["request_presets"], json!({"one": {"goal": "b"}}));
        assert_eq!(printed["input_template"], json!({"goal": "{{city}}"}));
    }
}
