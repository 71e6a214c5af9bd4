//! A tracer provider and what exports its spans: ours, or a peer's.

use std::time::Duration;

use arize_runtime::{Arize, Protocol, register_with_routing};
use benches::Result;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, SpanExporter,
    SpanProcessor,
};
use tokio::runtime::{Builder, Runtime};

use crate::collector::{Collector, Counts};

/// Spans of a request at most, and how long they wait for others: what ours has, for its peers.
pub(crate) const BATCH: usize = 512;
pub(crate) const DELAY: Duration = Duration::from_secs(1);

/// More than `arize_runtime` reckons for a span of the benches.
const SPAN_BYTES: usize = 2_560;

#[derive(Debug)]
pub(crate) struct Pipeline {
    provider: SdkTracerProvider,
    /// They live as long as the pipeline.
    _arize: Option<Arize>,
    _runtime: Option<Runtime>,
}

impl Pipeline {
    /// `arize_runtime`, with room for a burst of so many spans if that is said.
    pub(crate) fn ours(url: &str, protocol: Protocol, burst: Option<usize>) -> Result<Self> {
        let mut registration = register_with_routing()
            .with_environment(|_| None)
            .endpoint(url)
            .protocol(protocol);
        if let Some(spans) = burst {
            // One space alone may hold seven eighths of the queue.
            let room = 2 * spans;
            registration = registration
                .max_queue_size(room)
                .max_queue_bytes(room * SPAN_BYTES);
        }
        let arize = registration.build()?;
        Ok(Self {
            provider: arize.tracer_provider().clone(),
            _arize: Some(arize),
            _runtime: None,
        })
    }

    /// A peer's processor, with the runtime that drives its connections.
    pub(crate) fn of_peer(
        processor: impl SpanProcessor + 'static,
        runtime: Option<Runtime>,
    ) -> Self {
        let provider = SdkTracerProvider::builder().with_span_processor(processor);
        Self {
            provider: provider.build(),
            _arize: None,
            _runtime: runtime,
        }
    }

    pub(crate) fn tracer(&self) -> SdkTracer {
        self.provider.tracer("agent")
    }

    /// Flushes until `wanted` spans have arrived, or no more do: a flush gives up after 5 seconds.
    pub(crate) fn drain(&self, collector: &mut Collector, wanted: u64) -> Result<Counts> {
        let mut before = None;
        loop {
            let _failed = self.provider.force_flush(); // what arrived is what counts
            let counts = collector.counts()?;
            if counts.spans >= wanted || before == Some(counts.spans) {
                return Ok(counts);
            }
            before = Some(counts.spans);
        }
    }
}

/// The SDK's processor, with room for so many spans if that is said.
pub(crate) fn batch_processor(
    exporter: impl SpanExporter + 'static,
    queue: Option<usize>,
) -> BatchSpanProcessor {
    let mut config = BatchConfigBuilder::default()
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(DELAY);
    if let Some(spans) = queue {
        config = config.with_max_queue_size(spans);
    }
    BatchSpanProcessor::builder(exporter)
        .with_batch_config(config.build())
        .build()
}

/// One thread that drives the connections of a peer.
pub(crate) fn runtime() -> Result<Runtime> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    Ok(runtime?)
}
