//! OTLP over HTTP with binary protobuf: the only file that names hyper.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use prost::Message;
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;

use super::otlp::decode_response;
use super::transport::{Answer, Attempt, Failure, KEEPALIVE, Target, Wire, explain};
use crate::error::InstallError;

const PROTOBUF: &str = "application/x-protobuf";

/// No answer of OTLP has more; what is longer is somebody else's.
const MAX_ANSWER: usize = 1024 * 1024;

/// An OTLP/HTTP endpoint, and the connections to it.
pub(super) struct Http {
    /// With the path of the signal.
    uri: Uri,
    connector: HttpsConnector<HttpConnector>,
    client: Option<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
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
    pub(super) fn new(target: &Target, timeout: Duration) -> Result<Self, InstallError> {
        let error = |reason: String| InstallError::Endpoint {
            endpoint: target.uri.to_string(),
            source: target.source,
            reason,
        };
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(timeout));
        tcp.set_keepalive(Some(KEEPALIVE));
        let tls = tls(target.uri.scheme_str() == Some("https"))
            .map_err(|e| error(format!("cannot be used with TLS: {e}")))?;
        Ok(Self {
            uri: traces_uri(&target.uri).map_err(|e| error(format!("cannot be used: {e}")))?,
            connector: HttpsConnectorBuilder::new()
                .with_tls_config(tls)
                .https_or_http()
                .enable_all_versions()
                .wrap_connector(tcp),
            client: None,
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
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        let ours = request.headers_mut();
        ours.insert(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
        ours.insert(
            USER_AGENT,
            HeaderValue::from_static(super::transport::USER_AGENT),
        );
        let client = self.client.clone().expect("it is connected when opened");
        let looks_like_grpc = self.looks_like_grpc;
        Box::pin(async move {
            let response = client.request(request).await;
            let (head, body) = response
                .map_err(|e| not_answered(&e, looks_like_grpc))?
                .into_parts();
            let body = Limited::new(body, MAX_ANSWER)
                .collect()
                .await
                .map_err(|e| broken(&*e))?;
            answer(
                head.status,
                &head.headers,
                &body.to_bytes(),
                looks_like_grpc,
            )
        })
    }
}

/// The system's roots may be absent (a bare container); the bundled ones never are. Without TLS none
/// are read.
fn tls(wanted: bool) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    if wanted {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    // Named, since a process may have two crypto providers, of which rustls would take neither.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// OTLP 1.x: traces are posted to `<endpoint>/v1/traces`. Arize's endpoints end in `/v1`, and people
/// write the whole path: neither is repeated.
fn traces_uri(endpoint: &Uri) -> Result<Uri, http::Error> {
    let path = endpoint.path().trim_end_matches('/');
    let base = ["/v1/traces", "/v1"]
        .into_iter()
        .find_map(|end| path.strip_suffix(end));
    let path = base.unwrap_or(path);
    let mut parts = endpoint.clone().into_parts();
    parts.path_and_query = Some(format!("{path}/v1/traces").parse()?);
    Ok(Uri::from_parts(parts)?)
}

/// What the collector said of a request.
fn answer(status: StatusCode, headers: &HeaderMap, body: &Bytes, looks_like_grpc: bool) -> Answer {
    let kind = headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if status.is_success() && kind != "text/html" {
        return Ok(partial_success(kind, body));
    }
    let message = match words(kind, body) {
        Some(words) => words,
        None => status.canonical_reason().unwrap_or("no reason").to_owned(),
    };
    let grpc = looks_like_grpc
        || status == StatusCode::UNSUPPORTED_MEDIA_TYPE
        || kind.starts_with("application/grpc");
    Err(Failure {
        code: format!("HTTP {}", status.as_u16()).into(),
        message,
        remedy: remedy(status, grpc),
        retryable: matches!(status.as_u16(), 429 | 502..=504),
        retry_after: headers.get(RETRY_AFTER).and_then(retry_after),
        answered: true,
    })
}

/// Reads what collectors answer to protobuf: protobuf, though some say it in JSON, and some say `OK`.
fn partial_success(kind: &str, body: &Bytes) -> (u64, String) {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Response {
        partial_success: Partial,
    }
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Partial {
        rejected_spans: serde_json::Value,
        error_message: String,
    }
    if kind == "application/json" {
        let response: Response = serde_json::from_slice(body).unwrap_or_default();
        let Partial {
            rejected_spans: rejected,
            error_message,
        } = response.partial_success;
        // OTLP/JSON writes 64-bit integers as strings, and asks to read numbers too.
        let text = rejected.as_str().and_then(|text| text.parse().ok());
        return (rejected.as_u64().or(text).unwrap_or(0), error_message);
    }
    decode_response(body.clone()).unwrap_or_default()
}

/// The message of a refusal: OTLP sends a `google.rpc.Status`, others a sentence or a page.
fn words(kind: &str, body: &Bytes) -> Option<String> {
    #[derive(Deserialize)]
    struct Json {
        message: String,
    }
    let words = match kind {
        PROTOBUF => RpcStatus::decode(body.clone()).ok()?.message,
        "application/json" => match serde_json::from_slice::<Json>(body) {
            Ok(status) => status.message,
            Err(_) => String::from_utf8_lossy(body).into_owned(),
        },
        "text/html" => "a web page".to_owned(),
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    Some(words.trim().to_owned()).filter(|words| !words.is_empty())
}

/// As much of `google/rpc/status.proto` as [`words`] reads.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(string, tag = "2")]
    message: String,
}

const MAYBE_GRPC: &str = "this is probably an OTLP/gRPC port; name the HTTP one (4318 by default), or choose gRPC: \
                          `.protocol(Protocol::Grpc)` or `OTEL_EXPORTER_OTLP_PROTOCOL=grpc`";

fn remedy(status: StatusCode, grpc: bool) -> &'static str {
    match status.as_u16() {
        401 | 403 => "check `ARIZE_API_KEY`, and that the key may write to this space",
        400..=499 if grpc => MAYBE_GRPC,
        413 | 429 => "the collector wants fewer or smaller requests; see its limits",
        502..=504 => "check that the collector runs, and the address with its scheme and port",
        500..=599 | 400 | 422 => "the collector's log should say why",
        300..=399 => "name the address that it redirects to; redirects are not followed",
        _ => "check that an OTLP/HTTP receiver takes traces at this address, below `/v1/traces`",
    }
}

/// RFC 9110: seconds, or a date.
fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// Nobody was there, or nobody who speaks HTTP.
fn not_answered(error: &Error, looks_like_grpc: bool) -> Failure {
    let source = error.source();
    let cause = source.and_then(|source| source.downcast_ref::<hyper::Error>());
    let other_words = cause.is_some_and(hyper::Error::is_parse);
    Failure {
        code: "UNAVAILABLE".into(),
        message: explain("", source.or(Some(error))),
        remedy: match error.is_connect() {
            true => "check that the collector runs, and the address with its scheme and port",
            false if other_words || looks_like_grpc => MAYBE_GRPC,
            // Many gRPC servers say nothing to HTTP/1.
            false => {
                "the collector has just restarted, or this is an OTLP/gRPC port: name the HTTP one (4318 by \
                 default), or set `OTEL_EXPORTER_OTLP_PROTOCOL=grpc`"
            }
        },
        retryable: true,
        retry_after: None,
        answered: false,
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

    fn answered(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Answer {
        let status = StatusCode::from_u16(status).expect("a status");
        let headers = headers.iter().map(|&(name, value)| {
            let value = HeaderValue::from_str(value).expect("a value");
            (http::HeaderName::from_static(name), value)
        });
        let body = Bytes::copy_from_slice(body);
        answer(status, &headers.collect(), &body, false)
    }

    #[test]
    fn only_what_otlp_says_is_tried_again() {
        for (status, retryable) in [
            (400, false),
            (401, false),
            (408, false),
            (429, true),
            (500, false),
            (501, false),
            (502, true),
            (503, true),
            (504, true),
        ] {
            let failure = answered(status, &[], b"").expect_err("a failure");
            assert_eq!((status, failure.retryable), (status, retryable));
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let after = |value: &str| {
            let failure = answered(429, &[("retry-after", value)], b"").expect_err("a failure");
            failure.retry_after
        };
        assert_eq!(after(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(90));
        assert!(after(&later).is_some_and(|delay| delay > Duration::from_secs(60)));
        assert_eq!(after("soon"), None);
    }

    #[test]
    fn a_refusal_is_told_in_the_collectors_words() {
        let status = RpcStatus {
            message: "no such space".to_owned(),
        };
        let protobuf = status.encode_to_vec();
        for (kind, body) in [
            ("application/x-protobuf", protobuf.as_slice()),
            (
                "application/json; charset=utf-8",
                br#"{"code": 7, "message": "no such space"}"#,
            ),
            ("text/plain", b"no such space\n"),
            ("", b"no such space"),
        ] {
            let failure = answered(403, &[("content-type", kind)], body).expect_err("a failure");
            assert_eq!(
                (&*failure.code, &*failure.message),
                ("HTTP 403", "no such space")
            );
            assert!(failure.remedy.contains("ARIZE_API_KEY"));
        }
        assert_eq!(
            answered(404, &[], b"").expect_err("a failure").message,
            "Not Found"
        );
    }

    #[test]
    fn success_is_told_in_protobuf_or_json_but_not_on_a_web_page() {
        let json = [("content-type", "application/json")];
        let rejected = br#"{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "old"}}"#;
        assert_eq!(
            answered(200, &json, rejected).expect("taken"),
            (2, "old".to_owned())
        );
        let number = br#"{"partialSuccess": {"rejectedSpans": 2}}"#;
        assert_eq!(answered(200, &json, number).expect("taken").0, 2);
        for body in [&b""[..], b"{}", b"OK"] {
            assert_eq!(
                answered(202, &json, body).expect("taken"),
                (0, String::new())
            );
        }
        let page = answered(200, &[("content-type", "text/html")], b"<html>").expect_err("no OTLP");
        assert!(
            !page.retryable && page.message == "a web page" && page.remedy.contains("/v1/traces")
        );
    }
}
