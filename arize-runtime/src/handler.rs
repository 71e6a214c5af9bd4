//! Extract, attach, route, start: the order that Arize's documented pitfalls are about, written once.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use serde::Serialize;
use serde_json::Value;

use crate::agent_request::Metadata;
use crate::attributes::{Given, RecordableValue};
use crate::extract::fresh;
use crate::inputs::Inputs;
use crate::instrument::{AsyncCall, Begin};
use crate::notice::{self, Notice};
use crate::propagation::{self, RequestBaggage};
use crate::request::{HeaderSource, RequestBody};
use crate::resolve::{Defaults, Named, resolve};
use crate::routing::Routing;
use crate::semconv;
use crate::span::{self, ActiveSpan, RequestAttributes, SpanSpec};
use crate::tracer;

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
    inputs: Option<Box<Inputs>>,
    attributes: RequestAttributes,
}

impl std::fmt::Debug for HandlerCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HandlerCall")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

impl HandlerCall {
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
        if let Some(Request {
            inputs: Some(inputs),
            ..
        }) = &mut self.request
        {
            inputs.value(value);
        }
        self
    }

    /// Records what the attribute says of the span itself.
    #[inline]
    #[must_use]
    pub fn attributes(mut self, say: impl FnOnce(&mut Given)) -> Self {
        if let Some(Request {
            inputs: Some(inputs),
            ..
        }) = &mut self.request
        {
            inputs.attributes = Some(Box::new(Given::by(say)));
        }
        self
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

impl Begin for HandlerCall {
    fn begin(self) -> Option<ActiveSpan> {
        let Request {
            context,
            mut inputs,
            attributes,
        } = self.request?;
        let given = inputs.as_mut().and_then(|inputs| inputs.attributes.take());
        let input = inputs.and_then(|inputs| inputs.finish(self.spec));
        let pipeline = tracer::of(&context)?;
        let span = span::start(
            self.spec,
            pipeline,
            &context,
            input,
            Some(attributes),
            given,
        );
        if !context.has_active_span()
            && pipeline.defaults.fixed.is_none()
            && let Some(routing) = Routing::of(&context)
        {
            pipeline.trace_routes.insert(span.trace_id(), Some(routing));
        }
        Some(span)
    }
}

/// Begins the call of a handler: its span is a child of the request's remote parent and nobody else's,
/// and every span inside is routed to the request's space and project.
pub(crate) fn handle(
    spec: &'static SpanSpec,
    headers: &dyn HeaderSource,
    body: RequestBody<'_>,
) -> HandlerCall {
    let request = if tracer::is_live() {
        read_request(spec, headers, body)
    } else {
        None
    };
    HandlerCall { spec, request }
}

/// Counts and tells of a request that comes after the shutdown.
#[cold]
fn unstarted(spec: &SpanSpec, context: &Context) {
    let Some(pipeline) = tracer::shut_down(context) else {
        return;
    };
    pipeline.untraced.unstarted_call();
    notice::warn(Notice::Late, || {
        format!(
            "`{}` was called after the pipeline was shut down and traces nothing; keep the handle of \
             `install()` until the last request (`let arize = ..`, not `let _ = ..`)",
            spec.name
        )
    });
}

fn read_request(
    spec: &'static SpanSpec,
    headers: &dyn HeaderSource,
    body: RequestBody<'_>,
) -> Option<Request> {
    let ambient = Context::current();
    let Some(pipeline) = tracer::of(&ambient) else {
        unstarted(spec, &ambient);
        return None;
    };
    tracer::handler_called();
    let parent = propagation::parent(headers);
    let records = parent.as_ref().is_none_or(SpanContext::is_sampled);
    let mut baggage = RequestBaggage::read(headers);
    let context = fresh(&ambient, parent, &mut baggage);
    if !records {
        pipeline.untraced.unsampled_request();
        notice::warn(Notice::Unsampled, || UNSAMPLED.to_owned());
        let attributes = RequestAttributes::default();
        return Some(Request {
            context,
            inputs: None,
            attributes,
        });
    }
    let link = Some(ambient.span().span_context())
        .filter(|link| link.is_valid())
        .cloned();
    let mut attributes = RequestAttributes {
        linkage: None,
        link,
    };
    let mut inputs = None;
    let routing = body.read(|metadata, input| {
        let input = input.filter(|_| spec.automatic_input);
        inputs = Some(Inputs::of_request(&pipeline.trace_config, input));
        attributes.linkage = linkage(metadata, headers);
        routing(spec, metadata, &baggage, &pipeline.defaults)
    });
    // before the span starts, which must not take the route of another request of its trace
    if context.has_active_span() && pipeline.defaults.fixed.is_none() {
        let trace_id = context.span().span_context().trace_id();
        pipeline.trace_routes.insert(trace_id, routing.as_ref());
    }
    let context = match routing {
        Some(routing) => context.with_value(routing),
        None => context,
    };
    Some(Request {
        context,
        inputs,
        attributes,
    })
}

/// Where the spans of the request go; told if nowhere.
fn routing(
    spec: &SpanSpec,
    metadata: &Metadata<'_>,
    baggage: &RequestBaggage,
    defaults: &Defaults,
) -> Option<Routing> {
    let no_field = metadata.no_field;
    let metadata = Named {
        space_id: metadata.space_id,
        project_name: metadata.project_name,
    };
    let baggage = baggage.valid_routing();
    if let Some(fixed) = &defaults.fixed
        && let Some(named) = metadata.space_id.or(baggage.space_id)
        && named != fixed.space_id()
    {
        notice::warn(Notice::OtherSpace, || other_space(named, fixed.space_id()));
    }
    match resolve(&metadata, &baggage, defaults, spec.project_name) {
        Ok(routing) => Some(routing),
        Err(unresolved) => {
            notice::warn(Notice::RoutingIncomplete, || {
                let hint = if no_field { NO_FIELD } else { "" };
                format!(
                    "the spans of `{}` are dropped: {unresolved}{hint}",
                    spec.name
                )
            });
            None
        }
    }
}

const NO_FIELD: &str = "; the body's type has no field `arize_metadata`, so that of the request is lost: take \
                        `AgentRequest<T>` or add it";

#[cold]
fn other_space(named: &str, fixed: &str) -> String {
    format!(
        "a request names the space `{named}`, but `register` sends everything to `{fixed}`; call \
         `register_with_routing` instead if experiments are to find their spans"
    )
}

const UNSAMPLED: &str = "a request came with an unsampled parent (traceparent flags 00), so nothing of it \
                         is exported; sample the calling side if its spans are wanted";

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
        (
            "experiment_id",
            metadata.experiment_id.or(experiment.as_deref()),
        ),
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
