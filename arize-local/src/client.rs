//! The HTTP client that calls the agent.

use std::error::Error;
use std::time::Duration;
use std::{io, iter};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::failure::Failure;

/// More than any agent answers by intention.
const MAX_RESPONSE: usize = 64 * 1024 * 1024;

/// An HTTP client for one agent; clones share its connections.
#[derive(Clone, Debug)]
pub(crate) enum Client {
    Http(legacy::Client<HttpConnector, Full<Bytes>>),
    Https(legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// An agent's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// JSON, or a string where the body is none.
    pub(crate) body: Value,
    pub(crate) is_json: bool,
    /// How long the agent asks to be left alone. `Retry-After` with a date says nothing here.
    pub(crate) retry_after: Option<Duration>,
}

/// Reads an agent's URL.
///
/// # Errors
///
/// Returns what is wrong with it and what to write.
pub(crate) fn agent_uri(url: &str) -> Result<Uri, String> {
    let example = "write it like `http://127.0.0.1:8000/invoke`";
    let uri: Uri = url
        .parse()
        .map_err(|error| format!("`{url}` is not a URL: {error}; {example}"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(_)) => Ok(uri),
        (Some(scheme), Some(_)) => Err(format!("`{url}` has the scheme `{scheme}`; {example}")),
        _ => Err(format!("`{url}` has no scheme; {example}")),
    }
}

impl Client {
    /// A client for the URL's scheme: the system's root certificates are read only where they are needed.
    pub(crate) fn new(uri: &Uri) -> Result<Self, String> {
        let builder = legacy::Client::builder(TokioExecutor::new());
        if uri.scheme_str() != Some("https") {
            return Ok(Self::Http(builder.build_http()));
        }
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
            .map_err(|error| format!("cannot read the system's root certificates: {error}"))?
            .https_only()
            .enable_http1()
            .build();
        Ok(Self::Https(builder.build(connector)))
    }

    /// Posts JSON and reads the whole answer.
    pub(crate) async fn post(
        &self,
        uri: &Uri,
        headers: HeaderMap,
        body: &Value,
        timeout: Duration,
    ) -> Result<Answer, (Failure, String)> {
        let body = Full::new(Bytes::from(body.to_string()));
        self.send(Method::POST, body, uri, headers, timeout).await
    }

    /// Gets what is there and reads the whole answer.
    pub(crate) async fn get(
        &self,
        uri: &Uri,
        headers: HeaderMap,
        timeout: Duration,
    ) -> Result<Answer, (Failure, String)> {
        self.send(Method::GET, Full::default(), uri, headers, timeout)
            .await
    }

    async fn send(
        &self,
        method: Method,
        body: Full<Bytes>,
        uri: &Uri,
        headers: HeaderMap,
        timeout: Duration,
    ) -> Result<Answer, (Failure, String)> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        match tokio::time::timeout(timeout, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err((
                Failure::Timeout,
                format!("no answer within {} s", timeout.as_secs_f64()),
            )),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, (Failure, String)> {
        let response = match self {
            Self::Http(client) => client.request(request),
            Self::Https(client) => client.request(request),
        };
        let response = response.await.map_err(|error| {
            let (failure, what) = if speaks_no_tls(&error) {
                (Failure::NoTls, "cannot connect to the agent")
            } else if error.is_connect() {
                (Failure::NotSent, "cannot connect to the agent")
            } else {
                (Failure::Broken, "the request broke off")
            };
            (failure, format!("{what}: {}", root_cause(&error)))
        })?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(http::header::RETRY_AFTER);
        let retry_after = retry_after
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let body = Limited::new(response.into_body(), MAX_RESPONSE)
            .collect()
            .await;
        let body = body
            .map_err(|error| {
                let text = format!("the answer broke off: {}", root_cause(&*error));
                (Failure::Broken, text)
            })?
            .to_bytes();
        Ok(match serde_json::from_slice(&body) {
            Ok(body) => Answer {
                status,
                body,
                is_json: true,
                retry_after,
            },
            Err(_) => Answer {
                status,
                body: String::from_utf8_lossy(&body).into(),
                is_json: false,
                retry_after,
            },
        })
    }
}

/// The error and its causes, from the outermost to the innermost.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>() {
            // `source` would leave out the error that this one holds.
            Some(error) => error.get_ref().map(|held| held as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// Whether what was asked for TLS answered with something else, such as plain HTTP.
pub(crate) fn speaks_no_tls(error: &(dyn Error + 'static)) -> bool {
    let no_tls = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
    causes(error).any(|cause| cause.downcast_ref() == Some(&no_tls))
}

/// The innermost error: the outer ones only say that there was one.
pub(crate) fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_url_is_told_with_what_to_write() {
        assert!(agent_uri("https://agent.example/invoke").is_ok());
        for (url, part) in [
            ("127.0.0.1:8000/invoke", "not a URL"),
            ("ftp://a/b", "`ftp`"),
            ("/invoke", "no scheme"),
        ] {
            let error = agent_uri(url).expect_err("is refused");
            assert!(
                error.contains(part) && error.contains("http://127.0.0.1:8000/invoke"),
                "{error}"
            );
        }
    }
}
