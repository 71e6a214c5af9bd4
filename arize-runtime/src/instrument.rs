//! The call of an annotated function.
//!
//! It is a chain: [`start`] with its inputs, then `call` (sync) or `run` (async) with its body, then
//! `outcome` with what to record of the result. Where no pipeline is live the chain is the bare body.

mod blocking;
mod polled;

use std::future::Future;
use std::panic::Location;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use serde::Serialize;

use crate::attributes::{Given, RecordableValue};
use crate::inputs::{Arguments, Inputs};
use crate::notice::{self, Notice};
use crate::outcome::Outcome;
use crate::routing::Routing;
use crate::span::{self, ActiveSpan, SpanSpec};
use crate::tracer::{self, Pipeline};

pub(crate) use blocking::SyncCall;
pub(crate) use polled::{AsyncCall, Instrumented};

/// A call of an annotated function, before its body runs. Small, since every link of the chain moves it.
pub struct Call {
    spec: &'static SpanSpec,
    /// None where the function runs bare. Boxed, since every link of the chain moves them.
    inputs: Option<Box<Inputs>>,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

/// [`start`] of a function none of whose arguments is recorded.
#[inline]
#[must_use]
#[track_caller]
pub fn start_without(spec: &'static SpanSpec) -> Call {
    start(spec, |_| ())
}

/// Begins the call of a function other than a handler. `record` is called where its arguments are to
/// be recorded.
#[inline]
#[must_use]
#[track_caller]
pub fn start(spec: &'static SpanSpec, record: impl Fn(&mut Inputs)) -> Call {
    if !tracer::is_live() {
        return Call { spec, inputs: None };
    }
    // moved so that a bare call need not lay it out
    let record = record;
    Call {
        spec,
        inputs: start_live(spec, &record, Location::caller()),
    }
}

/// `place` is the attribute's, a constant of the call.
#[inline(never)]
fn start_live(
    spec: &'static SpanSpec,
    record: &dyn Arguments,
    place: &'static Location<'static>,
) -> Option<Box<Inputs>> {
    let mut lost = false;
    let inputs = Context::map_current(|context| {
        let Some(pipeline) = tracer::of(context) else {
            unstarted(context);
            return None;
        };
        let inputs = || Inputs::of_call(spec, &pipeline.trace_config);
        let span = context.span();
        let parent = span.span_context();
        if !parent.is_valid() {
            lost = is_lost(spec, pipeline, context);
            return Some(inputs());
        }
        // Under an unsampled parent no span starts: W3C's flag is the caller's word on it.
        parent.is_sampled().then(inputs)
    });
    if lost {
        // told out here, since a `tracing` subscriber may attach a Context of its own
        notice::warn(Notice::NoParent, || no_parent(spec, place));
    }
    inputs.map(|inputs| inputs.recorded(record))
}

/// Counts a call that comes after the shutdown.
#[cold]
fn unstarted(context: &Context) {
    if let Some(pipeline) = tracer::shut_down(context) {
        pipeline.untraced.unstarted_call();
    }
}

/// Whether a call without a parent has lost the Context of a handler.
#[cold]
fn is_lost(spec: &SpanSpec, pipeline: &Pipeline, context: &Context) -> bool {
    // a test captures what it calls, handlers or tools alone
    let sends = pipeline.flush.is_some();
    // where everything has one route, only a tool does not begin a trace
    let misplaced = pipeline.defaults.fixed.is_none() || spec.is_tool();
    sends && misplaced && tracer::was_handler_called() && Routing::of(context).is_none()
}

#[cold]
fn no_parent(spec: &SpanSpec, place: &Location<'_>) -> String {
    format!(
        "`{}` ({}:{}) was called outside the Context of a handler, so its span is in no request's tree; \
         spawn tasks with `arize_runtime::spawn(future)` (or `spawn_blocking`, `spawn_thread`, \
         `JoinSetExt`), elsewhere write `set_routing_context(routing, || ..)` or \
         `future.with_routing(routing)`",
        spec.name,
        place.file(),
        place.line()
    )
}

impl Call {
    /// Records this value as the input.
    #[inline]
    #[must_use]
    pub fn input(self, value: &(impl RecordableValue + ?Sized)) -> Self {
        self.generic_input(value)
    }

    /// Records this value, whose type may be a type parameter's, as the input.
    #[inline]
    #[must_use]
    pub fn generic_input(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        if let Some(inputs) = &mut self.inputs {
            inputs.value(value);
        }
        self
    }

    /// Records what the attribute says of the span itself.
    #[inline]
    #[must_use]
    pub fn attributes(mut self, say: impl FnOnce(&mut Given)) -> Self {
        if let Some(inputs) = &mut self.inputs {
            inputs.attributes = Some(Box::new(Given::by(say)));
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

    /// Takes the body of a function that returns a future, and runs it: the future is what is traced.
    #[inline]
    #[must_use]
    pub fn future<F: Future>(self, body: impl FnOnce() -> F) -> AsyncCall<Self, F> {
        self.run(body())
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
        self.inputs.and_then(|inputs| begin(self.spec, inputs))
    }
}

#[inline(never)]
fn begin(spec: &'static SpanSpec, mut inputs: Box<Inputs>) -> Option<ActiveSpan> {
    let given = inputs.attributes.take();
    let input = inputs.finish(spec);
    Context::map_current(|context| {
        let pipeline = tracer::of(context)?;
        Some(span::start(spec, pipeline, context, input, None, given))
    })
}

/// What is recorded of a result. Behind it the code that runs a body is compiled for each return type, and not for
/// each function; and of these types the compiler has less to prove than of closures.
pub trait Observe<R> {
    /// Records it, once.
    #[doc(hidden)]
    fn observe(&mut self, outcome: Outcome<'_, R>);
}

/// A closure that captures nothing.
type Record<R> = fn(Outcome<'_, R>);

/// What captures nothing.
#[derive(Debug)]
pub struct Plain<R>(Record<R>);

/// What may capture.
#[derive(Debug)]
pub struct Capturing<G>(Option<G>);

impl<G> Capturing<G> {
    #[inline]
    pub(crate) fn new(record: G) -> Self {
        Self(Some(record))
    }
}

impl<R> Observe<R> for Plain<R> {
    fn observe(&mut self, outcome: Outcome<'_, R>) {
        (self.0)(outcome);
    }
}

impl<R, O, G: FnOnce(Outcome<'_, R>) -> O> Observe<R> for Capturing<G> {
    fn observe(&mut self, outcome: Outcome<'_, R>) {
        if let Some(record) = self.0.take() {
            record(outcome);
        }
    }
}
