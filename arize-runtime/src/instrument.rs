//! Extract, attach, route, start: the order that Arize's documented pitfalls are about, written once.
//!
//! An annotated function is a chain: [`start`] or [`handle`], its inputs, then `call` (sync) or `run`
//! (async) with its body, then `outcome` with what to record of the result. Where no pipeline is live
//! the chain is the bare body.

use std::future::Future;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry::Context;
use pin_project_lite::pin_project;
use serde::Serialize;
use serde_json::Value;

use crate::agent_request::Metadata;
use crate::arguments::{ToolSchema, Typed, TypedArgument};
use crate::notice::{self, Notice};
use crate::outcome::Outcome;
use crate::propagation::{self, RequestBaggage};
use crate::recording::{self, Recorded};
use crate::request::{HeaderSource, RequestBody, RequestInput};
use crate::resolve::{resolve, Named};
use crate::routing::{valid_project_name, valid_space_id};
use crate::semconv;
use crate::span::{self, ActiveSpan, RequestAttributes, SpanSpec};
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
    Call { spec, inputs: if tracer::is_live() { start_live(spec, &record) } else { None } }
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
        self.buffer.reserve(name.len() + 4);
        self.buffer.push(if self.buffer.is_empty() { b'{' } else { b',' });
        self.buffer.push(b'"');
        self.buffer.extend_from_slice(name.as_bytes());
        self.buffer.extend_from_slice(b"\":");
    }

    fn value(&mut self, value: &(impl Serialize + ?Sized)) {
        self.buffer.clear();
        let written = recording::write(&mut self.buffer, value);
        self.form = if written { Form::Json } else { Form::None };
    }

    #[inline]
    fn finish(mut self, spec: &'static SpanSpec) -> Option<Recorded> {
        if let Some(schema) = self.schema {
            // two first calls at once gather the same
            let _ = spec.derived_schema.set(schema.finish(spec.name, spec.description));
        }
        Some(match self.form {
            Form::None => {
                recording::give_back(self.buffer);
                return None;
            }
            Form::Object => {
                let end: &[u8] = if self.buffer.is_empty() { b"{}" } else { b"}" };
                self.buffer.extend_from_slice(end);
                Recorded::Json(recording::text_of(self.buffer))
            }
            Form::Json => Recorded::of_json(self.buffer),
            Form::Text => Recorded::Text(recording::text_of(self.buffer)),
        })
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
    call: C,
    body: F,
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

/// The call of a handler, before its body runs.
pub struct HandlerCall {
    spec: &'static SpanSpec,
    /// None where the handler runs bare.
    request: Option<Request>,
}

/// What a handler's span starts from.
struct Request {
    context: Context,
    /// None under an unsampled parent: nothing is recorded.
    inputs: Option<Inputs>,
    attributes: RequestAttributes,
}

impl std::fmt::Debug for HandlerCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HandlerCall").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl HandlerCall {
    /// Records this value as the input.
    #[inline]
    #[must_use]
    pub fn input(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        if let Some(Request { inputs: Some(inputs), .. }) = &mut self.request {
            inputs.value(value);
        }
        self
    }

    /// Takes the body of the handler.
    #[inline]
    #[must_use]
    pub fn run<F: Future>(self, body: F) -> AsyncCall<Self, F> {
        AsyncCall { call: self, body }
    }
}

impl Begin for HandlerCall {
    fn begin(self) -> Option<ActiveSpan> {
        let Request { context, inputs, attributes } = self.request?;
        let input = inputs.and_then(|inputs| inputs.finish(self.spec));
        let pipeline = tracer::of(&context)?;
        Some(span::start(self.spec, pipeline, &context, input, Some(attributes)))
    }
}

/// Begins the call of a handler: its span is a child of the request's remote parent and nobody else's,
/// and every span inside is routed to the request's space and project.
#[inline]
#[must_use]
pub fn handle(
    spec: &'static SpanSpec,
    headers: &impl HeaderSource,
    body: RequestBody<'_>,
) -> HandlerCall {
    let request = if tracer::is_live() { read_request(spec, headers, body) } else { None };
    HandlerCall { spec, request }
}

fn read_request(
    spec: &'static SpanSpec,
    headers: &dyn HeaderSource,
    body: RequestBody<'_>,
) -> Option<Request> {
    let ambient = Context::current();
    let pipeline = tracer::of(&ambient)?;
    let parent = propagation::parent(headers);
    let records = parent.as_ref().is_none_or(SpanContext::is_sampled);
    if !records {
        pipeline.counters.unsampled_request();
        notice::warn(Notice::Unsampled, || UNSAMPLED.to_owned());
    }
    let baggage = RequestBaggage::read(headers);
    // From an empty Context: an ambient local span (a server's middleware) is linked, never the parent.
    let context = tracer::carry_override(&ambient, Context::new());
    let context = propagation::with_parent(baggage.put_into(context), parent);
    let link = ambient.span().span_context().clone();
    let mut attributes =
        RequestAttributes { metadata: None, link: Some(link).filter(SpanContext::is_valid) };
    let mut inputs = None;
    let routing = body.read(|metadata, input| {
        if records {
            inputs = Some(Inputs::of_request(input.filter(|_| spec.automatic_input)));
            attributes.metadata = linkage(metadata, headers);
        }
        let from_baggage = baggage.routing();
        let from_baggage = Named {
            space_id: from_baggage.space_id.as_deref().and_then(|s| valid_space_id(s).ok()),
            project_name: from_baggage.project_name.as_deref().and_then(|s| valid_project_name(s).ok()),
        };
        let from_metadata =
            Named { space_id: metadata.space_id, project_name: metadata.project_name };
        resolve(&from_metadata, &from_baggage, &pipeline.defaults, spec.project_name)
    });
    let context = match routing {
        Ok(routing) => context.with_value(routing),
        Err(unresolved) => {
            notice::warn(Notice::RoutingIncomplete, || {
                format!("the spans of `{}` are dropped: {unresolved}", spec.name)
            });
            context
        }
    };
    Some(Request { context, inputs, attributes })
}

const UNSAMPLED: &str = "a request came with an unsampled parent (traceparent flags 00), so nothing of it \
                         is exported; sample the calling side if its spans are wanted";

impl Inputs {
    fn of_request(input: Option<RequestInput<'_>>) -> Self {
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

/// The experiment that the span belongs to, as the JSON attribute `metadata`; the body wins over the
/// headers.
fn linkage(metadata: &Metadata<'_>, headers: &dyn HeaderSource) -> Option<String> {
    let header = |name| {
        let mut value = None;
        headers.each_line(name, &mut |line| {
            let line = std::str::from_utf8(line).map(str::trim).unwrap_or_default();
            value = Some(line.to_owned()).filter(|line| !line.is_empty());
        });
        value
    };
    let experiment = header(&semconv::EXPERIMENT_ID_HEADER);
    let run = header(&semconv::EXPERIMENT_RUN_ID_HEADER);
    let fields = [
        ("dataset_id", metadata.dataset_id),
        ("example_id", metadata.example_id),
        ("experiment_id", metadata.experiment_id.or(experiment.as_deref())),
        ("run_id", metadata.run_id.or(run.as_deref())),
    ];
    let mut json = String::new();
    for (name, value) in fields {
        if let Some(value) = value {
            let separator = if json.is_empty() { '{' } else { ',' };
            json += &format!("{separator}\"{name}\":{}", Value::from(value));
        }
    }
    (!json.is_empty()).then(|| json + "}")
}
