//! What a collector answers over HTTP.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use prost::Message;
use serde::Deserialize;

use super::otlp::decode_response;
use super::transport::{Answer, Failure, LIMITS, UNWELL};

pub(super) const PROTOBUF: &str = "application/x-protobuf";

/// What of a request tells why it was refused.
#[derive(Clone, Copy)]
pub(super) struct Sent {
    /// By its port.
    pub(super) looks_like_grpc: bool,
    pub(super) compressed: bool,
}

/// What the collector said of a request.
pub(super) fn answer(status: StatusCode, headers: &HeaderMap, body: &Bytes, sent: Sent) -> Answer {
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
    let too_large = status == StatusCode::PAYLOAD_TOO_LARGE
        // as the OpenTelemetry Collector says it
        || status == StatusCode::BAD_REQUEST && message.contains("request body too large");
    Err(Failure {
        code: format!("HTTP {}", status.as_u16()).into(),
        message,
        remedy: remedy(
            status,
            kind.starts_with("application/grpc"),
            too_large,
            sent,
        ),
        retryable: matches!(status.as_u16(), 429 | 502..=504),
        retry_after: headers.get(RETRY_AFTER).and_then(retry_after),
        answered: true,
        too_large,
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

pub(super) const MAYBE_GRPC: &str = "this is probably an OTLP/gRPC port; name the HTTP one (4318 by default), or choose gRPC: \
                          `.protocol(Protocol::Grpc)` or `OTEL_EXPORTER_OTLP_PROTOCOL=grpc`";

fn remedy(status: StatusCode, says_grpc: bool, too_large: bool, sent: Sent) -> &'static str {
    let grpc = sent.looks_like_grpc || says_grpc;
    match status.as_u16() {
        401 | 403 => "check `ARIZE_API_KEY`, and that the key may write to this space",
        _ if too_large => LIMITS,
        400..=499 if grpc => MAYBE_GRPC,
        415 if sent.compressed => {
            "the collector may not take gzip; leave out `.compression(..)` and \
             `OTEL_EXPORTER_OTLP_COMPRESSION`"
        }
        415 => MAYBE_GRPC,
        429 => LIMITS,
        502..=504 => UNWELL,
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING_SPECIAL: Sent = Sent {
        looks_like_grpc: false,
        compressed: false,
    };

    fn answered(status: u16, headers: &[(&'static str, &str)], body: &[u8]) -> Answer {
        let status = StatusCode::from_u16(status).expect("a status");
        let headers = headers.iter().map(|&(name, value)| {
            let value = HeaderValue::from_str(value).expect("a value");
            (http::HeaderName::from_static(name), value)
        });
        let body = Bytes::copy_from_slice(body);
        answer(status, &headers.collect(), &body, NOTHING_SPECIAL)
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
    fn a_request_that_is_too_large_is_told_as_such() {
        let too_large = |status, body: &[u8]| {
            let failure = answered(status, &[], body).expect_err("a failure");
            assert!(!(failure.too_large && failure.retryable));
            assert_eq!(failure.too_large, failure.remedy == LIMITS);
            failure.too_large
        };
        assert!(too_large(413, b""));
        assert!(too_large(400, b"http: request body too large"));
        assert!(!too_large(400, b"no protobuf"));
        assert!(!too_large(503, b"http: request body too large"));
    }

    #[test]
    fn a_type_that_is_not_supported_may_be_the_compression() {
        let told = |sent| {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let answer = answer(status, &HeaderMap::new(), &Bytes::new(), sent);
            answer.expect_err("a failure").remedy
        };
        let (compressed, looks_like_grpc) = (true, true);
        assert_eq!(told(NOTHING_SPECIAL), MAYBE_GRPC);
        let gzip = told(Sent {
            compressed,
            ..NOTHING_SPECIAL
        });
        assert!(gzip.contains("`.compression(..)`"), "{gzip}");
        let port = Sent {
            looks_like_grpc,
            compressed,
        };
        assert_eq!(told(port), MAYBE_GRPC);
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
