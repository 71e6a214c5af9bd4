//! The inputs of a call on their way into the span.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::Serialize;

use crate::attributes::Given;
use crate::masked_keys::MaskedKeys;
use crate::recording::{self, Recorded};
use crate::request::RequestInput;
use crate::span::SpanSpec;
use crate::tool_schema::ToolSchema;
use crate::trace_config::{Hidden, TraceConfig};

/// The inputs as they come in. The thread keeps them from call to call, so neither their box nor their
/// buffer is allocated anew.
#[derive(Default)]
pub struct Inputs {
    /// Of an object `{"a":1,"b":2` so far, else the whole input.
    buffer: String,
    form: Form,
    /// Nothing is serialised.
    hidden: bool,
    masked_keys: Option<Arc<MaskedKeys>>,
    /// The name of the only argument, where that is recorded as it is.
    bare: &'static str,
    schema: Option<Box<ToolSchema>>,
    /// What is said of the span itself, until it starts.
    pub(crate) attributes: Option<Box<Given>>,
}

thread_local! {
    static INPUTS: Cell<Option<Box<Inputs>>> = const { Cell::new(None) };
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Form {
    #[default]
    None,
    Object,
    Json,
    Text,
    Redacted,
}

/// What records the arguments of a function. Unlike `dyn Fn` it brings nothing else along for each function.
pub(crate) trait Arguments {
    fn record(&self, inputs: &mut Inputs);
}

impl<F: Fn(&mut Inputs)> Arguments for F {
    #[inline]
    fn record(&self, inputs: &mut Inputs) {
        self(inputs);
    }
}

impl std::fmt::Debug for Inputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inputs").finish_non_exhaustive()
    }
}

#[expect(
    clippy::unnecessary_box_returns,
    reason = "the box is what the thread keeps"
)]
impl Inputs {
    /// Where an argument's value goes, after its name; none where the arguments are not the input.
    #[inline]
    pub(crate) fn field(&mut self, name: &str) -> Option<&mut String> {
        if self.form != Form::Object {
            return None;
        }
        self.key(name);
        Some(&mut self.buffer)
    }

    /// Where the value of the only argument goes, which is recorded as it is.
    pub(crate) fn bare(&mut self, name: &'static str) -> Option<&mut String> {
        if self.form != Form::Object {
            return None;
        }
        self.form = Form::Json;
        self.bare = name;
        Some(&mut self.buffer)
    }

    /// The schema of a tool's arguments, in the call that gathers it.
    #[inline]
    pub(crate) fn schema(&mut self) -> Option<&mut ToolSchema> {
        self.schema.as_deref_mut()
    }

    /// Of a function's arguments, before they are recorded.
    #[inline]
    pub(crate) fn of_call(spec: &'static SpanSpec, config: &TraceConfig) -> Box<Self> {
        let mut inputs = Self::take(config);
        inputs.form = match (spec.automatic_input, inputs.hidden) {
            (false, _) => Form::None,
            (true, false) => Form::Object,
            (true, true) => Form::Redacted,
        };
        if spec.wants_schema() {
            inputs.schema = Some(Box::new(ToolSchema::new()));
        }
        inputs
    }

    /// With what `record` records, which is not asked where nothing would be kept.
    #[inline]
    pub(crate) fn recorded(mut self: Box<Self>, record: &dyn Arguments) -> Box<Self> {
        if self.form != Form::Object && self.schema.is_none() {
            return self;
        }
        if catch_unwind(AssertUnwindSafe(|| record.record(&mut self))).is_err() {
            recording::tell_not_serialized("its `Serialize` panicked");
            self.form = Form::None;
            self.schema = None;
        }
        self
    }

    /// Empty ones; who takes them inside a serialisation gets new ones.
    #[expect(
        clippy::inline_always,
        reason = "a frame of its own costs every call twenty instructions"
    )]
    #[inline(always)]
    fn take(config: &TraceConfig) -> Box<Self> {
        let kept = INPUTS.try_with(Cell::take).ok().flatten();
        let mut inputs = kept.unwrap_or_default();
        inputs.hidden = config.masking.hides(Hidden::Inputs);
        inputs.masked_keys.clone_from(&config.masked_keys);
        inputs.bare = "";
        inputs
    }

    #[inline]
    fn key(&mut self, name: &str) {
        let separator = if self.buffer.is_empty() { "{\"" } else { ",\"" };
        self.buffer.push_str(separator);
        self.buffer.push_str(name);
        self.buffer.push_str("\":");
    }

    /// Of this value and nothing else.
    pub(crate) fn value(&mut self, value: &(impl Serialize + ?Sized)) {
        if self.hidden {
            self.form = Form::Redacted;
            return;
        }
        self.buffer.clear();
        self.bare = "";
        let written = recording::write(&mut self.buffer, value);
        self.form = if written { Form::Json } else { Form::None };
    }

    /// What is to be recorded; the thread gets the rest back.
    #[expect(
        clippy::inline_always,
        reason = "a frame of its own costs every call twenty instructions"
    )]
    #[inline(always)]
    pub(crate) fn finish(mut self: Box<Self>, spec: &'static SpanSpec) -> Option<Recorded> {
        if let Some(schema) = self.schema.take() {
            // two first calls at once gather the same
            let _ = spec
                .derived_schema
                .set(schema.finish(spec.name, spec.description));
        }
        if self.form == Form::Object {
            if self.buffer.is_empty() {
                self.buffer.push('{');
            }
            self.buffer.push('}');
        }
        let recorded = match self.form {
            Form::None => {
                recording::take_text(&mut self.buffer);
                None
            }
            Form::Redacted => Some(Recorded::Redacted),
            Form::Text => Some(Recorded::Text(recording::take_text(&mut self.buffer))),
            Form::Object => Some(Recorded::Json(recording::take_text(&mut self.buffer))),
            Form::Json => Some(Recorded::of_json(recording::take_text(&mut self.buffer))),
        };
        let recorded = match &self.masked_keys {
            Some(keys) => recorded.map(|recorded| recorded.masked(keys, self.bare)),
            None => recorded,
        };
        // a thread that ends keeps nothing
        let _ = INPUTS.try_with(|kept| kept.set(Some(self)));
        recorded
    }

    /// Of a request's body, or of none.
    pub(crate) fn of_request(config: &TraceConfig, input: Option<RequestInput<'_>>) -> Box<Self> {
        let mut inputs = Self::take(config);
        match input {
            None => inputs.form = Form::None,
            Some(_) if inputs.hidden => inputs.form = Form::Redacted,
            Some(RequestInput::Value(value)) => inputs.value(value),
            Some(RequestInput::Fields(row)) => inputs.value(&row),
            Some(RequestInput::Json(json)) => {
                inputs.buffer.push_str(json);
                inputs.form = Form::Json;
            }
            Some(RequestInput::Text(text)) => {
                inputs.buffer.push_str(text);
                inputs.form = Form::Text;
            }
        }
        inputs
    }
}
