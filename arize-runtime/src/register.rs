//! Registration: what code and environment say becomes a pipeline.

mod endpoint;
mod handle;
mod settings;
mod signal;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, Key, KeyValue, Value, global};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::SdkTracerProvider;

use crate::error::InstallError;
use crate::export::{Exporter, RoutingProcessor};
use crate::stats::Counters;
use crate::tracer::Pipeline;

pub use endpoint::Endpoint;
pub use handle::Arize;
pub use signal::shutdown_signal;

/// The SDK drops the newest attributes beyond its limit of 128, which would be ours if a builder
/// came with that many.
const MAX_ATTRIBUTES: u32 = 1024;

type Environment = Box<dyn Fn(&str) -> Option<String> + Send>;

/// Starts a registration that routes every span to the space and project of its request.
///
/// What is not given in code is read from the environment, once, when the pipeline is made:
///
/// | variable | stands for |
/// |---|---|
/// | `ARIZE_API_KEY` | [`api_key`](RegisterWithRouting::api_key) |
/// | `ARIZE_COLLECTOR_ENDPOINT`, else `ARIZE_OTLP_ENDPOINT` | [`endpoint`](RegisterWithRouting::endpoint) |
/// | `ARIZE_SPACE_ID` | goes before [`default_space_id`](RegisterWithRouting::default_space_id) |
/// | `ARIZE_PROJECT_NAME` | goes before [`default_project_name`](RegisterWithRouting::default_project_name) |
/// | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | the resource, as in every OpenTelemetry program |
///
/// A blank variable counts as absent. `OTEL_EXPORTER_OTLP_*` is not read: headers from there could
/// send spans to another space.
///
/// ```no_run
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// let arize = arize_runtime::register_with_routing().install()?;
/// // ... serve ...
/// arize.shutdown(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
pub fn register_with_routing() -> RegisterWithRouting {
    RegisterWithRouting {
        api_key: None,
        endpoint: None,
        headers: Vec::new(),
        default_space_id: None,
        default_project_name: None,
        allowed_spaces: None,
        attributes: Vec::new(),
        resource: None,
        timeout: Duration::from_secs(10),
        batch_delay: Duration::from_secs(1),
        max_queue_size: 32_768,
        environment: Box::new(|name| std::env::var(name).ok()),
    }
}

/// A registration, from [`register_with_routing`].
#[must_use = "nothing happens before `install` or `build`"]
pub struct RegisterWithRouting {
    api_key: Option<String>,
    endpoint: Option<Endpoint>,
    headers: Vec<(String, String)>,
    default_space_id: Option<String>,
    default_project_name: Option<String>,
    allowed_spaces: Option<HashSet<String>>,
    attributes: Vec<KeyValue>,
    resource: Option<Resource>,
    timeout: Duration,
    batch_delay: Duration,
    max_queue_size: usize,
    environment: Environment,
}

/// Shows neither the key nor the values of headers.
impl fmt::Debug for RegisterWithRouting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("RegisterWithRouting")
            .field("endpoint", &self.endpoint)
            .field("headers", &headers)
            .field("default_space_id", &self.default_space_id)
            .field("default_project_name", &self.default_project_name)
            .field("allowed_spaces", &self.allowed_spaces)
            .field("timeout", &self.timeout)
            .field("batch_delay", &self.batch_delay)
            .field("max_queue_size", &self.max_queue_size)
            .finish_non_exhaustive()
    }
}

impl RegisterWithRouting {
    /// The API key. Only an endpoint on this machine can do without.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// Where spans go: an [`Endpoint`] or a URL. [`Endpoint::Arize`] unless said here or in the
    /// environment.
    pub fn endpoint(mut self, endpoint: impl Into<Endpoint>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Another header for each request, for a proxy for example. It cannot change the key or the
    /// space, which are set last. The value is treated as a secret.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The space of requests that name none, here or in `ARIZE_SPACE_ID`.
    pub fn default_space_id(mut self, id: impl Into<String>) -> Self {
        self.default_space_id = Some(id.into());
        self
    }

    /// The project of requests that name none, if neither `ARIZE_PROJECT_NAME` nor the handler's
    /// attribute does.
    pub fn default_project_name(mut self, name: impl Into<String>) -> Self {
        self.default_project_name = Some(name.into());
        self
    }

    /// Allows these spaces and no others: requests name the space, so anybody who can call the agent
    /// can. Spans of other spaces are dropped and counted ([`Loss::Denied`](crate::Loss::Denied));
    /// they never fall back to another space. Called again, it allows more.
    pub fn allow_spaces(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let ids = ids.into_iter().map(Into::into);
        self.allowed_spaces.get_or_insert_default().extend(ids);
        self
    }

    /// Adds an attribute to the resource.
    pub fn resource_attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    /// Takes this resource instead of the one that OpenTelemetry detects (`OTEL_SERVICE_NAME`,
    /// `OTEL_RESOURCE_ATTRIBUTES`).
    pub fn with_resource(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// How long one attempt to send may take, 10 seconds unless said. Failed attempts are repeated
    /// where that can help.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a span waits for others of its route before it is sent, 1 second unless said.
    pub fn batch_delay(mut self, delay: Duration) -> Self {
        self.batch_delay = delay;
        self
    }

    /// How many spans may be pending (queued, buffered or under way) at a time, 32,768 unless said.
    /// Spans that end beyond are dropped and counted ([`Loss::QueueFull`](crate::Loss::QueueFull)).
    pub fn max_queue_size(mut self, spans: usize) -> Self {
        self.max_queue_size = spans;
        self
    }

    /// Reads variables from here instead of the process environment: for tests, and for
    /// configuration that is kept elsewhere. (The SDK's own `OTEL_*` are not asked for here.)
    ///
    /// ```
    /// use arize_runtime::register_with_routing;
    /// let error = register_with_routing().with_environment(|_variable| None).build().unwrap_err();
    /// assert!(error.to_string().contains("set `ARIZE_API_KEY`"));
    /// ```
    pub fn with_environment(
        mut self,
        variable: impl Fn(&str) -> Option<String> + Send + 'static,
    ) -> Self {
        self.environment = Box::new(variable);
        self
    }

    /// Makes the pipeline of this process: annotated functions and OpenTelemetry's global tracer
    /// provider use it. The global propagator becomes W3C trace context and baggage.
    ///
    /// # Errors
    /// The configuration cannot work (each [`InstallError`] says what to change), or a pipeline is
    /// installed already.
    pub fn install(self) -> Result<Arize, InstallError> {
        let arize = self.build()?;
        if !arize.pipeline.install() {
            return Err(InstallError::AlreadyInstalled); // dropping the handle ends its thread
        }
        global::set_tracer_provider(arize.provider.clone());
        global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ]));
        Ok(arize)
    }

    /// Makes a pipeline and sets nothing global: see [`Arize::context`] and
    /// [`Arize::tracer_provider`].
    ///
    /// # Errors
    /// The configuration cannot work; each [`InstallError`] says what to change.
    pub fn build(self) -> Result<Arize, InstallError> {
        let defaults = self.defaults()?;
        let settings = self.settings()?;
        let resource = self.resource();
        let counters = Arc::new(Counters::default());
        let (processor, exporter) =
            Exporter::start(settings, counters.clone()).map_err(InstallError::Thread)?;
        let provider = provider(processor, resource);
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let pipeline = Pipeline::open(provider.tracer_with_scope(scope), defaults, counters);
        Ok(Arize {
            pipeline,
            exporter,
            provider,
        })
    }
}

fn provider(processor: RoutingProcessor, resource: Resource) -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_resource(resource)
        .with_max_attributes_per_span(MAX_ATTRIBUTES)
        .with_span_processor(processor)
        .build()
}
