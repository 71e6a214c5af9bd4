//! The tracer in use: the one that the current [`Context`] carries, else the installed one.
//!
//! This file knows the SDK's concrete tracer on purpose: behind the API's boxed tracer every span
//! costs one more allocation.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::trace::SdkTracer;

use crate::error::FlushError;
use crate::resolve::Defaults;
use crate::routing::Routing;
use crate::stats::Untraced;
use crate::trace_config::TraceConfig;
use crate::trace_routes::TraceRoutes;

/// How many pipelines there are that a call could find. Asked first by every annotated function: at
/// zero it is bare. One that was shut down is among them, so that calls which come too late are counted.
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// Whether a [`Context`] ever carried a pipeline: where none did, which is production, none is looked for.
static OVERRIDDEN: AtomicBool = AtomicBool::new(false);

/// Whether a handler was ever called: where none was, spans without a parent may be what is wanted.
static HANDLER_CALLED: AtomicBool = AtomicBool::new(false);

static INSTALLED: OnceLock<Arc<Pipeline>> = OnceLock::new();

/// Sends everything that has ended, in the time given.
pub(crate) type Flush = Box<dyn Fn(Duration) -> Flushing + Send + Sync>;
/// The variables that make a child process export to the same place, in this route.
pub(crate) type ExporterVariables =
    Box<dyn Fn(&Routing) -> Vec<(&'static str, String)> + Send + Sync>;
pub(crate) type Flushing = Pin<Box<dyn Future<Output = Result<(), FlushError>> + Send>>;

/// Where spans start, and what a request needs to know of the registration.
pub(crate) struct Pipeline {
    pub(crate) tracer: SdkTracer,
    pub(crate) defaults: Defaults,
    pub(crate) trace_config: TraceConfig,
    pub(crate) untraced: Untraced,
    pub(crate) trace_routes: Arc<TraceRoutes>,
    /// None where nothing is sent.
    pub(crate) flush: Option<Flush>,
    /// None where nothing is sent.
    pub(crate) exporter_variables: Option<ExporterVariables>,
    closed: AtomicBool,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    pub(crate) fn open(
        tracer: SdkTracer,
        defaults: Defaults,
        trace_config: TraceConfig,
        trace_routes: Arc<TraceRoutes>,
        flush: Option<Flush>,
        exporter_variables: Option<ExporterVariables>,
    ) -> Arc<Self> {
        LIVE.fetch_add(1, Relaxed);
        Arc::new(Self {
            tracer,
            defaults,
            trace_config,
            untraced: Untraced::default(),
            trace_routes,
            flush,
            exporter_variables,
            closed: AtomicBool::new(false),
        })
    }

    /// From now on annotated functions start no span here.
    pub(crate) fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    /// Makes this the pipeline of every [`Context`] that carries none; false if there is one already.
    pub(crate) fn install(self: &Arc<Self>) -> bool {
        INSTALLED.set(self.clone()).is_ok()
    }

    /// `context` with this pipeline in the place of the installed one.
    pub(crate) fn put_into(self: &Arc<Self>, context: &Context) -> Context {
        OVERRIDDEN.store(true, Relaxed);
        context.with_value(Override(self.clone()))
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Relaxed);
    }
}

#[derive(Clone)]
struct Override(Arc<Pipeline>);

#[inline]
pub(crate) fn is_live() -> bool {
    LIVE.load(Relaxed) != 0
}

/// From now on the process has a handler.
pub(crate) fn handler_called() {
    // written once: every annotated call reads what lies beside it
    if !HANDLER_CALLED.load(Relaxed) {
        HANDLER_CALLED.store(true, Relaxed);
    }
}

pub(crate) fn was_handler_called() -> bool {
    HANDLER_CALLED.load(Relaxed)
}

/// The pipeline that takes the spans which start in `context`.
#[inline]
pub(crate) fn of(context: &Context) -> Option<&Pipeline> {
    if context.is_telemetry_suppressed() {
        return None;
    }
    let pipeline = found(context)?;
    (!pipeline.closed.load(Relaxed)).then_some(pipeline)
}

#[inline]
fn found(context: &Context) -> Option<&Pipeline> {
    match carried(context) {
        Some(Override(pipeline)) => Some(pipeline),
        None => INSTALLED.get().map(|pipeline| &**pipeline),
    }
}

/// The pipeline of the calls in `context`, if they come after its shutdown.
#[cold]
pub(crate) fn shut_down(context: &Context) -> Option<&Pipeline> {
    let pipeline = found(context)?;
    pipeline.closed.load(Relaxed).then_some(pipeline)
}

/// Whether `context` has a pipeline of its own.
pub(crate) fn is_carried(context: &Context) -> bool {
    carried(context).is_some()
}

#[inline]
fn carried(context: &Context) -> Option<&Override> {
    if OVERRIDDEN.load(Relaxed) {
        looked_up(context)
    } else {
        None
    }
}

/// Out of the way of spans that start where no pipeline is carried.
#[cold]
fn looked_up(context: &Context) -> Option<&Override> {
    context.get()
}

/// `fresh` with the override of `context`, if it has one.
pub(crate) fn carry_override(context: &Context, fresh: Context) -> Context {
    match carried(context) {
        Some(pipeline) => fresh.with_value(pipeline.clone()),
        None => fresh,
    }
}
