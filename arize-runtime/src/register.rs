//! Registration: what code and environment say becomes a pipeline.

mod child;
mod connection;
mod endpoint;
mod handle;
mod provider;
mod queue;
mod routes;
mod settings;
mod signal;
mod trace_config;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, Key, KeyValue, Value, global};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use crate::error::InstallError;
use crate::export::{
    Compression, ExcludedSpans, Exporter, Filter, OnLoss, Protocol, RoutingSpanProcessor, SCOPE,
};
use crate::trace_config::Masking;
use crate::trace_routes::TraceRoutes;
#[cfg(feature = "testing")]
use crate::{resolve::Defaults, trace_config::TraceConfig};

pub use endpoint::Endpoint;
pub use handle::Arize;
pub use provider::AwaitingProvider;
pub use routes::{OneSpace, PerRequest, ProjectType, Routes};
pub use signal::shutdown_signal;

/// The SDK drops the newest attributes beyond its limit of 128, which would be ours if a builder
/// came with that many. A message with a tool call has five, and conversations are long.
pub(crate) const MAX_ATTRIBUTES: u32 = 10_000;

/// The tracer of annotated functions.
pub(crate) fn tracer_of(provider: &SdkTracerProvider) -> SdkTracer {
    let scope = InstrumentationScope::builder(SCOPE)
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    provider.tracer_with_scope(scope)
}

type Environment = Box<dyn Fn(&str) -> Option<String> + Send>;

/// Starts a registration that routes every span to the space and project of its request.
///
/// What is not given in code is read from the environment, once, when the pipeline is made:
///
/// | variable | stands for |
/// |---|---|
/// | `ARIZE_API_KEY` | [`api_key`](Registration::api_key) |
/// | `ARIZE_COLLECTOR_ENDPOINT`, else `ARIZE_OTLP_ENDPOINT` | [`endpoint`](Registration::endpoint) |
/// | `OTEL_EXPORTER_OTLP_TRACES_PROTOCOL`, else `OTEL_EXPORTER_OTLP_PROTOCOL` | [`protocol`](Registration::protocol) |
/// | `OTEL_EXPORTER_OTLP_TRACES_COMPRESSION`, else `OTEL_EXPORTER_OTLP_COMPRESSION` | [`compression`](Registration::compression) |
/// | `OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE`, else `OTEL_EXPORTER_OTLP_CERTIFICATE` | the path of a file for [`root_certificate`](Registration::root_certificate), which it adds to |
/// | `ARIZE_SPACE_ID` | goes before [`default_space_id`](RegisterWithRouting::default_space_id) |
/// | `ARIZE_PROJECT_NAME` | goes before [`default_project_name`](RegisterWithRouting::default_project_name) |
/// | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | the resource, as in every OpenTelemetry program |
/// | `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG` | the sampler, likewise: a span that it drops never ends, so nothing counts it |
///
/// A blank variable counts as absent. No other `OTEL_EXPORTER_OTLP_*` is read: headers from there could
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
    Registration::new(PerRequest::default())
}

/// Starts a registration that sends every span to one space and project, whatever its request names.
///
/// For agents that serve one team. A handler still joins the experiment's trace; a request that names
/// another space is told of once a minute, since its experiment will not find its spans: where
/// experiments call, [`register_with_routing`] is right.
///
/// What is not given in code is read from the environment, as [`register_with_routing`] does, but for:
///
/// | variable | stands for |
/// |---|---|
/// | `ARIZE_SPACE_ID` | [`space_id`](Register::space_id), which goes first |
/// | `ARIZE_PROJECT_NAME` | [`project_name`](Register::project_name), which goes first |
/// | `ARIZE_PROJECT_TYPE` | [`project_type`](Register::project_type): `application`, `harness` or `experiment` |
///
/// ```no_run
/// # fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let arize = arize_runtime::register()
///     .space_id("U3BhY2U6MTIzOmFiYw==")
///     .project_name("travel-agent")
///     .install()?;
/// # Ok(())
/// # }
/// ```
pub fn register() -> Register {
    Registration::new(OneSpace::default())
}

/// A registration whose requests name their routes, from [`register_with_routing`].
pub type RegisterWithRouting = Registration<PerRequest>;

/// A registration for one space and project, from [`register`].
pub type Register = Registration<OneSpace>;

/// A registration, from [`register_with_routing`] or [`register`].
#[must_use = "nothing happens before `install`, `build` or `into_processor`"]
pub struct Registration<R> {
    routes: R,
    api_key: Option<String>,
    endpoint: Option<Endpoint>,
    protocol: Option<Protocol>,
    compression: Option<Compression>,
    root_certificates: Vec<Vec<u8>>,
    headers: Vec<(String, String)>,
    attributes: Vec<KeyValue>,
    resource: Option<Resource>,
    timeout: Duration,
    batch_delay: Duration,
    max_queue_size: usize,
    max_queue_bytes: usize,
    wait_when_full: Option<Duration>,
    on_loss: Option<OnLoss>,
    masking: Masking,
    max_value_length: usize,
    base64_image_max_length: Option<usize>,
    masked_keys: Vec<String>,
    excluded: ExcludedSpans,
    environment: Environment,
}

/// Shows neither the key nor the values of headers.
impl<R: fmt::Debug> fmt::Debug for Registration<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Registration")
            .field("routes", &self.routes)
            .field("endpoint", &self.endpoint)
            .field("protocol", &self.protocol)
            .field("compression", &self.compression)
            .field("headers", &headers)
            .field("timeout", &self.timeout)
            .field("batch_delay", &self.batch_delay)
            .field("max_queue_size", &self.max_queue_size)
            .field("max_queue_bytes", &self.max_queue_bytes)
            .finish_non_exhaustive()
    }
}

impl<R: Routes> Registration<R> {
    fn new(routes: R) -> Self {
        Self {
            routes,
            api_key: None,
            endpoint: None,
            protocol: None,
            compression: None,
            root_certificates: Vec::new(),
            headers: Vec::new(),
            attributes: Vec::new(),
            resource: None,
            timeout: Duration::from_secs(10),
            batch_delay: Duration::from_secs(1),
            max_queue_size: 32_768,
            max_queue_bytes: 64 * 1024 * 1024,
            wait_when_full: None,
            on_loss: None,
            masking: Masking::default(),
            max_value_length: 32 * 1024,
            base64_image_max_length: None,
            masked_keys: Vec::new(),
            excluded: ExcludedSpans::default(),
            environment: Box::new(|name| std::env::var(name).ok()),
        }
    }

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

    /// What spans are sent with.
    ///
    /// Where neither this nor the environment says it, port 4318 and a path that ends in `/v1/traces`
    /// mean HTTP, and everything else means gRPC. Over HTTP spans are posted to `<endpoint>/v1/traces`,
    /// of which what the endpoint ends with is not repeated.
    ///
    /// ```
    /// use arize_runtime::{Protocol, register_with_routing};
    /// let arize = register_with_routing()
    ///     .protocol(Protocol::HttpProtobuf) // to https://otlp.arize.com/v1/traces
    ///     .api_key("key")
    ///     .build()?;
    /// # Ok::<(), arize_runtime::InstallError>(())
    /// ```
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Another header for each request, for a proxy for example. It cannot change the key or the
    /// space, which are set last. The value is treated as a secret.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
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
        arize.install()?;
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
        let resource = self
            .resource
            .clone()
            .unwrap_or_else(|| Resource::builder().build());
        let (processor, arize) = self.start(false)?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_max_attributes_per_span(MAX_ATTRIBUTES)
            .with_span_processor(processor)
            .build();
        Ok(arize.with_provider(&provider))
    }

    /// Makes the parts for a tracer provider that the program has already: the span processor to add
    /// to it, and what becomes the handle once the provider is built.
    ///
    /// The processor exports routed spans to their spaces and leaves the provider's other processors,
    /// its sampler, its resource and everything global as they are. Spans without a route, such as
    /// those of other parts of the program, are not sent to Arize; they are counted as unrouted. The
    /// other processors see the attributes `arize.space_id` and `arize.project.name`.
    ///
    /// The provider's resource is what is sent, with what [`resource_attribute`](Self::resource_attribute)
    /// adds; [`with_resource`](Self::with_resource) has no use here. Its limit of attributes for each span
    /// (128 unless set) is kept: a span that is started with that many loses its route and is counted.
    ///
    /// ```
    /// use arize_runtime::register_with_routing;
    /// use opentelemetry_sdk::trace::SdkTracerProvider;
    ///
    /// let (processor, arize) = register_with_routing()
    ///     .endpoint("http://localhost:4317")
    ///     .into_processor()?;
    /// let provider = SdkTracerProvider::builder()
    ///     // .with_batch_exporter(..), as before
    ///     .with_span_processor(processor)
    ///     .build();
    /// let arize = arize.install(&provider)?; // annotated functions start their spans there
    /// # Ok::<(), arize_runtime::InstallError>(())
    /// ```
    ///
    /// # Errors
    /// The configuration cannot work; each [`InstallError`] says what to change.
    pub fn into_processor(self) -> Result<(RoutingSpanProcessor, AwaitingProvider), InstallError> {
        self.start(true)
    }

    /// The defaults of routes and what is recorded, without a place to send it to.
    #[cfg(feature = "testing")]
    pub(crate) fn unsent(&self) -> Result<(Defaults, TraceConfig), InstallError> {
        let destinations = self.routes.destinations(&self.environment)?;
        Ok((destinations.defaults, self.trace_config()?))
    }

    #[cfg(feature = "testing")]
    pub(crate) fn excluded(self) -> ExcludedSpans {
        self.excluded
    }

    fn start(
        mut self,
        shared_provider: bool,
    ) -> Result<(RoutingSpanProcessor, AwaitingProvider), InstallError> {
        let destinations = self.routes.destinations(&self.environment)?;
        let (settings, child) = self.settings()?;
        self.attributes.extend(destinations.attributes);
        let trace_config = settings.trace_config.clone();
        let defaults = destinations.defaults;
        let trace_routes = Arc::<TraceRoutes>::default();
        let filter = Filter {
            excluded: self.excluded,
            trace_routes: Arc::clone(&trace_routes),
            allowed: destinations.allowed,
            fixed: defaults.fixed.clone(),
            masked_keys: trace_config.masked_keys.clone(),
            shared_provider,
            resource_attributes: self.attributes,
        };
        let (processor, exporter) =
            Exporter::start(settings, filter).map_err(InstallError::Thread)?;
        Ok((
            processor,
            AwaitingProvider {
                exporter,
                defaults,
                trace_config,
                trace_routes,
                child,
            },
        ))
    }
}
