//! Where spans are passed on to, and how.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tonic::Extensions;
use tonic::body::Body;
use tonic::metadata::MetadataMap;

use super::failure::{Failure, KEY, NOT_THERE};
use crate::error::StartError;

const TIMEOUT: Duration = Duration::from_secs(10);

/// More than any answer to an export has.
const MAX_ANSWER: usize = 1024 * 1024;

const CONTENT: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const AGENT: &str = concat!("arize-local/", env!("CARGO_PKG_VERSION"));

type Client = legacy::Client<HttpsConnector<HttpConnector>, Body>;

/// An OTLP endpoint.
#[derive(Debug)]
pub(super) enum Target {
    Grpc(TraceServiceClient<Client>, Uri),
    Http(Client, Uri),
}

impl Target {
    /// Port 4318 and paths that end in `/v1/traces` mean HTTP, all else gRPC.
    pub(super) fn new(url: &str) -> Result<Self, StartError> {
        let uri = parse(url)?;
        let path = uri.path().trim_end_matches('/').to_owned();
        let is_http = uri.port_u16() == Some(4318) || path.ends_with("/v1/traces");
        let tls = tls_config(uri.scheme_str() == Some("https"))?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http();
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder.timer(TokioTimer::new());
        // gRPC has a path of its own, and HTTP's is often given without its end.
        let base = path.strip_suffix("/v1/traces").unwrap_or(&path);
        let base = base.strip_suffix("/v1").unwrap_or(base);
        let mut parts = uri.into_parts();
        parts.path_and_query = if is_http {
            format!("{base}/v1/traces").parse().ok()
        } else {
            Some(PathAndQuery::from_static("/"))
        };
        let uri = Uri::from_parts(parts)
            .map_err(|error| format!("`{url}` is not a URL: {error}; {EXAMPLE}"))?;
        if is_http {
            let client = builder.build(connector.enable_http1().build());
            return Ok(Self::Http(client, uri));
        }
        let client = builder
            .http2_only(true)
            .build(connector.enable_http2().build());
        let client = TraceServiceClient::with_origin(client, uri.clone());
        Ok(Self::Grpc(client, uri))
    }

    /// Gives how many spans were rejected, if any, and why.
    pub(super) async fn send(
        &self,
        headers: &HeaderMap,
        message: &ExportTraceServiceRequest,
    ) -> Result<Option<(usize, Failure)>, Failure> {
        let sent = async {
            match self {
                Self::Grpc(client, uri) => grpc(client.clone(), uri, headers, message).await,
                Self::Http(client, uri) => post(client, uri, headers, message).await,
            }
        };
        let Ok(answer) = tokio::time::timeout(TIMEOUT, sent).await else {
            let text = format!("no answer within {} s", TIMEOUT.as_secs());
            return Err(Failure::new(&text, NOT_THERE, true));
        };
        let answer = answer?;
        let partial = answer.partial_success.unwrap_or_default();
        let rejected = usize::try_from(partial.rejected_spans).unwrap_or_default();
        Ok((rejected > 0).then(|| {
            let text = format!("the spans were rejected: {}", partial.error_message);
            (rejected, Failure::new(&text, "see its log", false))
        }))
    }
}

const EXAMPLE: &str = "write `--forward` like `http://127.0.0.1:4317` (gRPC) or `http://127.0.0.1:6006/v1/traces` (HTTP)";

pub(super) fn parse(url: &str) -> Result<Uri, StartError> {
    let uri: Uri = url
        .parse()
        .map_err(|error| format!("`{url}` is not a URL: {error}; {EXAMPLE}"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(_)) => Ok(uri),
        _ => Err(format!("`{url}` is not an http or https URL; {EXAMPLE}").into()),
    }
}

/// The system's root certificates are read only where they are needed.
fn tls_config(needed: bool) -> Result<rustls::ClientConfig, StartError> {
    let provider = rustls::crypto::ring::default_provider();
    let config = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("cannot use TLS: {error}; forward to an http URL"))?;
    if needed {
        use hyper_rustls::ConfigBuilderExt as _;
        let config = config.with_native_roots().map_err(|error| {
            format!("cannot read the system's root certificates: {error}; forward to an http URL")
        })?;
        return Ok(config.with_no_client_auth());
    }
    Ok(config
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}

async fn grpc(
    mut client: TraceServiceClient<Client>,
    uri: &Uri,
    headers: &HeaderMap,
    message: &ExportTraceServiceRequest,
) -> Result<ExportTraceServiceResponse, Failure> {
    let metadata = MetadataMap::from_headers(headers.clone());
    let request = tonic::Request::from_parts(metadata, Extensions::default(), message.clone());
    match client.export(request).await {
        Ok(answer) => Ok(answer.into_inner()),
        Err(status) => Err(Failure::of_grpc(&status, uri)),
    }
}

async fn post(
    client: &Client,
    uri: &Uri,
    headers: &HeaderMap,
    message: &ExportTraceServiceRequest,
) -> Result<ExportTraceServiceResponse, Failure> {
    let body = Body::new(Full::from(message.encode_to_vec()));
    let mut request = Request::post(uri.clone())
        .body(body)
        .expect("a URL that was read before");
    *request.headers_mut() = headers.clone();
    request.headers_mut().insert(CONTENT_TYPE, CONTENT);
    request.headers_mut().insert(ACCEPT, CONTENT);
    let agent = HeaderValue::from_static(AGENT);
    request.headers_mut().entry(USER_AGENT).or_insert(agent);
    let response = client
        .request(request)
        .await
        .map_err(|error| Failure::of_http(&error))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_ANSWER)
        .collect()
        .await;
    let body = body
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    if status.is_success() {
        // Some answer with JSON, or with nothing: taken all the same.
        return Ok(ExportTraceServiceResponse::decode(body).unwrap_or_default());
    }
    let text = format!("HTTP status {status}");
    Err(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::new(&text, KEY, false),
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Failure::new(&text, "see its log", true),
        _ => Failure::new(
            &text,
            "see that OTLP/HTTP is taken at this URL, and its log",
            false,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_url_says_the_protocol_and_http_gets_its_path() {
        for (url, path) in [
            ("http://localhost:4318", Some("/v1/traces")),
            ("http://localhost:4318/v1", Some("/v1/traces")),
            (
                "https://phoenix.example/s/me/v1/traces/",
                Some("/s/me/v1/traces"),
            ),
            ("http://localhost:4317", None),
            ("http://otlp.example/v1", None),
        ] {
            let http = match Target::new(url).expect("is a URL") {
                Target::Http(_, uri) => Some(uri.path().to_owned()),
                Target::Grpc(..) => None,
            };
            assert_eq!(http.as_deref(), path, "{url}");
        }
    }
}
