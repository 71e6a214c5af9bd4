//! Extract, attach, route, start: the order that Arize's documented pitfalls are about, written once.

use bytes::Bytes;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use serde::Serialize;
use serde_json::Value;

use crate::agent_request::{AgentRequest, Metadata};
use crate::attributes::Given;
use crate::inputs::Inputs;
use crate::instrument::{AsyncCall, Begin};
use crate::levels::levels;
use crate::notice::{self, Notice};
use crate::propagation::{self, RequestBaggage};
use crate::recording;
use crate::request::{HeaderSource, RequestBody};
use crate::resolve::{Defaults, Named, resolve};
use crate::routing::{Routing, valid_project_name, valid_space_id};
use crate::scope;
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
    pub fn input(mut self, value: &(impl Serialize + ?Sized)) -> Self {
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

    /// Takes the body of the handler.
    #[inline]
    #[must_use]
    pub fn run<F: Future>(self, body: F) -> AsyncCall<Self, F> {
        AsyncCall { call: self, body }
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
        Some(span::start(
            self.spec,
            pipeline,
            &context,
            input,
            Some(attributes),
            given,
        ))
    }
}

/// Begins the call of a handler: its span is a child of the request's remote parent and nobody else's,
/// and every span inside is routed to the request's space and project.
fn handle(
    spec: &'static SpanSpec,
    headers: &dyn HeaderSource,
    body: RequestBody<'_>,
) -> HandlerCall {
    let request = if tracer::is_live() {
        read_request(spec, headers, body)
    } else {
        if tracer::was_shut_down() {
            notice::warn(Notice::Late, || {
                format!(
                    "`{}` was called after the pipeline was shut down and traces nothing; keep the handle \
                     of `install()` until the last request (`let arize = ..`, not `let _ = ..`)",
                    spec.name
                )
            });
        }
        None
    };
    HandlerCall { spec, request }
}

fn read_request(
    spec: &'static SpanSpec,
    headers: &dyn HeaderSource,
    body: RequestBody<'_>,
) -> Option<Request> {
    let ambient = Context::current();
    let pipeline = tracer::of(&ambient)?;
    tracer::handler_called();
    let parent = propagation::parent(headers);
    let records = parent.as_ref().is_none_or(SpanContext::is_sampled);
    let mut baggage = RequestBaggage::read(headers);
    // From an empty Context: an ambient local span (a server's middleware) is linked, never the parent.
    let context = tracer::carry_override(&ambient, scope::carry(&ambient, Context::new()));
    let context = propagation::with_parent(baggage.put_into(context), parent);
    if !records {
        pipeline.counters.unsampled_request();
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
        metadata: None,
        link,
    };
    let mut inputs = None;
    let routing = body.read(|metadata, input| {
        inputs = Some(Inputs::of_request(input.filter(|_| spec.automatic_input)));
        let linkage = linkage(metadata, headers);
        attributes.metadata = linkage.map(|json| merged(json, scope::metadata_of(&ambient)));
        routing(spec, metadata, &baggage, &pipeline.defaults)
    });
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
    let metadata = Named {
        space_id: metadata.space_id,
        project_name: metadata.project_name,
    };
    let Named {
        space_id,
        project_name,
    } = &baggage.routing;
    let baggage = Named {
        space_id: space_id.as_deref().and_then(|id| valid_space_id(id).ok()),
        project_name: project_name
            .as_deref()
            .and_then(|name| valid_project_name(name).ok()),
    };
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
                format!("the spans of `{}` are dropped: {unresolved}", spec.name)
            });
            None
        }
    }
}

#[cold]
fn other_space(named: &str, fixed: &str) -> String {
    format!(
        "a request names the space `{named}`, but `register` sends everything to `{fixed}`; call \
         `register_with_routing` instead if experiments are to find their spans"
    )
}

/// The linkage under the user's own metadata, whose keys win.
fn merged(linkage: String, own: Option<&str>) -> String {
    let both = own.and_then(|own| recording::merged(&linkage, own));
    both.unwrap_or(linkage)
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

/// For `body = none`: the route comes from the baggage header.
#[derive(Debug)]
pub struct NoBody;

impl NoBody {
    /// Begins the call.
    #[inline]
    #[must_use]
    pub fn handle(&self, spec: &'static SpanSpec, headers: &dyn HeaderSource) -> HandlerCall {
        handle(spec, headers, RequestBody::Absent)
    }
}

levels! {
    /// A body in a form of its own?
    BodyArgument => SerializeLevel<'a, T>;
    /// Serialises?
    SerializeLevel => LastLevel<'a, T>;
}

/// Neither.
#[derive(Debug)]
pub struct LastLevel<'a, T: ?Sized>(&'a T);

/// `body(&request).handle(&SPAN, &headers)` begins the call of a handler; it asks the type of the body how
/// it is read.
#[must_use]
pub fn body<T: ?Sized>(argument: &T) -> BodyArgument<'_, T> {
    BodyArgument(SerializeLevel(LastLevel(argument)))
}

macro_rules! body_forms {
    ($([$($generic:ident)?] $type:ty => |$body:ident| $form:expr;)+) => {$(
        impl<'a $(, $generic)?> BodyArgument<'a, $type> {
            /// Begins the call.
            #[inline]
            #[must_use]
            pub fn handle(&self, spec: &'static SpanSpec, headers: &dyn HeaderSource) -> HandlerCall {
                let $body = self.0.0.0;
                handle(spec, headers, $form)
            }
        }
    )+};
}

body_forms! {
    [] Value => |body| RequestBody::Value(body);
    [] &'a Value => |body| RequestBody::Value(body);
    [] Bytes => |body| RequestBody::Text(body);
    [] &'a Bytes => |body| RequestBody::Text(body);
    [] String => |body| RequestBody::Text(body.as_bytes());
    [] &'a String => |body| RequestBody::Text(body.as_bytes());
    [] str => |body| RequestBody::Text(body.as_bytes());
    [] &'a str => |body| RequestBody::Text(body.as_bytes());
    [] Vec<u8> => |body| RequestBody::Text(body);
    [] &'a Vec<u8> => |body| RequestBody::Text(body);
    [] [u8] => |body| RequestBody::Text(body);
    [] &'a [u8] => |body| RequestBody::Text(body);
    [I] AgentRequest<I> => |body| RequestBody::Text(body.as_json().as_bytes());
    [I] &'a AgentRequest<I> => |body| RequestBody::Text(body.as_json().as_bytes());
}

impl<T: Serialize> SerializeLevel<'_, T> {
    /// Begins the call.
    #[inline]
    #[must_use]
    pub fn handle(&self, spec: &'static SpanSpec, headers: &dyn HeaderSource) -> HandlerCall {
        handle(spec, headers, RequestBody::Typed(self.0.0))
    }
}

impl<T: ?Sized> LastLevel<'_, T> {
    /// Refused by the compiler.
    #[expect(
        clippy::unused_self,
        reason = "the levels of a method have one form of call"
    )]
    #[must_use]
    pub fn handle(&self, spec: &'static SpanSpec, headers: &dyn HeaderSource) -> HandlerCall
    where
        T: ReadableBody,
    {
        NoBody.handle(spec, headers)
    }
}

/// Implemented by nothing: it carries the error for a body that cannot be read.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read as the body of an experiment's request",
    label = "not `serde::Serialize`",
    note = "take `AgentRequest<T>`, which keeps the JSON so that `T` needs only `Deserialize`; or derive \
            `serde::Serialize` and add a field `arize_metadata: ArizeMetadata`; or write `body = none`, and \
            the route comes from the baggage header alone"
)]
pub trait ReadableBody {}
