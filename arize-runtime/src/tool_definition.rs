//! A tool as an LLM is told of it: its name, what it does and the JSON Schema of its arguments.
//!
//! `parameter::<T>("limit").add(p)` asks the type, of which there is no value, in the same way as `arguments.rs` asks
//! an argument.

use std::fmt::{self, Debug};
use std::marker::PhantomData;

use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};

use crate::tool_schema::{SchemaOf, ToolSchema};

/// A tool as an LLM is told of it, which `#[tool(definition)]` makes of a function.
///
/// The functions differ by where an LLM API wants the same three things. As `serde::Serialize` it is the plain
/// object `{"name": .., "description": .., "parameters": ..}`, without `description` where there is none.
///
/// ```
/// use arize_runtime::tool;
/// use serde_json::json;
///
/// /// Search flights between two airports.
/// #[tool(definition)]
/// async fn search_flights(from: &str, to: &str, most: Option<u32>) -> Vec<String> {
///     Vec::new()
/// }
///
/// let definition = search_flights_definition();
/// let request = json!({"model": "gpt-5", "messages": [], "tools": [definition.to_openai_chat()]});
/// let function = &request["tools"][0]["function"];
/// assert_eq!(function["description"], "Search flights between two airports.");
/// assert_eq!(function["parameters"]["required"], json!(["from", "to"]));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ToolDefinition {
    /// What the LLM calls it by; `tool.name` of its spans.
    pub name: String,
    /// What it does; `tool.description` of its spans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON Schema (Draft-07) of its arguments, an object.
    pub parameters: Value,
}

impl ToolDefinition {
    /// One with a schema of your own.
    ///
    /// ```
    /// use arize_runtime::ToolDefinition;
    /// use serde_json::json;
    ///
    /// let definition = ToolDefinition::new("stop", None, json!({"type": "object", "properties": {}}));
    /// assert_eq!(definition.to_anthropic()["name"], "stop");
    /// ```
    #[must_use]
    pub fn new(name: &str, description: Option<&str>, parameters: Value) -> Self {
        Self {
            name: name.to_owned(),
            description: description.map(str::to_owned),
            parameters,
        }
    }

    /// An item of `tools` for `OpenAI`'s chat completions, and for the many APIs that follow them:
    /// `{"type": "function", "function": {"name": .., "description": .., "parameters": ..}}`.
    #[must_use]
    pub fn to_openai_chat(&self) -> Value {
        json!({"type": "function", "function": self})
    }

    /// An item of `tools` for `OpenAI`'s responses: the same without a level in between, and with `"strict": false`.
    ///
    /// That API takes a function for strict where nothing is said. Strict mode wants every argument to be required,
    /// and would make the LLM invent what an `Option` leaves to it.
    #[must_use]
    pub fn to_openai_responses(&self) -> Value {
        let mut item = json!(self);
        item["type"] = "function".into();
        item["strict"] = false.into();
        item
    }

    /// An item of `tools` for Anthropic's messages: `{"name": .., "description": .., "input_schema": ..}`.
    #[must_use]
    pub fn to_anthropic(&self) -> Value {
        let mut item = json!({"name": self.name, "input_schema": self.parameters});
        if let Some(description) = &self.description {
            item["description"] = description.as_str().into();
        }
        item
    }
}

/// What an expansion calls: the definition with what `parameters` adds, in the order of the arguments.
#[must_use]
pub fn define(
    name: &'static str,
    description: Option<&'static str>,
    parameters: fn(&mut ToolSchema),
) -> ToolDefinition {
    let mut schema = ToolSchema::new();
    parameters(&mut schema);
    let schema = schema.finish(name, description);
    // it was written as JSON; an empty schema allows anything
    let schema = serde_json::from_str(&schema).unwrap_or_else(|_| json!({}));
    ToolDefinition::new(name, description, schema)
}

/// An argument that an LLM can be told of: anything that is `schemars::JsonSchema`.
#[diagnostic::on_unimplemented(
    message = "an LLM cannot be told of the argument of type `{Self}`",
    label = "not `schemars::JsonSchema`",
    note = "derive it for the type, `#[derive(arize_runtime::schemars::JsonSchema)]` with `#[schemars(crate = \
            \"arize_runtime::schemars\")]`, or write `skip(..)` where the agent and not the LLM gives the argument"
)]
pub trait ToolParameter: JsonSchema {}

#[diagnostic::do_not_recommend]
impl<T: JsonSchema + ?Sized> ToolParameter for T {}

/// An argument's name and its type, before it was asked whether it is an option.
pub struct Parameter<T: ?Sized>(Required, PhantomData<fn(&T)>);

/// An argument that an LLM has to give.
pub struct Required {
    name: &'static str,
    schema: SchemaOf,
}

/// The argument of this name and type.
#[must_use]
pub fn parameter<T: ToolParameter + ?Sized>(name: &'static str) -> Parameter<T> {
    let schema = SchemaGenerator::subschema_for::<T>;
    Parameter(Required { name, schema }, PhantomData)
}

impl<T> Parameter<Option<T>> {
    /// Adds what may be left out.
    pub fn add(&self, schema: &mut ToolSchema) {
        schema.add(self.0.name, Some(self.0.schema), false);
    }
}

impl Required {
    /// Adds what has to be given.
    pub fn add(&self, schema: &mut ToolSchema) {
        schema.add(self.name, Some(self.schema), true);
    }
}

impl<T: ?Sized> std::ops::Deref for Parameter<T> {
    type Target = Required;
    fn deref(&self) -> &Required {
        &self.0
    }
}

impl<T: ?Sized> Debug for Parameter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.0, f)
    }
}

impl Debug for Required {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Parameter").field(&self.name).finish()
    }
}
