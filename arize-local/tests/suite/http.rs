//! The receiver's HTTP port, against real exporters and hand-made requests.

use std::io::Write as _;
use std::time::Duration;

use arize_local::{Answer, AttributeValue, Protocol, Receiver};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_sdk::trace::SpanExporter as _;
use prost::Message;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Code;

use crate::exporter::{span_data, span_exporter_grpc, span_exporter_http};
use crate::receiver::{both, receiver};

const PROTOBUF: &str = "application/x-protobuf";
pub(crate) const JSON: &str = "application/json";

pub(crate) fn traces(receiver: &Receiver) -> String {
    receiver.http_endpoint().expect("there is an HTTP port") + "/v1/traces"
}

pub(crate) fn request(
    url: &str,
    content_type: &str,
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    Request::post(url)
        .header("content-type", content_type)
        .body(Full::new(body.into()))
        .expect("is a request")
}

pub(crate) async fn send(request: Request<Full<Bytes>>) -> Response<Bytes> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (head, body) = client
        .request(request)
        .await
        .expect("is answered")
        .into_parts();
    let body = body.collect().await.expect("is read").to_bytes();
    Response::from_parts(head, body)
}

fn content_type(response: &Response<Bytes>) -> &str {
    response.headers()["content-type"]
        .to_str()
        .expect("is ASCII")
}

pub(crate) fn json_of(response: &Response<Bytes>) -> Value {
    assert_eq!(content_type(response), JSON);
    serde_json::from_slice(response.body()).expect("is JSON")
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).expect("is written");
    encoder.finish().expect("is written")
}

fn one_span(name: &str) -> String {
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "s"}}]},
        "scopeSpans": [{"scope": {"name": "lib"}, "spans": [{
            "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174", "name": name,
            "attributes": [{"key": "n", "value": {"intValue": "3"}}],
        }]}],
    }]})
    .to_string()
}

#[tokio::test]
async fn real_exporters_are_understood_over_both_ports() {
    let receiver = both().await;
    let grpc = span_exporter_grpc(&receiver.endpoint(), |builder| {
        builder.with_compression(opentelemetry_otlp::Compression::Gzip)
    });
    grpc.export(vec![span_data("grpc")])
        .await
        .expect("is taken");
    for (protocol, name) in [
        (opentelemetry_otlp::Protocol::HttpBinary, "protobuf"),
        (opentelemetry_otlp::Protocol::HttpJson, "json"),
    ] {
        for gzip in [false, true] {
            let exporter = span_exporter_http(&traces(&receiver), |mut builder| {
                if gzip {
                    builder = builder.with_compression(opentelemetry_otlp::Compression::Gzip);
                }
                builder.with_protocol(protocol)
            });
            exporter
                .export(vec![span_data(name)])
                .await
                .expect("is taken");
        }
    }
    let came: Vec<(String, String)> = receiver
        .requests()
        .iter()
        .map(|request| (request.protocol.to_string(), request.spans[0].name.clone()))
        .collect();
    let came: Vec<(&str, &str)> = came.iter().map(|(a, b)| (&**a, &**b)).collect();
    assert_eq!(
        came,
        [
            ("grpc", "grpc"),
            ("http/protobuf", "protobuf"),
            ("http/protobuf", "protobuf"),
            ("http/json", "json"),
            ("http/json", "json"),
        ]
    );
    assert_eq!(
        receiver.requests()[4].header("content-encoding"),
        Some("gzip")
    );
    let spans = receiver.spans();
    for span in &spans {
        assert_eq!(
            (&span.trace_id, &span.attributes),
            (&spans[0].trace_id, &spans[0].attributes)
        );
        assert_eq!(span.start_unix_nano, spans[0].start_unix_nano);
        assert_eq!(span.attr_str("input.value"), Some("in"));
    }
}

#[tokio::test]
async fn success_is_answered_in_the_content_type_of_the_request() {
    let receiver = both().await;
    let response = send(request(
        &traces(&receiver),
        "application/json; charset=utf-8",
        one_span("a"),
    ))
    .await;
    assert_eq!(
        (response.status(), json_of(&response)),
        (StatusCode::OK, json!({}))
    );
    assert_eq!(
        receiver.spans()[0].trace_id,
        "5b8efff798038103d269b633813fc60c"
    );
    assert_eq!(receiver.spans()[0].attr("n"), Some(&AttributeValue::Int(3)));
    assert_eq!(receiver.requests()[0].protocol, Protocol::HttpJson);

    let response = send(request(&traces(&receiver), PROTOBUF, Bytes::new())).await;
    assert_eq!(
        (response.status(), content_type(&response)),
        (StatusCode::OK, PROTOBUF)
    );
    let taken = ExportTraceServiceResponse::decode(response.into_body()).expect("is a message");
    assert_eq!(taken.partial_success, None);
}

#[tokio::test]
async fn wrong_requests_are_answered_as_a_collector_does() {
    let receiver = both().await;
    let url = traces(&receiver);
    let elsewhere = url.replace("/v1/traces", "/v1/metrics");
    let encoded = |encoding, body: Vec<u8>| {
        let mut request = request(&url, JSON, body);
        request
            .headers_mut()
            .insert("content-encoding", http::HeaderValue::from_static(encoding));
        request
    };
    let mut get = request(&url, JSON, "");
    *get.method_mut() = http::Method::GET;
    for (request, status, code) in [
        (request(&elsewhere, JSON, "{}"), StatusCode::NOT_FOUND, 5),
        (get, StatusCode::METHOD_NOT_ALLOWED, 12),
        (request(&url, JSON, "{"), StatusCode::BAD_REQUEST, 3),
        (encoded("gzip", b"{}".into()), StatusCode::BAD_REQUEST, 3),
        (
            encoded("br", b"{}".into()),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            3,
        ),
        // 40 kB that would become 40 MB.
        (
            encoded("gzip", gzip(&vec![b' '; 40_000_000])),
            StatusCode::PAYLOAD_TOO_LARGE,
            8,
        ),
    ] {
        let what = format!("{request:?}");
        let response = send(request).await;
        assert_eq!(response.status(), status, "{what}");
        let body = json_of(&response);
        assert_eq!(body["code"], code, "{what}");
        assert!(
            body["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
    }
    let response = send(request(&url, PROTOBUF, "nonsense")).await;
    assert_eq!(
        (response.status(), content_type(&response)),
        (StatusCode::BAD_REQUEST, PROTOBUF)
    );
    let status = tonic_types::Status::decode(response.into_body()).expect("is a status");
    assert!(
        status.code == 3 && status.message.contains("not an export request"),
        "{status:?}"
    );
    let response = send(request(&url, "text/plain", "a")).await;
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(receiver.requests().len(), 0);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let receiver = both().await;
    let addr = receiver.http_addr().expect("there is an HTTP port");
    let mut stream = tokio::net::TcpStream::connect(addr)
        .await
        .expect("connects");
    let head = "POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 20971521\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("is written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("is text");
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn answers_can_be_chosen_over_http() {
    let receiver = both().await;
    let send = || send(request(&traces(&receiver), JSON, one_span("a")));
    for (code, status) in [
        (Code::Unavailable, 503),
        (Code::Unauthenticated, 401),
        (Code::PermissionDenied, 403),
        (Code::ResourceExhausted, 429),
        (Code::DeadlineExceeded, 504),
        (Code::Internal, 500),
    ] {
        receiver.answer_with(Answer::Status(code, "because".into()));
        let response = send().await;
        assert_eq!(response.status(), status);
        assert_eq!(
            json_of(&response),
            json!({"code": code as i32, "message": "because"})
        );
    }
    receiver.answer_with(Answer::Throttle(Duration::from_millis(1_200)));
    let response = send().await;
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["retry-after"]
        ),
        (429, &"2".parse().unwrap())
    );
    assert_eq!(receiver.spans().len(), 0, "a refused request is not kept");

    receiver.answer_with(Answer::PartialSuccess {
        rejected: 3,
        message: "too old".into(),
    });
    let partial = json!({"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too old"}});
    assert_eq!(json_of(&send().await), partial);
    assert_eq!(receiver.spans().len(), 1);
}

#[tokio::test]
async fn throttling_over_grpc_says_when_to_come_again() {
    use tonic_types::StatusExt as _;
    let receiver = receiver().await;
    receiver.answer_with(Answer::Throttle(Duration::from_millis(1_200)));
    let status = crate::receiver::export(
        &receiver.endpoint(),
        crate::agent::Export::new("S", Vec::new()),
    )
    .await;
    let status = status.expect_err("is refused");
    assert_eq!(status.code(), Code::ResourceExhausted);
    let retry = status.get_details_retry_info().expect("is there");
    assert_eq!(retry.retry_delay, Some(Duration::from_millis(1_200)));
}

#[tokio::test]
async fn a_shutdown_closes_the_http_port_too_and_there_is_only_one() {
    let receiver = both().await;
    let any = "127.0.0.1:0".parse().expect("an address");
    receiver
        .clone()
        .with_http(any)
        .await
        .expect_err("one is open");
    let addr = receiver.http_addr().expect("there is an HTTP port");
    receiver.shutdown().await;
    tokio::net::TcpListener::bind(addr)
        .await
        .expect("the port is free again");
}
