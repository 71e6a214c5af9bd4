//! A span of an annotated function, and its life.

mod hold;
mod spec;

use std::any::Any;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::sync::Arc;

use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, Status, TraceContextExt as _, TraceId, Tracer as _,
};
use opentelemetry::{Context, ContextGuard, KeyValue};

use crate::attributes::Given;
use crate::automatic;
use crate::items::Items;
use crate::masked_keys::MaskedKeys;
use crate::recording::{self, Recorded};
use crate::trace_config::Hidden;
use crate::tracer::{self, Pipeline};
use crate::{scope, semconv};
use hold::Frame;

pub(crate) use hold::{End, Hold, hold};
pub use spec::SpanSpec;

/// What a request adds to its handler's span.
#[derive(Debug, Default)]
pub(crate) struct RequestAttributes {
    /// The experiment that it belongs to: a JSON object, for `metadata`.
    pub(crate) linkage: Option<String>,
    pub(crate) link: Option<SpanContext>,
}

/// Kind, tool name, description and schema, input, metadata, output, the route: each with its type.
const ATTRIBUTES: usize = 12;

/// Starts a span in `parent`, inside the scope that its attribute gives.
// Long, since it lists a span's attributes in one vector whose room is known.
#[expect(
    clippy::inline_always,
    reason = "a frame of its own costs every call twenty instructions"
)]
#[inline(always)]
pub(crate) fn start(
    spec: &'static SpanSpec,
    pipeline: &Pipeline,
    parent: &Context,
    input: Option<Recorded>,
    request: Option<RequestAttributes>,
    mut given: Option<Box<Given>>,
) -> ActiveSpan {
    let scoped = given.as_mut().and_then(|given| given.scoped(parent));
    let parent = scoped.as_ref().unwrap_or(parent);
    let mut attributes = Vec::with_capacity(ATTRIBUTES);
    attributes.push(KeyValue::new(semconv::SPAN_KIND, spec.kind.as_str()));
    if spec.is_tool() {
        attributes.push(KeyValue::new(semconv::TOOL_NAME, spec.name));
        if let Some(description) = spec.description {
            attributes.push(KeyValue::new(semconv::TOOL_DESCRIPTION, description));
        }
        if let Some(schema) = spec.json_schema() {
            attributes.push(KeyValue::new(semconv::TOOL_PARAMETERS, schema));
        }
    }
    if let Some(input) = input {
        let (value, mime_type) = input.into_parts();
        attributes.push(KeyValue::new(semconv::INPUT_VALUE, value));
        if let Some(mime_type) = mime_type {
            attributes.push(KeyValue::new(semconv::INPUT_MIME_TYPE, mime_type));
        }
    }
    let (mut links, mut frame) = (None, Frame::Outside);
    if let Some(request) = request {
        if let Some(linkage) = request.linkage {
            let metadata = scope::under_metadata(parent, linkage);
            let metadata = KeyValue::new(semconv::METADATA, metadata);
            attributes.push(pipeline.trace_config.masked(metadata));
        }
        links = request.link.map(|link| vec![Link::with_context(link)]);
        frame = Frame::Handler(None);
    }
    if let Some(given) = given {
        let keys = pipeline.trace_config.masked_keys.as_deref();
        attributes.extend(given.into_vec(keys));
    }
    let builder = SpanBuilder {
        name: Cow::Borrowed(spec.name),
        attributes: Some(attributes),
        links,
        ..SpanBuilder::default()
    };
    let span = pipeline.tracer.build_with_context(builder, parent);
    let recording = span.is_recording();
    let context = parent.with_span(span);
    #[cfg(feature = "reqwest")]
    let context = crate::model_call::enter(spec.kind, context);
    ActiveSpan {
        context,
        recording,
        hides_outputs: pipeline.trace_config.masking.hides(Hidden::Outputs),
        masked_keys: pipeline.trace_config.masked_keys.clone(),
        failed: Cell::new(false),
        output_settled: Cell::new(false),
        ended: false,
        frame,
        items: None,
    }
}

/// An error may be its own source, so the chain is cut here.
const MOST_CAUSES: usize = 32;

/// A started span in its [`Context`]. Dropped before it ended, it says that the call was cancelled.
#[derive(Debug)]
pub struct ActiveSpan {
    context: Context,
    recording: bool,
    hides_outputs: bool,
    masked_keys: Option<Arc<MaskedKeys>>,
    failed: Cell<bool>,
    output_settled: Cell<bool>,
    ended: bool,
    frame: Frame,
    /// The outputs so far of a function that returns a stream.
    items: Option<Box<RefCell<Items>>>,
}

impl ActiveSpan {
    pub(crate) fn trace_id(&self) -> TraceId {
        self.context.span().span_context().trace_id()
    }

    #[inline]
    pub(crate) fn is_recording(&self) -> bool {
        self.recording
    }

    #[inline]
    pub(crate) fn attach(&self) -> ContextGuard {
        self.context.clone().attach()
    }

    pub(crate) fn context(&self) -> Context {
        self.context.clone()
    }

    /// Runs the function's body, or a part of it, inside the span.
    #[inline]
    pub(crate) fn run<R>(&mut self, body: impl FnOnce() -> R) -> R {
        let _guard = self.attach();
        match &mut self.frame {
            Frame::Handler(held) => hold::run(held, body),
            Frame::Outside => body(),
        }
    }

    /// Records what `serialise` gives, which is not asked for an output that is hidden.
    #[inline]
    pub(crate) fn record_output(&self, serialise: impl FnOnce() -> Option<Recorded>) {
        let output = if self.hides_outputs {
            Some(Recorded::Redacted)
        } else {
            serialise()
        };
        if let Some(output) = output {
            self.output(output);
        }
    }

    #[inline]
    pub(crate) fn output(&self, output: Recorded) {
        if let Some(items) = &self.items {
            items.borrow_mut().push(output);
            return;
        }
        self.settle_output();
        let output = match &self.masked_keys {
            Some(keys) => output.masked(keys, ""),
            None => output,
        };
        let (value, mime_type) = output.into_parts();
        // one by one: `set_attributes` moves the array twice, which costs more than the second lock
        let span = self.context.span();
        span.set_attribute(KeyValue::new(*automatic::OUTPUT_VALUE, value));
        if let Some(mime_type) = mime_type {
            span.set_attribute(KeyValue::new(*automatic::OUTPUT_MIME_TYPE, mime_type));
        }
    }

    /// What the function's attribute says of the output is done, or is nothing.
    #[inline]
    pub(crate) fn settle_output(&self) {
        self.output_settled.set(true);
    }

    /// From now on outputs are the items of a stream.
    pub(crate) fn collect_items(&mut self) {
        let pipeline = tracer::of(&self.context);
        let most = pipeline.map_or(0, |pipeline| pipeline.trace_config.max_value_length);
        let items = Items::new(most);
        self.items = Some(Box::new(RefCell::new(items)));
    }

    /// Records the items so far.
    pub(crate) fn output_items(&mut self) {
        if let Some(output) = self.take_items() {
            self.output(output);
        }
    }

    /// The items so far.
    pub(crate) fn take_items(&mut self) -> Option<Recorded> {
        let items = self.items.take()?;
        items.into_inner().finish()
    }

    /// The span that is current, which somebody else ends, to observe the items of a stream with.
    pub(crate) fn observer(context: &Context) -> Option<Self> {
        let pipeline = tracer::of(context)?;
        let mut observer = Self {
            context: context.clone(),
            recording: context.span().is_recording(),
            hides_outputs: pipeline.trace_config.masking.hides(Hidden::Outputs),
            masked_keys: pipeline.trace_config.masked_keys.clone(),
            failed: Cell::new(false),
            output_settled: Cell::new(false),
            ended: true,
            frame: Frame::Outside,
            items: None,
        };
        observer.collect_items();
        Some(observer)
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.get()
    }

    /// Status `<Type>: <message>` and the event `exception`.
    #[cold]
    pub(crate) fn error(
        &self,
        type_name: &str,
        message: Option<String>,
        cause: Option<&(dyn Error + 'static)>,
    ) {
        let name = short_name(type_name);
        let description = match &message {
            Some(message) => format!("{name}: {message}"),
            None => name.to_owned(),
        };
        let causes = std::iter::successors(cause, |&cause| cause.source()).take(MOST_CAUSES);
        let with_causes = || {
            causes.fold(description.clone(), |trace, cause| {
                trace + &format!("\ncaused by {cause}")
            })
        };
        let stacktrace = recording::guarded(with_causes).unwrap_or_else(|| description.clone());
        let mut attributes = vec![KeyValue::new(semconv::EXCEPTION_TYPE, type_name.to_owned())];
        attributes.extend(message.map(|m| KeyValue::new(semconv::EXCEPTION_MESSAGE, m)));
        attributes.push(KeyValue::new(semconv::EXCEPTION_STACKTRACE, stacktrace));
        let span = self.context.span();
        span.add_event(semconv::EXCEPTION, attributes);
        span.set_status(Status::error(description));
        self.failed.set(true);
    }

    /// The call panicked with this payload.
    #[cold]
    pub(crate) fn panicked(&mut self, payload: &(dyn Any + Send)) {
        self.panic(payload);
        self.end();
    }

    fn panic(&self, payload: &(dyn Any + Send)) {
        let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        self.error("panic", text, None);
    }

    fn cancelled(&self) {
        self.context.span().set_status(Status::error("cancelled"));
        self.failed.set(true);
    }

    /// The handler returned: its span ends now, or with the last stream that holds it.
    #[inline]
    pub(crate) fn finish(ended: &mut Option<Self>) {
        let Some(span) = ended else {
            return;
        };
        match &mut span.frame {
            Frame::Handler(Some(hold)) => hold.clone().keep(ended.take()),
            _ => span.end(),
        }
        *ended = None;
    }

    /// The call returned: the status is OK unless an error was recorded.
    #[inline]
    pub(crate) fn end(&mut self) {
        self.ended = true;
        let span = self.context.span();
        if self.recording && !self.failed.get() {
            span.set_status(Status::Ok);
        }
        span.end();
    }
}

/// The last segment without generics; of a box of any error `Error`.
fn short_name(type_name: &str) -> &str {
    let (path, generics) = type_name.split_once('<').unwrap_or((type_name, ""));
    let name = path.rsplit("::").next().unwrap_or(path);
    match generics.strip_suffix('>') {
        Some(inner) if ["Box", "Rc", "Arc"].contains(&name) => {
            let is_any = inner.starts_with("dyn ");
            if is_any { "Error" } else { short_name(inner) }
        }
        _ => name,
    }
}

impl Drop for ActiveSpan {
    fn drop(&mut self) {
        if !self.ended {
            self.cancelled();
            self.end();
        }
    }
}
