//! Futures that are polled inside a changed Context: routed, in a scope, without tracing.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::TraceContextExt as _;
use pin_project_lite::pin_project;

use crate::routing::Routing;
use crate::scope::{self, Scope};
use crate::tracer;

type Change = Box<dyn FnOnce(&Context) -> Context + Send>;

pin_project! {
    /// A future that is polled inside a changed [`Context`], from [`RoutingFutureExt`] or [`ScopeFutureExt`].
    ///
    /// It is the Context in which the future is first polled that is changed, so these add up in any order:
    /// `future.with_scope(scope).with_routing(routing)`. Where nothing is current then, as in a task of
    /// `tokio::spawn`, it is the Context in which this was made.
    #[must_use = "futures do nothing unless polled"]
    pub struct Within<F> {
        #[pin]
        future: F,
        context: Context,
        // None once it is in the Context
        change: Option<Change>,
    }
}

impl<F> Within<F> {
    pub(crate) fn new(
        future: F,
        change: impl FnOnce(&Context) -> Context + Send + 'static,
    ) -> Self {
        Self {
            future,
            context: Context::current(),
            change: Some(Box::new(change)),
        }
    }
}

impl<F> fmt::Debug for Within<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Within").finish_non_exhaustive()
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(change) = this.change.take() {
            let current = Context::current();
            *this.context = change(if says_something(&current) {
                &current
            } else {
                this.context
            });
        }
        let _guard = this.context.clone().attach();
        this.future.poll(cx)
    }
}

/// Whether anything that concerns us is in the Context.
fn says_something(context: &Context) -> bool {
    context.has_active_span()
        || context.is_telemetry_suppressed()
        || Routing::of(context).is_some()
        || !scope::attributes_of(context).is_empty()
        || tracer::is_carried(context)
        || !context.baggage().is_empty()
}

/// [`set_routing_context`](crate::set_routing_context) for futures.
pub trait RoutingFutureExt: Future + Sized {
    /// Polls this future with every span that starts in it routed to the space and project of
    /// `routing`.
    ///
    /// ```
    /// use arize_runtime::{Routing, RoutingFutureExt};
    /// # async fn agent() {}
    /// # async fn f() -> Result<(), arize_runtime::RoutingError> {
    /// agent().with_routing(Routing::new("space", "project")?).await;
    /// # Ok(())
    /// # }
    /// ```
    fn with_routing(self, routing: Routing) -> Within<Self> {
        Within::new(self, |context| context.with_value(routing))
    }
}

impl<F: Future> RoutingFutureExt for F {}

/// [`Scope`] and [`suppress_tracing`](crate::suppress_tracing) for futures.
pub trait ScopeFutureExt: Future + Sized {
    /// Polls this future inside the scope.
    fn with_scope(self, scope: Scope) -> Within<Self> {
        Within::new(self, |context| scope.put_into(context))
    }

    /// Polls this future without tracing: no span starts in it, annotated or not, and nothing is serialised.
    ///
    /// ```
    /// use arize_runtime::ScopeFutureExt;
    /// # async fn health_check() {}
    /// # async fn f() {
    /// health_check().without_tracing().await;
    /// # }
    /// ```
    fn without_tracing(self) -> Within<Self> {
        Within::new(self, Context::with_telemetry_suppressed)
    }
}

impl<F: Future> ScopeFutureExt for F {}
