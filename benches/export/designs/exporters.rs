//! Design b: one queue for all; the exporter sorts each batch by space.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use benches::Result;
use futures_util::StreamExt as _;
use futures_util::stream;
use opentelemetry_otlp::{SpanExporter as Otlp, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::Handle;
use tonic::transport::{Channel, Endpoint};

use super::{CONCURRENT, headers, space_of};

#[derive(Debug)]
pub(super) struct Exporters {
    channel: Channel,
    resource: Resource,
    spaces: Mutex<HashMap<Arc<str>, Arc<Otlp>>>,
}

impl Exporters {
    pub(super) fn new(url: &str, runtime: &Handle) -> Result<Self> {
        let _channels_need_it = runtime.enter();
        Ok(Self {
            channel: Endpoint::from_shared(url.to_owned())?.connect_lazy(),
            resource: Resource::builder_empty().build(),
            spaces: Mutex::default(),
        })
    }

    fn exporter(&self, space_id: &Arc<str>) -> Arc<Otlp> {
        let mut spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || {
            let mut exporter = Otlp::builder()
                .with_tonic()
                .with_channel(self.channel.clone())
                .with_metadata(headers(space_id))
                .build()
                .expect("it has its channel");
            exporter.set_resource(&self.resource);
            Arc::new(exporter)
        };
        spaces.entry(space_id.clone()).or_insert_with(open).clone()
    }
}

impl SpanExporter for Exporters {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut spaces: HashMap<Arc<str>, Vec<SpanData>> = HashMap::new();
        for span in batch {
            spaces.entry(space_of(&span)).or_default().push(span);
        }
        let requests = spaces.into_iter().map(|(space_id, spans)| {
            let exporter = self.exporter(&space_id);
            async move { exporter.export(spans).await }
        });
        let answers: Vec<OTelSdkResult> = stream::iter(requests)
            .buffer_unordered(CONCURRENT)
            .collect()
            .await;
        answers.into_iter().collect()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.clone();
    }
}
