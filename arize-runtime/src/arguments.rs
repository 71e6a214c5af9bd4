//! What a span records of a function's arguments, and the JSON Schema of a tool's.
//!
//! `arg("to", &to).typed(i)` asks the type whether it has a schema: method lookup takes the first level
//! whose bounds hold. That is decided where the function is written, by its types and not by how they are
//! spelled. What is compiled for a type is compiled once, and not for each function: hence `inline(never)`.

use std::fmt::{self, Debug};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::Value;

use crate::inputs::Inputs;
use crate::json;
use crate::levels::levels;
use crate::recording;
use crate::semconv;
use crate::tool_schema::SchemaOf;

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
    name: &'static str,
    value: &'a T,
    write: fn(&mut String, &T) -> serde_json::Result<()>,
}

impl<T: ?Sized> Debug for Argument<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argument")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<T: ?Sized> Argument<'_, T> {
    /// Records it by its name, and its schema with the call that gathers it.
    #[inline]
    fn parameter(&self, inputs: &mut Inputs, schema: Option<SchemaOf>) {
        if let Some(gathered) = inputs.schema() {
            gathered.add(self.name, schema, !is_option::<T>());
        }
        if let Some(buffer) = inputs.field(self.name) {
            self.write(buffer);
        }
    }

    /// Appends the value; one that cannot be serialised leaves a string that says so.
    #[inline]
    fn write(&self, buffer: &mut String) {
        let start = buffer.len();
        if let Err(error) = (self.write)(buffer, self.value) {
            leave_placeholder(buffer, start, &error);
        }
    }
}

#[cold]
fn leave_placeholder(buffer: &mut String, start: usize, error: &serde_json::Error) {
    buffer.truncate(start);
    let placeholder = Value::from(format!("<not serialised: {error}>"));
    buffer.push_str(&placeholder.to_string());
    recording::tell_not_serialized(&error.to_string());
}

/// An argument as its JSON. For arguments whose type names no type parameter.
#[inline]
pub fn arg<'a, T: RecordableArgument + ?Sized>(name: &'static str, value: &'a T) -> Typed<'a, T> {
    typed(name, value, |buffer, value| json::append(buffer, value))
}

/// An argument as its JSON. For arguments whose type names a type parameter: there the compiler's own
/// advice, a bound on that parameter, should be `serde::Serialize`.
pub fn generic_arg<'a, T: Serialize + ?Sized>(name: &'static str, value: &'a T) -> Typed<'a, T> {
    typed(name, value, |buffer, value| json::append(buffer, value))
}

/// An argument as its `Debug` text.
pub fn debug_arg<'a, T: Debug + ?Sized>(name: &'static str, value: &'a T) -> Typed<'a, T> {
    typed(name, value, |buffer, value| {
        json::append(buffer, &format_args!("{value:?}"))
    })
}

/// An argument whose value is not to be seen.
pub fn redacted_arg<'a, T: ?Sized>(name: &'static str, value: &'a T) -> Typed<'a, T> {
    typed(name, value, |buffer, _| {
        json::append(buffer, semconv::REDACTED)
    })
}

#[inline]
fn typed<'a, T: ?Sized>(
    name: &'static str,
    value: &'a T,
    write: fn(&mut String, &T) -> serde_json::Result<()>,
) -> Typed<'a, T> {
    Typed(Argument { name, value, write })
}

levels! {
    /// An argument before it was asked for its schema.
    Typed => Argument<'a, T>;
}

impl<T: ?Sized> Typed<'_, T> {
    /// Records it by its name.
    #[inline(never)]
    pub fn record(&self, inputs: &mut Inputs) {
        if let Some(buffer) = inputs.field(self.0.name) {
            self.0.write(buffer);
        }
    }

    /// Records it, the only argument, as it is.
    #[inline(never)]
    pub fn bare(&self, inputs: &mut Inputs) {
        if let Some(buffer) = inputs.bare(self.0.name) {
            self.0.write(buffer);
        }
    }
}

impl<T: JsonSchema + ?Sized> Typed<'_, T> {
    /// A type that has a schema.
    #[inline(never)]
    pub fn typed(&self, inputs: &mut Inputs) {
        self.parameter(inputs, Some(schema_of::<T>));
    }
}

impl<T: ?Sized> Argument<'_, T> {
    /// A type without a schema.
    #[inline(never)]
    pub fn typed(&self, inputs: &mut Inputs) {
        self.parameter(inputs, None);
    }
}

/// Whether a call may leave the argument out. By the name that the compiler gives the type, which is no alias: a level
/// of its own for options would be asked at every argument, and this is asked once for each tool.
fn is_option<T: ?Sized>() -> bool {
    std::any::type_name::<T>().starts_with("core::option::Option<")
}

fn schema_of<T: JsonSchema + ?Sized>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
