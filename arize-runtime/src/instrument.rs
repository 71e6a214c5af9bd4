//! The call of an annotated function.
//!
//! It is a chain: [`start`] with its inputs, then `call` (sync) or `run` (async) with its body, then
//! `outcome` with what to record of the result. Where no pipeline is live the chain is the bare body.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use pin_project_lite::pin_project;
use serde::Serialize;

use crate::arguments::{ToolSchema, Typed, TypedArgument};
use crate::outcome::Outcome;
use crate::recording::{self, Recorded};
use crate::request::RequestInput;
use crate::span::{self, ActiveSpan, SpanSpec};
use crate::tracer;

/// A call of an annotated function, before its body runs. Small, since every link of the chain moves it.
pub struct Call {
    spec: &'static SpanSpec,
    /// None where the function runs bare.
    inputs: Option<Inputs>,
}

/// The inputs as they come in.
pub struct Inputs {
    /// Of an object `{"a":1,"b":2` so far, else the whole input.
    buffer: Vec<u8>,
    form: Form,
    schema: Option<Box<ToolSchema>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    None,
    Object,
    Json,
    Text,
}

impl std::fmt::Debug for Inputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inputs").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// Begins the call of a function other than a handler. `record` is called where its arguments are to
/// be recorded.
#[inline]
#[must_use]
pub fn start(spec: &'static SpanSpec, record: impl Fn(&mut Inputs)) -> Call {
    if !tracer::is_live() {
        return Call { spec, inputs: None };
    }
    // moved so that a bare call need not lay it out
    let record = record;
    Call { spec, inputs: start_live(spec, &record) }
}

#[inline(never)]
fn start_live(spec: &'static SpanSpec, record: &dyn Fn(&mut Inputs)) -> Option<Inputs> {
    // Under an unsampled parent no span starts: W3C's flag is the caller's word on it.
    let records = Context::map_current(|context| {
        let span = context.span();
        let parent = span.span_context();
        tracer::of(context).is_some() && (parent.is_sampled() || !parent.is_valid())
    });
    if !records {
        return None;
    }
    let mut inputs = Inputs {
        buffer: recording::take_buffer(),
        form: if spec.automatic_input { Form::Object } else { Form::None },
        schema: spec.wants_schema().then(|| Box::new(ToolSchema::new())),
    };
    if catch_unwind(AssertUnwindSafe(|| record(&mut inputs))).is_err() {
        recording::tell_not_serialized("its `Serialize` panicked");
        inputs.form = Form::None;
        inputs.schema = None;
    }
    Some(inputs)
}

impl Call {
    /// Records this value as the input.
    #[inline]
    #[must_use]
    pub fn input(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        if let Some(inputs) = &mut self.inputs {
            inputs.value(value);
        }
        self
    }

    /// Takes the body of a synchronous function.
    #[inline]
    #[must_use]
    pub fn call<R, F: FnOnce() -> R>(self, body: F) -> SyncCall<F> {
        SyncCall { call: self, body }
    }

    /// Takes the body of an asynchronous function.
    #[inline]
    #[must_use]
    pub fn run<F: Future>(self, body: F) -> AsyncCall<Self, F> {
        AsyncCall { call: self, body }
    }
}

/// A call that can start its span.
pub trait Begin {
    /// Starts the span; none where the function runs bare.
    #[doc(hidden)]
    fn begin(self) -> Option<ActiveSpan>;
}

impl Begin for Call {
    #[inline]
    fn begin(self) -> Option<ActiveSpan> {
        let inputs = self.inputs?;
        inputs.begin(self.spec)
    }
}

impl Inputs {
    /// Records an argument by its name.
    #[inline]
    pub fn arg<T: ?Sized>(&mut self, argument: Typed<'_, T>) {
        let argument = argument.untyped();
        self.key(argument.name);
        argument.write(&mut self.buffer);
    }

    /// Records a tool's argument by its name, and its schema.
    #[inline]
    pub fn parameter<T: ?Sized>(&mut self, argument: TypedArgument<'_, T>) {
        self.key(argument.argument.name);
        argument.argument.write(&mut self.buffer);
        self.describe(argument);
    }

    /// Records the schema of a tool's argument, and not its value.
    #[inline]
    pub fn describe<T: ?Sized>(&mut self, argument: TypedArgument<'_, T>) {
        if let Some(schema) = &mut self.schema {
            schema.add(argument.argument.name, argument.schema, argument.required);
        }
    }

    /// Records the only argument, as it is.
    #[inline]
    pub fn bare<T: ?Sized>(&mut self, argument: Typed<'_, T>) {
        self.form = Form::Json;
        argument.untyped().write(&mut self.buffer);
    }

    #[inline(never)]
    fn begin(self, spec: &'static SpanSpec) -> Option<ActiveSpan> {
        let input = self.finish(spec);
        Context::map_current(|context| {
            let pipeline = tracer::of(context)?;
            Some(span::start(spec, pipeline, context, input, None))
        })
    }

    #[expect(clippy::inline_always, reason = "with its length known, the name is stored and not copied")]
    #[inline(always)]
    fn key(&mut self, name: &str) {
        self.buffer.extend_from_slice(if self.buffer.is_empty() { b"{\"" } else { b",\"" });
        self.buffer.extend_from_slice(name.as_bytes());
        self.buffer.extend_from_slice(b"\":");
    }

    pub(crate) fn value(&mut self, value: &(impl Serialize + ?Sized)) {
        self.buffer.clear();
        let written = recording::write(&mut self.buffer, value);
        self.form = if written { Form::Json } else { Form::None };
    }

    #[inline]
    pub(crate) fn finish(mut self, spec: &'static SpanSpec) -> Option<Recorded> {
        if let Some(schema) = self.schema {
            // two first calls at once gather the same
            let _ = spec.derived_schema.set(schema.finish(spec.name, spec.description));
        }
        if self.form == Form::None {
            recording::give_back(self.buffer);
            return None;
        }
        if self.form == Form::Object {
            if self.buffer.is_empty() {
                self.buffer.push(b'{');
            }
            self.buffer.push(b'}');
        }
        let text = recording::text_of(self.buffer);
        Some(if self.form == Form::Text { Recorded::Text(text) } else { Recorded::of_json(text) })
    }
}

impl Inputs {
    /// Of a request's body, or of none.
    pub(crate) fn of_request(input: Option<RequestInput<'_>>) -> Self {
        let mut inputs = Self { buffer: recording::take_buffer(), form: Form::None, schema: None };
        match input {
            None => {}
            Some(RequestInput::Value(value)) => inputs.value(value),
            Some(RequestInput::Json(json)) => {
                inputs.buffer.extend_from_slice(json.as_bytes());
                inputs.form = Form::Json;
            }
            Some(RequestInput::Text(text)) => {
                inputs.buffer.extend_from_slice(text.as_bytes());
                inputs.form = Form::Text;
            }
        }
        inputs
    }
}

/// A synchronous call that knows its body.
#[derive(Debug)]
pub struct SyncCall<F> {
    call: Call,
    body: F,
}

impl<R, F: FnOnce() -> R> SyncCall<F> {
    /// Runs the body inside the span and records what `record` takes of its result.
    #[inline]
    pub fn outcome<O>(self, record: impl FnOnce(Outcome<'_, R>) -> O) -> R {
        let Some(mut span) = self.call.begin() else { return (self.body)() };
        let guard = span.attach();
        let result = catch_unwind(AssertUnwindSafe(self.body));
        drop(guard);
        match result {
            Ok(returned) => {
                finish(&mut span, &returned, record);
                returned
            }
            Err(panic) => {
                span.panicked(&*panic);
                resume_unwind(panic)
            }
        }
    }
}

/// An asynchronous call that knows its body.
#[derive(Debug)]
pub struct AsyncCall<C, F> {
    pub(crate) call: C,
    pub(crate) body: F,
}

impl<C: Begin, F: Future> AsyncCall<C, F> {
    /// Polls the body inside the span and records what `record` takes of its result.
    #[inline]
    pub fn outcome<O, G>(self, record: G) -> Instrumented<F, G>
    where
        G: FnOnce(Outcome<'_, F::Output>) -> O,
    {
        Instrumented { body: Some(self.body), span: self.call.begin(), record: Some(record) }
    }
}

pin_project! {
    /// A future that is polled inside its span. Panics are told where they passed and go on; dropped
    /// early, the body is dropped inside the span, which then says that it was cancelled.
    #[must_use = "futures do nothing unless polled"]
    pub struct Instrumented<F, G> {
        #[pin]
        body: Option<F>,
        span: Option<ActiveSpan>,
        record: Option<G>,
    }

    impl<F, G> PinnedDrop for Instrumented<F, G> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(span) = this.span.take() {
                let _guard = span.attach();
                this.body.set(None);
                drop(span);
            }
        }
    }
}

impl<F, G> std::fmt::Debug for Instrumented<F, G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instrumented").field("span", &self.span).finish_non_exhaustive()
    }
}

impl<F: Future, O, G: FnOnce(Outcome<'_, F::Output>) -> O> Future for Instrumented<F, G> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let body = this.body.as_mut().as_pin_mut().expect("polled again after it was ready");
        let Some(span) = this.span else { return body.poll(cx) };
        let guard = span.attach();
        let polled = catch_unwind(AssertUnwindSafe(|| body.poll(cx)));
        if !matches!(polled, Ok(Poll::Pending)) {
            this.body.set(None);
        }
        drop(guard);
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(returned)) => {
                if let Some(record) = this.record.take() {
                    finish(span, &returned, record);
                }
                *this.span = None;
                Poll::Ready(returned)
            }
            Err(panic) => {
                span.panicked(&*panic);
                *this.span = None;
                resume_unwind(panic)
            }
        }
    }
}

/// Records the result and ends the span.
#[inline]
fn finish<R, O>(span: &mut ActiveSpan, returned: &R, record: impl FnOnce(Outcome<'_, R>) -> O) {
    if span.is_recording() {
        record(Outcome::new(returned, span));
    }
    span.end();
}
