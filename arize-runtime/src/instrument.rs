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
use crate::arguments::{Argument, ToolSchema, Typed, TypedArgument};
use crate::notice::{self, Notice};
use crate::outcome::Outcome;
use crate::propagation::{self, RequestBaggage};
use crate::recording::{self, Recorded};
use crate::request::{HeaderSource, RequestBody, RequestInput};
use crate::resolve::{resolve, Named};
use crate::semconv;
use crate::span::{self, ActiveSpan, CallAttributes, SpanSpec};
use crate::tracer;

/// A call of an annotated function, before its body runs.
pub struct Call {
    spec: &'static SpanSpec,
    /// None where nothing is to be recorded: no live pipeline, or an unsampled parent.
    inputs: Option<Inputs>,
    attributes: CallAttributes,
    parent: Parent,
}

/// The arguments as they come in.
struct Inputs {
    /// `{"a":1,"b":2` so far.
    object: Vec<u8>,
    schema: Option<Box<ToolSchema>>,
}

/// Where the span starts.
enum Parent {
    /// Nowhere: the function runs bare.
    None,
    /// In the Context that is current when the body runs.
    Current,
    /// In the Context that a handler made of its request.
    Request(Context),
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// Begins the call of a function other than a handler.
#[inline]
#[must_use]
pub fn start(spec: &'static SpanSpec) -> Call {
    if tracer::is_live() { start_live(spec) } else { Call::new(spec, Parent::None) }
}

fn start_live(spec: &'static SpanSpec) -> Call {
    // Under an unsampled parent no span starts: W3C's flag is the caller's word on it.
    let records = Context::map_current(|context| {
        let span = context.span();
        let parent = span.span_context();
        tracer::of(context).is_some() && (parent.is_sampled() || !parent.is_valid())
    });
    if !records {
        return Call::new(spec, Parent::None);
    }
    let mut call = Call::new(spec, Parent::Current);
    let schema = spec.wants_schema().then(|| Box::new(ToolSchema::new()));
    call.inputs = Some(Inputs { object: recording::take_buffer(), schema });
    call
}

impl Call {
    #[inline]
    fn new(spec: &'static SpanSpec, parent: Parent) -> Self {
        Self { spec, inputs: None, attributes: CallAttributes::default(), parent }
    }

    /// Records an argument by its name.
    #[inline]
    #[must_use]
    pub fn arg<T: ?Sized>(mut self, argument: Typed<'_, T>) -> Self {
        if let Some(inputs) = &mut self.inputs {
            inputs.write(&argument.untyped());
        }
        self
    }

    /// Records a tool's argument by its name, and its schema.
    #[inline]
    #[must_use]
    pub fn parameter<T: ?Sized>(mut self, argument: TypedArgument<'_, T>) -> Self {
        if let Some(inputs) = &mut self.inputs {
            inputs.write(&argument.argument);
            inputs.describe(&argument);
        }
        self
    }

    /// Records the schema of a tool's argument, and not its value.
    #[inline]
    #[must_use]
    pub fn describe<T: ?Sized>(mut self, argument: TypedArgument<'_, T>) -> Self {
        if let Some(inputs) = &mut self.inputs {
            inputs.describe(&argument);
        }
        self
    }

    /// Records the only argument, as it is.
    #[inline]
    #[must_use]
    pub fn bare<T: ?Sized>(mut self, argument: Typed<'_, T>) -> Self {
        if let Some(inputs) = &mut self.inputs {
            argument.untyped().write(&mut inputs.object);
            let json = std::mem::take(&mut inputs.object);
            self.attributes.input = Some(Recorded::of_json(json));
        }
        self
    }

    /// Records this value as the input.
    #[inline]
    #[must_use]
    pub fn input(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        if self.inputs.is_some() {
            self.attributes.input = Recorded::of(value);
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
    pub fn run<F: Future>(self, body: F) -> AsyncCall<F> {
        AsyncCall { call: self, body }
    }

    /// Starts the span; none where the function runs bare.
    fn begin(self) -> Option<ActiveSpan> {
        let Self { spec, inputs, mut attributes, parent } = self;
        if let Some(inputs) = inputs {
            let arguments = matches!(parent, Parent::Current) && spec.automatic_input;
            inputs.finish(spec, arguments, &mut attributes);
        }
        let start = |context: &Context| {
            let pipeline = tracer::of(context)?;
            Some(span::start(spec, pipeline, context, attributes))
        };
        match parent {
            Parent::None => None,
            Parent::Current => Context::map_current(start),
            Parent::Request(context) => start(&context),
        }
        .map(ActiveSpan::new)
    }
}

impl Inputs {
    fn write<T: ?Sized>(&mut self, argument: &Argument<'_, T>) {
        let before = if self.object.is_empty() { b"{\"" } else { b",\"" };
        self.object.extend_from_slice(before);
        self.object.extend_from_slice(argument.name.as_bytes());
        self.object.extend_from_slice(b"\":");
        argument.write(&mut self.object);
    }

    #[inline]
    fn describe<T: ?Sized>(&mut self, argument: &TypedArgument<'_, T>) {
        if let Some(schema) = &mut self.schema {
            schema.add(argument.argument.name, argument.schema, argument.required);
        }
    }

    fn finish(mut self, spec: &'static SpanSpec, arguments: bool, attributes: &mut CallAttributes) {
        if arguments && attributes.input.is_none() {
            let end: &[u8] = if self.object.is_empty() { b"{}" } else { b"}" };
            self.object.extend_from_slice(end);
            attributes.input = Some(Recorded::Json(recording::text_of(self.object)));
        }
        if let Some(schema) = self.schema {
            // two first calls at once gather the same
            let _ = spec.derived_schema.set(schema.finish(spec.name, spec.description));
        }
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
pub struct AsyncCall<F> {
    call: Call,
    body: F,
}

impl<F: Future> AsyncCall<F> {
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

/// Records the result and ends the span. What panics in a user's `Serialize`, `Display` or
/// `output = ..` is not the agent's failure.
fn finish<R, O>(span: &mut ActiveSpan, returned: &R, record: impl FnOnce(Outcome<'_, R>) -> O) {
    if span.is_recording() {
        let recorded = catch_unwind(AssertUnwindSafe(|| {
            record(Outcome::new(returned, span));
        }));
        if recorded.is_err() {
            recording::tell_not_serialized("the code that describes it panicked");
        }
    }
    span.end();
}

/// Begins the call of a handler: its span is a child of the request's remote parent and nobody else's,
/// and every span inside is routed to the request's space and project.
#[inline]
#[must_use]
pub fn handle(
    spec: &'static SpanSpec,
    headers: &(impl HeaderSource + ?Sized),
    body: RequestBody<'_>,
) -> Call {
    if tracer::is_live() {
        handle_live(spec, &headers, body).unwrap_or_else(|| Call::new(spec, Parent::None))
    } else {
        Call::new(spec, Parent::None)
    }
}

fn handle_live(
    spec: &'static SpanSpec,
    headers: &dyn HeaderSource,
    body: RequestBody<'_>,
) -> Option<Call> {
    let ambient = Context::current();
    let pipeline = tracer::of(&ambient)?;
    let parent = propagation::parent(headers);
    let records = parent.as_ref().is_none_or(SpanContext::is_sampled);
    if !records {
        pipeline.counters.unsampled_request();
        notice::warn(Notice::Unsampled, || {
            "a request came with an unsampled parent (traceparent flags 00), so nothing of it is exported; \
             sample the calling side if its spans are wanted"
                .to_owned()
        });
    }
    let baggage = RequestBaggage::read(headers);
    // From an empty Context: an ambient local span (a server's middleware) is linked, never the parent.
    let mut context = tracer::carry_override(&ambient, Context::new());
    context = propagation::with_parent(baggage.put_into(context), parent);
    let mut call = Call::new(spec, Parent::None);
    let routing = body.read(|metadata, input| {
        if records {
            call.attributes.input = input.filter(|_| spec.automatic_input).and_then(RequestInput::record);
            call.attributes.metadata = linkage(metadata, headers);
        }
        let from_metadata =
            Named { space_id: metadata.space_id, project_name: metadata.project_name };
        let from_baggage = baggage.routing();
        let from_baggage = Named {
            space_id: from_baggage.space_id.as_deref(),
            project_name: from_baggage.project_name.as_deref(),
        };
        resolve(&from_metadata, &from_baggage, &pipeline.defaults, spec.project_name)
    });
    match routing {
        Ok(routing) => context = context.with_value(routing),
        Err(unresolved) => notice::warn(Notice::RoutingIncomplete, || {
            format!("the spans of `{}` are dropped: {unresolved}", spec.name)
        }),
    }
    let ambient_span = ambient.span().span_context().clone();
    call.attributes.link = Some(ambient_span).filter(|link| records && link.is_valid());
    call.inputs = records.then(|| Inputs { object: Vec::new(), schema: None });
    call.parent = Parent::Request(context);
    Some(call)
}

impl RequestInput<'_> {
    fn record(self) -> Option<Recorded> {
        match self {
            Self::Value(value) => Recorded::of(value),
            Self::Json(json) => Some(Recorded::of_json(json.as_bytes().to_vec())),
            Self::Text(text) => Some(Recorded::Text(text.to_owned())),
            Self::WithoutMetadata(fields) => {
                let mut fields = fields.clone();
                fields.remove("arize_metadata");
                Recorded::of(&fields)
            }
        }
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
    let experiment = header(semconv::EXPERIMENT_ID_HEADER);
    let run = header(semconv::EXPERIMENT_RUN_ID_HEADER);
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
