//! The one span processor: puts the route onto spans as they start, and judges it when they end.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::allowed::AllowedSpaces;
use super::attributes::{NoRoute, add_context, route_of};
use super::excluded::ExcludedSpans;
use super::flush::{Answer, Flush};
use super::handle;
use super::inbox::Inbox;
use super::weight::weight;
use crate::automatic;
use crate::masked_keys::MaskedKeys;
use crate::notice::{Notice, warn, was_told};
use crate::routing::Routing;
use crate::semconv::{PROJECT_NAME, SPACE_ID};
use crate::stats::Loss;
use crate::trace_routes::TraceRoutes;

/// The instrumentation scope of annotated functions.
pub(crate) const SCOPE: &str = env!("CARGO_PKG_NAME");

/// What OpenTelemetry gives a `force_flush` without a timeout.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// Which spans go where, and what their resource gets besides.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) allowed: AllowedSpaces,
    pub(crate) excluded: ExcludedSpans,
    /// The routes of traces, which the pipeline's handlers tell.
    pub(crate) trace_routes: Arc<TraceRoutes>,
    /// The one route of everything.
    pub(crate) fixed: Option<Routing>,
    /// Applied to what a scope gives a span as it starts.
    pub(crate) masked_keys: Option<Arc<MaskedKeys>>,
    /// Whether the provider is the user's: then spans without a route are nothing to warn of.
    pub(crate) shared_provider: bool,
    pub(crate) resource_attributes: Vec<KeyValue>,
}

/// The span processor that gives spans their route and hands them to the export thread, from
/// [`into_processor`](crate::Registration::into_processor). It is for one provider.
// It knows no tracer and no provider, which own it.
#[derive(Debug)]
pub struct RoutingSpanProcessor {
    pub(super) inbox: Arc<Inbox>,
    pub(super) filter: Filter,
    pub(super) resource: Arc<OnceLock<Resource>>,
}

impl SpanProcessor for RoutingSpanProcessor {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        let Filter {
            masked_keys,
            trace_routes,
            excluded,
            ..
        } = &self.filter;
        add_context(span, parent, trace_routes, masked_keys.as_deref());
        excluded.started(span);
    }

    fn on_end(&self, mut span: SpanData) {
        if self.filter.excluded.ended(&mut span) {
            return self.inbox.exclude();
        }
        if let Some(fixed) = &self.filter.fixed {
            fix_route(&mut span, fixed);
        }
        match route_of(&span.attributes) {
            Ok((space_id, _)) if !self.filter.allowed.allows(space_id) => {
                warn(Notice::Denied, || denied(space_id));
                self.inbox.turn_away(Loss::Denied, Some(space_id));
            }
            Ok((space_id, _)) => match self.inbox.place(space_id, weight(&span)) {
                Ok(place) => place.put(span),
                Err(loss) => refused(loss, space_id, &self.inbox),
            },
            Err(missing) => self.unrouted(&span, missing),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        sdk_result(self.flush(FLUSH_TIMEOUT, false))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        sdk_result(self.flush(timeout, true))
    }

    fn set_resource(&mut self, resource: &Resource) {
        // A provider does this once, while it is built; a second provider cannot own this processor.
        let _first = self
            .resource
            .set(with_attributes(resource, &self.filter.resource_attributes));
    }
}

impl RoutingSpanProcessor {
    fn unrouted(&self, span: &SpanData, missing: NoRoute) {
        if span.dropped_attributes_count > 0 {
            warn(Notice::AttributeLimit, || attribute_limit(&span.name));
            return self.inbox.turn_away(Loss::AttributeLimit, None);
        }
        let theirs = self.filter.shared_provider && span.instrumentation_scope.name() != SCOPE;
        // a handler that found no route, or a call that lost its Context, has told the better reason
        let told = was_told(Notice::RoutingIncomplete) || was_told(Notice::NoParent);
        if !theirs && !told {
            warn(Notice::Unrouted, || unrouted(&span.name, missing));
        }
        self.inbox.turn_away(Loss::Unrouted, None);
    }

    fn flush(&self, timeout: Duration, close: bool) -> Answer {
        let (flush, answer) = Flush::new(timeout, close, self.inbox.losses());
        match self.inbox.flush(flush) {
            // A panic drops the provider, as it drops the handle: it is not held up.
            Ok(()) if close && std::thread::panicking() => Ok(()),
            Ok(()) => handle::wait(answer, timeout, &self.inbox),
            Err(gate) => handle::after_the_end(gate, timeout, &self.inbox),
        }
    }
}

/// Leaves the span no other route, whoever set one.
pub(crate) fn fix_route(span: &mut SpanData, fixed: &Routing) {
    let names_route = |kv: &KeyValue| matches!(kv.key.as_str(), SPACE_ID | PROJECT_NAME);
    span.attributes.retain(|kv| !names_route(kv));
    let (space_id, project_name) = fixed.shared();
    span.attributes
        .push(KeyValue::new(*automatic::SPACE_ID, space_id));
    span.attributes
        .push(KeyValue::new(*automatic::PROJECT_NAME, project_name));
}

fn with_attributes(resource: &Resource, attributes: &[KeyValue]) -> Resource {
    let kept = resource
        .iter()
        .map(|(k, v)| KeyValue::new(k.clone(), v.clone()));
    let builder = match resource.schema_url() {
        Some(url) => Resource::builder_empty().with_schema_url(kept, url.to_owned()),
        None => Resource::builder_empty().with_attributes(kept),
    };
    builder.with_attributes(attributes.iter().cloned()).build()
}

fn sdk_result(answer: Answer) -> OTelSdkResult {
    match answer {
        Ok(()) => Ok(()),
        Err(error) if error.pending > 0 => Err(OTelSdkError::Timeout(error.timeout)),
        Err(error) => Err(OTelSdkError::InternalFailure(error.to_string())),
    }
}

#[cold]
fn denied(space_id: &str) -> String {
    format!(
        "a span of space `{space_id}` was dropped, since that space is not allowed; if it should be, name it \
         in `.allow_spaces(..)` or let `.allow_spaces_if(..)` allow it"
    )
}

#[cold]
fn unrouted(name: &str, missing: NoRoute) -> String {
    let key = missing.key;
    format!(
        "the span `{name}` was dropped, since it has no valid `{key}`: it started outside the Context of \
         a handler; spawn tasks with `arize_runtime::spawn(future)` (or `spawn_blocking`, `spawn_thread`, \
         `JoinSetExt`), elsewhere write `set_routing_context(routing, || ..)` or \
         `future.with_routing(routing)`"
    )
}

#[cold]
fn attribute_limit(name: &str) -> String {
    format!(
        "the span `{name}` was dropped, since it has no route left and more attributes than its tracer \
         provider keeps; raise `.with_max_attributes_per_span(..)` of the provider"
    )
}

#[cold]
fn refused(loss: Loss, space_id: &str, inbox: &Inbox) {
    match loss {
        Loss::QueueFull => warn(Notice::QueueFull, || {
            format!(
                "a span of space `{space_id}` was dropped, since the queue, or this space's share of it, is \
                 full ({}); the collector is slow or away, or raise the limit that is reached",
                inbox.fill()
            )
        }),
        Loss::TooLarge => warn(Notice::TooLarge, || {
            format!(
                "a span of space `{space_id}` was dropped, since it alone is larger than the queue; record \
                 less of it (`skip`, `skip_output`, `output = ..`), or raise `.max_queue_bytes(..)`"
            )
        }),
        Loss::Late => warn(Notice::Late, || {
            "a span ended after the shutdown and was dropped; shut down after the last request"
                .to_owned()
        }),
        _ => warn(Notice::ExportFailed, || {
            "a span was dropped, since the export thread has ended; please report its panic"
                .to_owned()
        }),
    }
}
