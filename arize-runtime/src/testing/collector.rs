//! The span processor of a capture: keeps spans where a pipeline would export them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::span::CapturedSpan;
use crate::export::attributes::{add_context, route_of, set_route, settle};
use crate::export::{ExcludedSpans, fix_route, gen_ai, masking};
use crate::routing::Routing;
use crate::trace_config::TraceConfig;
use crate::trace_routes::TraceRoutes;

/// All spans in the order in which they started, which times do not tell: a clock may stand still.
#[derive(Debug, Clone)]
pub(super) struct Collector {
    spans: Arc<Mutex<Vec<CapturedSpan>>>,
    config: TraceConfig,
    /// The one route of everything, whatever requests name.
    fixed: Option<Routing>,
    trace_routes: Arc<TraceRoutes>,
    excluded: Arc<ExcludedSpans>,
}

impl Collector {
    pub(super) fn new(
        config: TraceConfig,
        fixed: Option<Routing>,
        trace_routes: Arc<TraceRoutes>,
        excluded: ExcludedSpans,
    ) -> Self {
        Self {
            spans: Arc::default(),
            config,
            fixed,
            trace_routes,
            excluded: Arc::new(excluded),
        }
    }

    pub(super) fn all(&self) -> Vec<CapturedSpan> {
        self.with(|spans| spans.clone())
    }

    /// What the pipeline does to a span before it encodes it.
    fn as_exported(&self, span: &mut SpanData) {
        if let Some(fixed) = &self.fixed {
            fix_route(span, fixed);
        }
        settle(&mut span.attributes);
        gen_ai::translate(&mut span.attributes);
        let own = |(space, project): (&str, &str)| (space.to_owned(), project.to_owned());
        if let Ok((space_id, project_name)) = route_of(&span.attributes).map(own) {
            set_route(&mut span.attributes, &space_id, &project_name);
        }
        masking::apply(&self.config, span);
    }

    fn with<T>(&self, f: impl FnOnce(&mut Vec<CapturedSpan>) -> T) -> T {
        f(&mut self.spans.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SpanProcessor for Collector {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        add_context(
            span,
            parent,
            &self.trace_routes,
            self.config.masked_keys.as_deref(),
        );
        self.excluded.started(span);
        if let Some(mut data) = span.exported_data()
            && !self.excluded.has(&mut data)
        {
            self.as_exported(&mut data);
            self.with(|spans| spans.push(CapturedSpan { data, ended: false }));
        }
    }

    fn on_end(&self, mut data: SpanData) {
        if self.excluded.ended(&mut data) {
            return;
        }
        self.as_exported(&mut data);
        let context = data.span_context.clone();
        self.with(|spans| {
            let same = |span: &&mut CapturedSpan| span.data.span_context == context;
            if let Some(span) = spans.iter_mut().rev().find(same) {
                *span = CapturedSpan { data, ended: true };
            }
        });
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
