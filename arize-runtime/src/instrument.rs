//! The call of an annotated function.
//!
//! It is a chain: [`start`] with its inputs, then `call` (sync) or `run` (async) with its body, then
//! `outcome` with what to record of the result. Where no pipeline is live the chain is the bare body.

use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use pin_project_lite::pin_project;
use serde::Serialize;

use crate::attributes::{Given, RecordableValue};
use crate::inputs::Inputs;
use crate::notice::{self, Notice};
use crate::outcome::Outcome;
use crate::routing::Routing;
use crate::span::{self, ActiveSpan, SpanSpec};
use crate::tracer::{self, Flushing, Pipeline};

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
    record: &dyn Fn(&mut Inputs),
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
        let Some(mut span) = self.call.begin() else {
            return (self.body)();
        };
        let returned = inside(&mut span, self.body);
        observe(&span, &returned, record);
        span.end();
        returned
    }

    /// What the body returned, and the span that it ran in, which is not ended.
    #[inline]
    pub(crate) fn returned(self) -> (R, Option<ActiveSpan>) {
        let mut span = self.call.begin();
        let returned = match &mut span {
            Some(span) => inside(span, self.body),
            None => (self.body)(),
        };
        (returned, span)
    }
}

/// Runs the body of a synchronous function; a panic is told and goes on.
#[inline]
fn inside<R>(span: &mut ActiveSpan, body: impl FnOnce() -> R) -> R {
    match span.run(|| catch_unwind(AssertUnwindSafe(body))) {
        Ok(returned) => returned,
        Err(panic) => {
            span.panicked(&*panic);
            resume_unwind(panic)
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
        Instrumented {
            body: self.begin(),
            record: Some(record),
        }
    }

    #[inline]
    pub(crate) fn begin(self) -> InSpan<F> {
        InSpan {
            body: Some(self.body),
            span: self.call.begin(),
        }
    }
}

pin_project! {
    /// A future that is polled inside its span. Panics are told where they passed and go on; dropped
    /// early, the body is dropped inside the span, which then says that it was cancelled.
    pub(crate) struct InSpan<F> {
        #[pin]
        body: Option<F>,
        span: Option<ActiveSpan>,
    }

    impl<F> PinnedDrop for InSpan<F> {
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

const POLLED_AGAIN: &str = "polled again after it was ready";

impl<F: Future> InSpan<F> {
    /// What the body comes to. The span is not ended, but for a panic.
    #[inline]
    pub(crate) fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let Some(span) = this.span else {
            let body = this.body.as_pin_mut().expect(POLLED_AGAIN);
            return body.poll(cx);
        };
        let polled = span.run(|| {
            let body = this.body.as_mut().as_pin_mut().expect(POLLED_AGAIN);
            let polled = catch_unwind(AssertUnwindSafe(|| body.poll(cx)));
            if !matches!(polled, Ok(Poll::Pending)) {
                this.body.set(None);
            }
            polled
        });
        match polled {
            Ok(polled) => polled,
            Err(panic) => {
                span.panicked(&*panic);
                *this.span = None;
                resume_unwind(panic)
            }
        }
    }

    #[inline]
    pub(crate) fn span(self: Pin<&mut Self>) -> &mut Option<ActiveSpan> {
        self.project().span
    }
}

pin_project! {
    /// The call of an annotated function, polled inside its span.
    #[must_use = "futures do nothing unless polled"]
    pub struct Instrumented<F, G> {
        #[pin]
        body: InSpan<F>,
        record: Option<G>,
    }
}

impl<F, G> std::fmt::Debug for Instrumented<F, G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instrumented")
            .field("span", &self.body.span)
            .finish_non_exhaustive()
    }
}

impl<F: Future, O, G: FnOnce(Outcome<'_, F::Output>) -> O> Future for Instrumented<F, G> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let returned = ready!(this.body.as_mut().poll(cx));
        let ended = this.body.span();
        if let Some(span) = ended {
            if let Some(record) = this.record.take() {
                observe(span, &returned, record);
            }
            ActiveSpan::finish(ended);
        }
        Poll::Ready(returned)
    }
}

/// How long a handler marked `flush` waits for its spans to be sent.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

impl<F: Future, O, G: FnOnce(Outcome<'_, F::Output>) -> O> Instrumented<F, G> {
    /// Waits after the call until its spans are sent, or for two seconds.
    pub async fn flush(self) -> F::Output {
        let traced = self.body.span.is_some();
        let returned = self.await;
        if traced
            && let Some(flushing) = Context::map_current(flushing)
            && let Err(error) = flushing.await
        {
            notice::warn(Notice::Unflushed, || {
                format!("a handler marked `flush` answered before its spans were sent: {error}")
            });
        }
        returned
    }
}

fn flushing(context: &Context) -> Option<Flushing> {
    let flush = tracer::of(context)?.flush.as_ref()?;
    Some(flush(FLUSH_TIMEOUT))
}

/// Records what `record` takes of the result.
#[inline]
pub(crate) fn observe<R, O>(
    span: &ActiveSpan,
    returned: &R,
    record: impl FnOnce(Outcome<'_, R>) -> O,
) {
    if span.is_recording() {
        record(Outcome::new(returned, span));
    }
}
