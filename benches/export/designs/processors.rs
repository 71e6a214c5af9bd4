//! Design a: everything once for each space.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Span, SpanData, SpanProcessor};
use tokio::runtime::Handle;

use super::{headers, space_of};
use crate::pipeline::batch_processor;

type Spaces = HashMap<Arc<str>, Arc<BatchSpanProcessor>>;

#[derive(Debug)]
pub(super) struct Processors {
    url: String,
    runtime: Handle,
    spaces: Mutex<Spaces>,
}

impl Processors {
    pub(super) fn new(url: &str, runtime: Handle) -> Self {
        Self {
            url: url.to_owned(),
            runtime,
            spaces: Mutex::default(),
        }
    }

    fn spaces(&self) -> MutexGuard<'_, Spaces> {
        self.spaces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// With the SDK's own queue: one for each space that held the whole burst would be no queue that
    /// anybody has.
    fn open(&self, space_id: &str) -> Arc<BatchSpanProcessor> {
        let _channels_need_it = self.runtime.enter();
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(&self.url)
            .with_metadata(headers(space_id))
            .build()
            .expect("the collector's URL is one");
        Arc::new(batch_processor(exporter, None))
    }

    fn all(&self) -> Vec<Arc<BatchSpanProcessor>> {
        self.spaces().values().cloned().collect()
    }
}

impl SpanProcessor for Processors {
    fn on_start(&self, _span: &mut Span, _parent: &Context) {}

    fn on_end(&self, span: SpanData) {
        let space_id = space_of(&span);
        let processor = self
            .spaces()
            .entry(space_id.clone())
            .or_insert_with(|| self.open(&space_id))
            .clone();
        processor.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.all().iter().try_for_each(|space| space.force_flush())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let shutdown = |space: &Arc<BatchSpanProcessor>| space.shutdown_with_timeout(timeout);
        self.all().iter().try_for_each(shutdown)
    }
}
