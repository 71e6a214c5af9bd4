//! A pipeline in a tracer provider, ours or the user's.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use opentelemetry_sdk::trace::SdkTracerProvider;

use super::child::ChildExporter;
use super::{Arize, tracer_of};
use crate::error::InstallError;
use crate::export::Exporter;
use crate::resolve::Defaults;
use crate::trace_config::TraceConfig;
use crate::trace_routes::TraceRoutes;
use crate::tracer::Pipeline;

/// A pipeline whose processor waits to be put into a tracer provider, from
/// [`into_processor`](crate::Registration::into_processor).
#[derive(Debug)]
#[must_use = "annotated functions trace nothing before `install` or `with_provider`"]
pub struct AwaitingProvider {
    pub(super) exporter: Exporter,
    pub(super) defaults: Defaults,
    pub(super) trace_config: TraceConfig,
    pub(super) trace_routes: Arc<TraceRoutes>,
    pub(super) child: ChildExporter,
}

impl AwaitingProvider {
    /// Makes annotated functions of the whole process start their spans with this provider, to which
    /// the processor was added. Nothing else that is global is changed: neither OpenTelemetry's
    /// provider nor its propagator.
    ///
    /// # Errors
    /// A pipeline is installed already.
    pub fn install(self, provider: &SdkTracerProvider) -> Result<Arize, InstallError> {
        let arize = self.with_provider(provider);
        arize.install()?;
        Ok(arize)
    }

    /// Makes the handle without anything global: annotated functions find the pipeline in
    /// [`Arize::context`].
    pub fn with_provider(self, provider: &SdkTracerProvider) -> Arize {
        Arize {
            pipeline: Pipeline::open(
                tracer_of(provider),
                self.defaults,
                self.trace_config,
                self.trace_routes,
                Some(self.exporter.flusher()),
                Some(Box::new(move |routing| self.child.variables(routing))),
            ),
            exporter: self.exporter,
            summed_up: AtomicBool::new(false),
            provider: provider.clone(),
        }
    }
}
