//! An agent on a port of its own, its pipeline, and the collector that it exports to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use arize_local::{Receiver, Span};
use arize_runtime::{Arize, RegisterWithRouting, register_with_routing};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use tokio::net::TcpListener;

pub(crate) const SOON: Duration = Duration::from_secs(10);
pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const PARENT: &str = "00f067aa0ba902b7";
pub(crate) const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A port that the system chooses.
pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A registration that reads nothing of this process's environment.
pub(crate) fn registration(
    receiver: &Receiver,
    environment: &[(&str, &str)],
) -> RegisterWithRouting {
    let environment: HashMap<String, String> = environment
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    register_with_routing()
        .with_environment(move |name| environment.get(name).cloned())
        .endpoint(receiver.endpoint())
        .batch_delay(Duration::from_millis(20))
}

/// A pipeline and the collector behind it.
pub(crate) struct Pipeline {
    pub(crate) receiver: Receiver,
    pub(crate) arize: Arize,
}

impl Pipeline {
    pub(crate) async fn start(environment: &[(&str, &str)]) -> Self {
        let receiver = Receiver::bind(any_port()).await.unwrap();
        let arize = registration(&receiver, environment).build().unwrap();
        Self { receiver, arize }
    }

    /// A Context whose spans come here.
    pub(crate) fn context(&self) -> Context {
        self.arize.context()
    }

    /// Everything that ended, as it arrived.
    pub(crate) async fn spans(&self) -> Vec<Span> {
        self.arize.force_flush(SOON).await.unwrap();
        self.receiver.spans()
    }
}

/// An agent that serves `router`, its spans in a pipeline of its own.
pub(crate) struct Agent {
    pub(crate) pipeline: Pipeline,
    pub(crate) url: String,
}

impl Agent {
    pub(crate) async fn start(router: Router) -> Self {
        Self::with_environment(router, &[]).await
    }

    pub(crate) async fn with_environment(router: Router, environment: &[(&str, &str)]) -> Self {
        let pipeline = Pipeline::start(environment).await;
        let url = serve(router, pipeline.context()).await;
        Self { pipeline, url }
    }

    /// Posts `body` with these header lines; the status and the body of the answer.
    pub(crate) async fn post(
        &self,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> (StatusCode, String) {
        post(&self.url, headers, body).await
    }

    pub(crate) async fn spans(&self) -> Vec<Span> {
        self.pipeline.spans().await
    }
}

/// Serves a router with `context` around each request.
pub(crate) async fn serve(router: Router, context: Context) -> String {
    let around = move |request: Request, next: Next| {
        let context = context.clone();
        async move { next.run(request).with_context(context).await }
    };
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let url = format!("http://{}/invoke", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router.layer(from_fn(around))).into_future());
    url
}

pub(crate) async fn post(
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> (StatusCode, String) {
    let mut request = http::Request::post(url)
        .body(Full::new(body.into()))
        .unwrap();
    let lines = request.headers_mut();
    lines.insert("content-type", HeaderValue::from_static("application/json"));
    append(lines, headers);
    let response = Client::builder(TokioExecutor::new())
        .build_http()
        .request(request)
        .await
        .unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn append(lines: &mut HeaderMap, headers: &[(&str, &str)]) {
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        lines.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
    }
}

/// The span of this name, of which there is one.
pub(crate) fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    let span = found
        .next()
        .unwrap_or_else(|| panic!("no span `{name}` among {}", names(spans)));
    assert!(found.next().is_none(), "several spans `{name}`");
    span
}

pub(crate) fn names(spans: &[Span]) -> String {
    spans
        .iter()
        .map(|span| span.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Space header, space attribute and project attribute of a span.
pub(crate) fn route(span: &Span) -> (&str, &str, &str) {
    (
        span.space_header.as_deref().unwrap_or_default(),
        span.attr_str("arize.space_id").unwrap_or_default(),
        span.attr_str("arize.project.name").unwrap_or_default(),
    )
}
