//! What a span records of a function's arguments, and the JSON Schema of a tool's.
//!
//! A chain like `arg("to", &to).typed()` asks the type whether it has a schema: method lookup takes
//! the first level whose bounds hold. That is decided where the function is written, by its types and
//! not by how they are spelled.

use std::fmt::{self, Debug};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::Value;

use crate::levels::levels;
use crate::recording;
use crate::semconv;

/// An argument that can be recorded: anything that is `serde::Serialize`.
#[diagnostic::on_unimplemented(
    message = "the argument of type `{Self}` cannot be recorded",
    label = "not `serde::Serialize`",
    note = "implement `serde::Serialize` for it, or write `skip(..)` to leave the argument out, or `debug(..)` \
            to record its `Debug` text"
)]
pub trait RecordableArgument: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> RecordableArgument for T {}

/// An argument's name, its value, and how the value is written.
pub struct Argument<'a, T: ?Sized> {
    pub(crate) name: &'static str,
    value: &'a T,
    write: fn(&mut Vec<u8>, &T) -> serde_json::Result<()>,
}

type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// An [`Argument`] that knows its schema.
pub struct TypedArgument<'a, T: ?Sized> {
    pub(crate) argument: Argument<'a, T>,
    pub(crate) schema: Option<SchemaOf>,
    pub(crate) required: bool,
}

impl<T: ?Sized> Clone for Argument<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Argument<'_, T> {}

impl<T: ?Sized> Debug for Argument<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argument")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<T: ?Sized> Debug for TypedArgument<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedArgument")
            .field("argument", &self.argument)
            .finish_non_exhaustive()
    }
}

impl<T: ?Sized> Argument<'_, T> {
    #[inline]
    pub(crate) fn untyped(&self) -> Self {
        *self
    }

    /// Appends the value; one that cannot be serialised leaves a string that says so.
    #[inline]
    pub(crate) fn write(&self, buffer: &mut Vec<u8>) {
        let start = buffer.len();
        if let Err(error) = (self.write)(buffer, self.value) {
            leave_placeholder(buffer, start, &error);
        }
    }
}

#[cold]
fn leave_placeholder(buffer: &mut Vec<u8>, start: usize, error: &serde_json::Error) {
    buffer.truncate(start);
    let placeholder = Value::from(format!("<not serialised: {error}>"));
    buffer.extend_from_slice(placeholder.to_string().as_bytes());
    recording::tell_not_serialized(&error.to_string());
}

/// An argument as its JSON. For arguments whose type names no type parameter.
#[inline]
pub fn arg<'a, T: RecordableArgument + ?Sized>(name: &'static str, value: &'a T) -> Typed<'a, T> {
    typed(name, value, |buffer, value| {
        recording::to_json(buffer, value)
    })
}

/// An argument as its JSON. For arguments whose type names a type parameter: there the compiler's own
/// advice, a bound on that parameter, should be `serde::Serialize`.
pub fn generic_arg<'a, T: Serialize + ?Sized>(name: &'static str, value: &'a T) -> Typed<'a, T> {
    typed(name, value, |buffer, value| {
        recording::to_json(buffer, value)
    })
}

/// An argument as its `Debug` text.
pub fn debug_arg<'a, T: Debug + ?Sized>(name: &'static str, value: &'a T) -> Typed<'a, T> {
    typed(name, value, |buffer, value| {
        recording::to_json(buffer, &format_args!("{value:?}"))
    })
}

/// An argument whose value is not to be seen.
pub fn redacted_arg<'a, T: ?Sized>(name: &'static str, value: &'a T) -> Typed<'a, T> {
    typed(name, value, |buffer, _| {
        recording::to_json(buffer, semconv::REDACTED)
    })
}

#[inline]
fn typed<'a, T: ?Sized>(
    name: &'static str,
    value: &'a T,
    write: fn(&mut Vec<u8>, &T) -> serde_json::Result<()>,
) -> Typed<'a, T> {
    Typed(Level2(Level3(Level4(Argument { name, value, write }))))
}

levels! {
    /// An argument before it was asked for its schema.
    Typed => Level2<'a, T>;
    /// Has a schema?
    Level2 => Level3<'a, T>;
    /// Is an option without a schema?
    Level3 => Level4<'a, T>;
    /// Has nothing.
    Level4 => Argument<'a, T>;
}

impl<'a, T: JsonSchema> Typed<'a, Option<T>> {
    /// An option that has a schema.
    #[inline]
    #[must_use]
    pub fn typed(&self) -> TypedArgument<'a, Option<T>> {
        let schema: SchemaOf = |generator| generator.subschema_for::<Option<T>>();
        TypedArgument {
            argument: self.untyped(),
            schema: Some(schema),
            required: false,
        }
    }
}

impl<'a, T: JsonSchema + ?Sized> Level2<'a, T> {
    /// A type that has a schema.
    #[inline]
    #[must_use]
    pub fn typed(&self) -> TypedArgument<'a, T> {
        let schema: SchemaOf = |generator| generator.subschema_for::<T>();
        TypedArgument {
            argument: self.untyped(),
            schema: Some(schema),
            required: true,
        }
    }
}

impl<'a, T> Level3<'a, Option<T>> {
    /// An option without a schema.
    #[inline]
    #[must_use]
    pub fn typed(&self) -> TypedArgument<'a, Option<T>> {
        TypedArgument {
            argument: self.untyped(),
            schema: None,
            required: false,
        }
    }
}

impl<'a, T: ?Sized> Level4<'a, T> {
    /// A type without a schema.
    #[inline]
    #[must_use]
    pub fn typed(&self) -> TypedArgument<'a, T> {
        TypedArgument {
            argument: self.untyped(),
            schema: None,
            required: true,
        }
    }
}

/// The JSON Schema (Draft-07) of a tool's arguments while it is gathered, once for each tool.
pub(crate) struct ToolSchema {
    generator: SchemaGenerator,
    properties: String,
    required: Vec<&'static str>,
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

    #[derive(Serialize, JsonSchema)]
    struct Node {
        children: Vec<Node>,
    }
    #[derive(Serialize)]
    struct Opaque;

    #[test]
    fn options_are_not_required_and_types_without_a_schema_allow_anything() {
        let mut schema = ToolSchema::new();
        macro_rules! add {
            ($name:literal, $value:expr) => {{
                let value = $value;
                let typed = arg($name, &value).typed();
                schema.add($name, typed.schema, typed.required);
            }};
        }
        add!("from", "SFO");
        add!("limit", Some(3_u32));
        add!("opaque", Opaque);
        add!("maybe", None::<Opaque>);
        add!("node", Node { children: vec![] });
        add!("pair", (1_u8, "x"));
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
