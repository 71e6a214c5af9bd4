//! OTLP over HTTP with binary protobuf: the only file that names hyper.

use std::error::Error as _;
use std::fmt;
use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;

use super::http_answer::{MAYBE_GRPC, PROTOBUF, Sent, answer};
use super::roots::Roots;
use super::transport::{
    Attempt, Compression, Failure, KEEPALIVE, Wire, WireConfig, explain, remedy_of_no_connection,
};
use crate::error::InstallError;

/// No answer of OTLP has more; what is longer is somebody else's.
const MAX_ANSWER: usize = 1024 * 1024;

/// An OTLP/HTTP endpoint, and the connections to it.
pub(super) struct Http {
    /// With the path of the signal.
    uri: Uri,
    connector: HttpsConnector<HttpConnector>,
    client: Option<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
    compression: Compression,
    looks_like_grpc: bool,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

impl Http {
    pub(super) fn new(config: &WireConfig<'_>) -> Result<Self, InstallError> {
        let target = config.target;
        let error = |reason: String| InstallError::Endpoint {
            endpoint: target.uri.to_string(),
            source: target.source,
            reason,
        };
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(config.timeout));
        tcp.set_keepalive(Some(KEEPALIVE));
        let tls = tls(&config.roots).map_err(|e| error(format!("cannot be used with TLS: {e}")))?;
        Ok(Self {
            uri: traces_uri(&target.uri).map_err(|e| error(format!("cannot be used: {e}")))?,
            connector: HttpsConnectorBuilder::new()
                .with_tls_config(tls)
                .https_or_http()
                .enable_all_versions()
                .wrap_connector(tcp),
            client: None,
            compression: config.compression,
            looks_like_grpc: target.uri.port_u16() == Some(4317),
        })
    }
}

impl Wire for Http {
    fn connect(&mut self) {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(self.connector.clone());
        self.client = Some(client);
    }

    fn send(&self, headers: HeaderMap, body: Bytes) -> Attempt {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        let ours = request.headers_mut();
        ours.insert(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
        ours.insert(
            USER_AGENT,
            HeaderValue::from_static(super::transport::USER_AGENT),
        );
        let compressed = self.compression == Compression::Gzip;
        if compressed {
            ours.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let client = self.client.clone().expect("it is connected when opened");
        let looks_like_grpc = self.looks_like_grpc;
        Box::pin(async move {
            let body = if compressed { gzip(&body) } else { body };
            let request = request.map(|()| Full::new(body));
            let response = client.request(request).await;
            let (head, body) = response
                .map_err(|e| not_answered(&e, looks_like_grpc))?
                .into_parts();
            let body = Limited::new(body, MAX_ANSWER)
                .collect()
                .await
                .map_err(|e| broken(&*e))?;
            let sent = Sent {
                looks_like_grpc,
                compressed,
            };
            answer(head.status, &head.headers, &body.to_bytes(), sent)
        })
    }
}

fn tls(roots: &Roots) -> Result<ClientConfig, rustls::Error> {
    // Named, since a process may have two crypto providers, of which rustls would take neither.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config
        .with_root_certificates(roots.store())
        .with_no_client_auth())
}

/// As small as tonic makes it; the fastest level leaves half as much again for a quarter of the time.
fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder
        .write_all(body)
        .expect("a `Vec` takes what it is given");
    encoder
        .finish()
        .expect("a `Vec` takes what it is given")
        .into()
}

/// OTLP 1.x: traces are posted to `<endpoint>/v1/traces`. Arize's endpoints end in `/v1`, and people
/// write the whole path: neither is repeated.
pub(crate) fn traces_uri(endpoint: &Uri) -> Result<Uri, http::Error> {
    let path = endpoint.path().trim_end_matches('/');
    let base = ["/v1/traces", "/v1"]
        .into_iter()
        .find_map(|end| path.strip_suffix(end));
    let path = base.unwrap_or(path);
    let mut parts = endpoint.clone().into_parts();
    parts.path_and_query = Some(format!("{path}/v1/traces").parse()?);
    Ok(Uri::from_parts(parts)?)
}

/// Nobody was there, or nobody who speaks HTTP.
fn not_answered(error: &Error, looks_like_grpc: bool) -> Failure {
    let source = error.source();
    let cause = source.and_then(|source| source.downcast_ref::<hyper::Error>());
    let other_words = cause.is_some_and(hyper::Error::is_parse);
    let message = explain("", source.or(Some(error)));
    Failure {
        code: "UNAVAILABLE".into(),
        remedy: match error.is_connect() {
            true => remedy_of_no_connection(&message),
            false if other_words || looks_like_grpc => MAYBE_GRPC,
            // Many gRPC servers say nothing to HTTP/1.
            false => {
                "the collector has just restarted, or this is an OTLP/gRPC port: name the HTTP one (4318 by \
                 default), or set `OTEL_EXPORTER_OTLP_PROTOCOL=grpc`"
            }
        },
        message,
        retryable: true,
        retry_after: None,
        answered: false,
        too_large: false,
    }
}

fn broken(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Failure {
    Failure {
        code: "UNAVAILABLE".into(),
        message: explain("the answer broke off", Some(error)),
        remedy: "check that the collector runs, and what lies between",
        retryable: true,
        retry_after: None,
        answered: false,
        too_large: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_posted_below_the_endpoint_and_nothing_is_repeated() {
        for (endpoint, uri) in [
            (
                "https://otlp.arize.com/v1",
                "https://otlp.arize.com/v1/traces",
            ),
            (
                "https://otlp.arize.com/v1/",
                "https://otlp.arize.com/v1/traces",
            ),
            ("http://h:4318", "http://h:4318/v1/traces"),
            ("http://h:4318/", "http://h:4318/v1/traces"),
            ("http://h:6006/v1/traces", "http://h:6006/v1/traces"),
            ("http://h/phoenix", "http://h/phoenix/v1/traces"),
            ("http://h/phoenix/v1", "http://h/phoenix/v1/traces"),
            ("http://h/traces", "http://h/traces/v1/traces"),
        ] {
            let endpoint: Uri = endpoint.parse().expect("a URL");
            assert_eq!(traces_uri(&endpoint).expect("a URL"), uri);
        }
    }
}
