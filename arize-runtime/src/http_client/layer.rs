//! The layer around `reqwest::Client`.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use opentelemetry::context::FutureExt as _;
use reqwest::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::{HttpClientLayer, body, call};
use crate::inject::Propagation;

impl<S> Layer<S> for HttpClientLayer {
    type Service = HttpClientService<S>;

    fn layer(&self, inner: S) -> HttpClientService<S> {
        HttpClientService {
            inner,
            propagation: Arc::clone(&self.propagation),
        }
    }
}

/// A client whose requests are traced, made by [`HttpClientLayer`].
#[derive(Debug, Clone)]
pub struct HttpClientService<S> {
    inner: S,
    propagation: Arc<Propagation>,
}

type Sent<E> = Pin<Box<dyn Future<Output = Result<Response, E>> + Send>>;

impl<S> Service<Request> for HttpClientService<S>
where
    S: Service<Request, Response = Response>,
    S::Future: Send + 'static,
    S::Error: Error + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Sent<S::Error>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Sent<S::Error> {
        let call = call::start(&mut request, &self.propagation);
        let _guard = call.as_ref().map(|call| call.context().attach());
        let sent = self.inner.call(request);
        Box::pin(answered(call, sent))
    }
}

/// Awaits the answer inside the call's span.
pub(super) async fn answered<E: Error + 'static>(
    call: Option<call::Call>,
    sent: impl Future<Output = Result<Response, E>> + Send,
) -> Result<Response, E> {
    let Some(call) = call else {
        return sent.await;
    };
    match sent.with_context(call.context()).await {
        Ok(response) => Ok(match call.answered(response.status(), response.headers()) {
            Some(call) => body::observed(response, call),
            None => response,
        }),
        Err(error) => {
            call.failed(&error, std::any::type_name::<E>());
            Err(error)
        }
    }
}
