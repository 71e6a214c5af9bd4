//! The span processor of a capture: keeps spans where a pipeline would export them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::span::CapturedSpan;
use crate::export::attributes::{add_context, route_of, set_route, settle};

/// All spans in the order in which they started, which times do not tell: a clock may stand still.
#[derive(Debug, Clone, Default)]
pub(super) struct Collector(Arc<Mutex<Vec<CapturedSpan>>>);

impl Collector {
    pub(super) fn all(&self) -> Vec<CapturedSpan> {
        self.with(|spans| spans.clone())
    }

    fn with<T>(&self, f: impl FnOnce(&mut Vec<CapturedSpan>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SpanProcessor for Collector {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        add_context(span, parent, None);
        if let Some(mut data) = span.exported_data() {
            as_exported(&mut data);
            self.with(|spans| spans.push(CapturedSpan { data, ended: false }));
        }
    }

    fn on_end(&self, mut data: SpanData) {
        as_exported(&mut data);
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

/// What the export thread does before it encodes a span.
fn as_exported(span: &mut SpanData) {
    settle(&mut span.attributes);
    let route =
        route_of(&span.attributes).map(|(space, project)| (space.to_owned(), project.to_owned()));
    if let Ok((space_id, project_name)) = route {
        set_route(&mut span.attributes, &space_id, &project_name);
    }
}
