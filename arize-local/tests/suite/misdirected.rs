//! Exporters that speak the wrong protocol, or to the wrong path.

use std::time::Duration;

use arize_local::Receiver;
use http::StatusCode;
use opentelemetry_sdk::trace::SpanExporter as _;
use serde_json::json;
use tonic::Code;

use crate::exporter::{span_data, span_exporter_grpc, span_exporter_http};
use crate::http::{JSON, json_of, request, send, traces};
use crate::receiver::both;

#[tokio::test]
async fn the_wrong_protocol_is_refused_in_words_that_its_exporter_reports() {
    let receiver = both().await;
    let http = span_exporter_http(&(receiver.endpoint() + "/v1/traces"), |builder| builder);
    http.export(vec![span_data("a")])
        .await
        .expect_err("is refused");
    let response = send(request(&(receiver.endpoint() + "/v1/traces"), JSON, "{}")).await;
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let text = json_of(&response)["message"].to_string();
    assert!(
        text.contains("OTLP/gRPC only") && text.contains(&traces(&receiver)),
        "{text}"
    );

    let grpc = span_exporter_grpc(&receiver.http_endpoint().expect("is there"), |builder| {
        builder
    });
    let error = grpc
        .export(vec![span_data("a")])
        .await
        .expect_err("is refused");
    let export = crate::agent::Export::new("S", Vec::new());
    let status =
        crate::receiver::export(&receiver.http_endpoint().expect("is there"), export).await;
    let status = status.expect_err("is refused");
    assert_eq!(status.code(), Code::Unimplemented, "{error}");
    assert!(status.message().contains("OTLP/HTTP only"), "{status}");
    assert!(status.message().contains(&receiver.endpoint()), "{status}");
    assert_eq!(receiver.requests().len(), 0);
}

/// The `received` check of an agent that exports nothing, after these requests have come.
async fn received(receiver: &Receiver) -> String {
    let agent = crate::agent::serve(
        "http://127.0.0.1:1",
        |_| crate::agent::Reply::ok(Vec::new()),
    )
    .await;
    let report = arize_local::Experiment::new(agent)
        .rows(vec![json!({"row": 1}).into()])
        .wait(Duration::ZERO)
        .run(receiver)
        .await;
    let check = report
        .checks
        .iter()
        .find(|check| check.name == "received")
        .expect("is judged");
    assert!(!check.ok());
    format!("{} -> {}", check.detail, check.remedy.expect("is there"))
}

#[tokio::test]
async fn an_agent_with_the_wrong_protocol_is_told_so() {
    let receiver = both().await;
    let http = span_exporter_http(&(receiver.endpoint() + "/v1/traces"), |builder| builder);
    for _ in 0..2 {
        http.export(vec![span_data("a")])
            .await
            .expect_err("is refused");
    }
    let told = received(&receiver).await;
    let came = format!(
        "2 OTLP/HTTP requests came to the gRPC port {}",
        receiver.local_addr()
    );
    assert!(
        told.contains(&came) && told.contains("OTEL_EXPORTER_OTLP_PROTOCOL=grpc"),
        "{told}"
    );
    let right = receiver.http_endpoint().expect("there is an HTTP port");
    assert!(
        told.contains(&format!("OTLP/HTTP is received at {right}")),
        "{told}"
    );

    let receiver = both().await;
    let endpoint = receiver.http_endpoint().expect("there is an HTTP port");
    let grpc = span_exporter_grpc(&endpoint, |builder| builder);
    grpc.export(vec![span_data("a")])
        .await
        .expect_err("is refused");
    let told = received(&receiver).await;
    let came = format!(
        "1 OTLP/gRPC request came to the HTTP port {}",
        &endpoint["http://".len()..]
    );
    assert!(
        told.contains(&came) && told.contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"),
        "{told}"
    );

    let receiver = both().await;
    let endpoint = receiver.http_endpoint().expect("there is an HTTP port");
    let verbatim = span_exporter_http(&(endpoint + "/v1"), |builder| builder);
    verbatim
        .export(vec![span_data("a")])
        .await
        .expect_err("is refused");
    let told = received(&receiver).await;
    assert!(
        told.contains("the path `/v1`") && told.contains("`/v1/traces`"),
        "{told}"
    );
}
