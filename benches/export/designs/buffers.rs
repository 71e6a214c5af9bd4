//! Design e: one thread that keeps a buffer for each space, and no safeguards: no retries, no
//! deadlines, no counts. It shows what the transport alone costs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use benches::Result;
use futures_util::StreamExt as _;
use futures_util::stream;
use opentelemetry::Context;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use tokio::runtime::{Builder, Runtime};
use tonic::transport::{Channel, Endpoint};

use super::{CONCURRENT, headers, space_of};
use crate::pipeline::{BATCH, DELAY};

/// What OpenTelemetry gives a `force_flush`.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug)]
enum Message {
    Span(Box<SpanData>),
    Flush(SyncSender<()>),
}

#[derive(Debug)]
pub(super) struct Buffers(SyncSender<Message>);

impl Buffers {
    pub(super) fn start(url: &str, queue: usize) -> Result<Self> {
        let endpoint = Endpoint::from_shared(url.to_owned())?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (sender, receiver) = sync_channel(queue);
        thread::Builder::new()
            .name("buffers".to_owned())
            .spawn(move || {
                let client =
                    runtime.block_on(async { TraceServiceClient::new(endpoint.connect_lazy()) });
                let worker = Worker {
                    client,
                    runtime,
                    resource: ResourceAttributesWithSchema::default(),
                    spaces: HashMap::new(),
                };
                worker.run(&receiver);
            })?;
        Ok(Self(sender))
    }
}

impl SpanProcessor for Buffers {
    fn on_start(&self, _span: &mut Span, _parent: &Context) {}

    fn on_end(&self, span: SpanData) {
        let _full = self.0.try_send(Message::Span(Box::new(span)));
    }

    fn force_flush(&self) -> OTelSdkResult {
        let (done, wait) = sync_channel(1);
        let _ended = self.0.send(Message::Flush(done));
        let _late = wait.recv_timeout(FLUSH_TIMEOUT);
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.force_flush()
    }
}

struct Worker {
    client: TraceServiceClient<Channel>,
    runtime: Runtime,
    resource: ResourceAttributesWithSchema,
    spaces: HashMap<Arc<str>, Vec<SpanData>>,
}

impl Worker {
    fn run(mut self, messages: &Receiver<Message>) {
        let mut flushed = Instant::now();
        loop {
            let message = messages.recv_timeout(DELAY.saturating_sub(flushed.elapsed()));
            match message {
                Ok(Message::Span(span)) => self.add(*span),
                Ok(Message::Flush(done)) => {
                    self.send_all();
                    flushed = Instant::now();
                    let _gone = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.send_all();
                    flushed = Instant::now();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn add(&mut self, span: SpanData) {
        let space_id = space_of(&span);
        let spans = self.spaces.entry(space_id.clone()).or_default();
        spans.push(span);
        if spans.len() >= BATCH {
            let spans = std::mem::take(spans);
            let request = send(self.client.clone(), &self.resource, &space_id, spans);
            self.runtime.block_on(request);
        }
    }

    fn send_all(&mut self) {
        let Self {
            client,
            runtime,
            resource,
            spaces,
        } = self;
        let requests = spaces
            .drain()
            .filter(|(_, spans)| !spans.is_empty())
            .map(|(space_id, spans)| send(client.clone(), resource, &space_id, spans));
        let answers = stream::iter(requests).buffer_unordered(CONCURRENT);
        runtime.block_on(answers.collect::<()>());
    }
}

/// Where it fails, the collector counts less.
fn send(
    mut client: TraceServiceClient<Channel>,
    resource: &ResourceAttributesWithSchema,
    space_id: &str,
    spans: Vec<SpanData>,
) -> impl Future<Output = ()> + use<> {
    let resource_spans = group_spans_by_resource_and_scope(spans, resource);
    let mut request = tonic::Request::new(ExportTraceServiceRequest { resource_spans });
    *request.metadata_mut() = headers(space_id);
    async move {
        let _failed = client.export(request).await;
    }
}
