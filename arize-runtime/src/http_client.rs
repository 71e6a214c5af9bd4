//! HTTP clients whose requests are traced, and the calls of models among them.

mod api;
mod json;
mod pieces;
mod secrets;
mod sse;
mod streamed;

mod anthropic;
mod openai;
mod responses;

mod model;

mod call;

mod body;

mod layer;

#[cfg(feature = "reqwest-middleware")]
mod middleware;

use std::sync::Arc;

use crate::inject::Propagation;
use crate::model_call;

pub use layer::HttpClientService;

/// Traces the requests of a `reqwest::Client`, and records those that call a model as such.
///
/// It is a layer of tower around the client, and with the feature `reqwest-middleware` a middleware of that crate.
/// What is recorded, and of which APIs, is told in [the guide](crate::guides::llm_clients).
///
/// - A call of a model, which is recognised by the end of its path and the shape of its JSON and by no host, is a span
///   LLM or EMBEDDING with models, messages, tools, tokens, input and output. It lasts until the answer's body is at
///   its end or is dropped. The body passes unchanged and undelayed.
/// - Any other request inside a span is a span of the kind CLIENT with the attributes of HTTP. No body is read.
/// - Both put `traceparent` and `tracestate` into the request, unless it has a `traceparent`. `baggage`, which names the
///   space, goes only where [`with_propagation`](Self::with_propagation) allows it.
///
/// Where no pipeline is, or tracing is suppressed, the client works as without it. Credentials are never recorded: no
/// headers, no user information and no values of a query.
///
/// ```
/// use arize_runtime::{HttpClientLayer, tool};
/// use tower_layer::Layer as _;
/// use tower_service::Service as _;
///
/// #[tool]
/// async fn forecast(city: String) -> reqwest::Result<String> {
///     let plain = reqwest::Client::new();
///     let request = plain.get("https://weather.example.com/").header("x-city", city).build()?;
///     let mut client = HttpClientLayer::new().layer(plain);
///     client.call(request).await?.text().await
/// }
/// ```
///
/// With reqwest-middleware:
///
#[cfg_attr(feature = "reqwest-middleware", doc = "```")]
#[cfg_attr(not(feature = "reqwest-middleware"), doc = "```ignore")]
/// use arize_runtime::HttpClientLayer;
/// use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
///
/// fn client(plain: reqwest::Client) -> ClientWithMiddleware {
///     ClientBuilder::new(plain).with(HttpClientLayer::new()).build()
/// }
/// ```
#[derive(Debug, Clone)]
pub struct HttpClientLayer {
    propagation: Arc<Propagation>,
}

impl HttpClientLayer {
    /// Traces the requests of one client or several. Make it where the program starts, or with its clients: in an
    /// annotated call that began before the first one, it is not known that a `#[llm]` is around.
    #[must_use]
    pub fn new() -> Self {
        model_call::watch();
        Self {
            propagation: Arc::default(),
        }
    }

    /// What requests carry, and where to: for agents of your own, which are to be traced in the space of their caller.
    ///
    /// ```
    /// use arize_runtime::{HttpClientLayer, Propagation};
    /// let layer = HttpClientLayer::new()
    ///     .with_propagation(Propagation::new().baggage_to(["*.agents.internal"])?);
    /// # Ok::<(), arize_runtime::HostError>(())
    /// ```
    #[must_use]
    pub fn with_propagation(mut self, propagation: Propagation) -> Self {
        self.propagation = Arc::new(propagation);
        self
    }
}

impl Default for HttpClientLayer {
    fn default() -> Self {
        Self::new()
    }
}
