//! What the headers of a request say, as a Context: for entries that no attribute stands on.

use opentelemetry::Context;
use opentelemetry::trace::SpanContext;

use crate::propagation::{self, RequestBaggage};
use crate::request::HeaderSource;
use crate::resolve::{Defaults, Named, resolve};
use crate::scope;
use crate::tracer;

/// The Context that a request brings: its remote parent, its baggage, and the route that the baggage or else the
/// registration's environment names.
///
/// [`experiment_handler`](macro@crate::experiment_handler) does this and more. Where it cannot stand (a message
/// queue, a web framework that hides its handlers), start the span in this Context, or poll the work inside it. The body's
/// `arize_metadata` is not seen here: what it says goes on top, with
/// [`set_routing_context`](crate::set_routing_context()) or
/// [`with_routing`](crate::RoutingFutureExt::with_routing).
///
/// Nothing of the current Context becomes the parent; scopes and a test's pipeline stay. `traceparent` and
/// `tracestate` are read as W3C Trace Context wants it and `baggage` as W3C Baggage does, of all header lines: what is
/// malformed is absent, and no header is an error.
///
/// ```
/// use arize_runtime::{Routing, RoutingFutureExt, extract, tool};
/// use opentelemetry::context::FutureExt;
/// use opentelemetry::trace::TraceContextExt;
///
/// #[tool]
/// async fn search_flights(to: &str) -> usize {
///     to.len()
/// }
///
/// async fn on_message(headers: &[(&str, &str)], to: &str) -> usize {
///     search_flights(to).with_context(extract(headers)).await // under the sender's span, in its space
/// }
///
/// let headers = [
///     ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
///     ("baggage", "arize.space_id=U3BhY2U6MTIz,arize.project_name=trips"),
/// ];
/// let context = extract(headers.as_slice());
/// assert!(context.span().span_context().is_remote());
/// assert_eq!(Routing::of(&context), Some(&Routing::new("U3BhY2U6MTIz", "trips")?));
/// # Ok::<(), arize_runtime::RoutingError>(())
/// ```
#[must_use = "a Context does nothing until it is attached"]
pub fn extract<H: HeaderSource + ?Sized>(headers: &H) -> Context {
    let ambient = Context::current();
    let mut baggage = RequestBaggage::read(headers);
    let none = Defaults::default();
    let defaults = tracer::of(&ambient).map_or(&none, |pipeline| &pipeline.defaults);
    let routing = resolve(&Named::default(), &baggage.valid_routing(), defaults, None);
    let context = fresh(&ambient, propagation::parent(headers), &mut baggage);
    match routing {
        Ok(routing) => context.with_value(routing),
        Err(_) => context,
    }
}

/// From an empty Context: an ambient local span (a server's middleware) is never the parent.
pub(crate) fn fresh(
    ambient: &Context,
    parent: Option<SpanContext>,
    baggage: &mut RequestBaggage,
) -> Context {
    let context = tracer::carry_override(ambient, scope::carry(ambient, Context::new()));
    propagation::with_parent(baggage.put_into(context), parent)
}
