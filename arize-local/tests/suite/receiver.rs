//! The receiver alone.

use std::time::{Duration, Instant};

use arize_local::{Answer, Receiver};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::trace::v1::Span;
use tonic::Code;
use tonic::codec::CompressionEncoding;

use crate::agent::{Export, SpanExt};

pub(crate) async fn receiver() -> Receiver {
    Receiver::bind("127.0.0.1:0".parse().expect("an address"))
        .await
        .expect("a free port")
}

/// A receiver with an HTTP port.
pub(crate) async fn both() -> Receiver {
    receiver()
        .await
        .with_http("127.0.0.1:0".parse().expect("an address"))
        .await
        .expect("a free port")
}

fn span(trace: u8, id: u8, name: &str) -> Span {
    Span {
        trace_id: vec![trace; 16],
        span_id: vec![id; 8],
        name: name.to_owned(),
        ..Span::default()
    }
}

/// Exports over a connection of its own.
pub(crate) async fn export(
    endpoint: &str,
    export: Export,
) -> Result<ExportTraceServiceResponse, tonic::Status> {
    let client = TraceServiceClient::connect(endpoint.to_owned()).await;
    let mut client = client.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
    client
        .export(export.request())
        .await
        .map(tonic::Response::into_inner)
}

#[tokio::test]
async fn requests_and_spans_are_kept_in_arrival_order() {
    let receiver = receiver().await;
    let mut first = span(1, 1, "first");
    first.set("input.value", "a");
    first.attributes.push(first.attributes[0].clone());
    export(
        &receiver.endpoint(),
        Export::new("S", vec![first, span(2, 2, "second")]),
    )
    .await
    .expect("is taken");
    export(
        &receiver.endpoint(),
        Export::new("T", vec![span(1, 3, "third")]),
    )
    .await
    .expect("is taken");

    let names: Vec<String> = receiver.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["first", "second", "third"]);
    let trace = receiver.trace(&"01".repeat(16));
    assert_eq!(
        trace
            .iter()
            .map(|span| span.name.as_str())
            .collect::<Vec<_>>(),
        ["first", "third"]
    );
    assert_eq!(trace[0].attributes.len(), 2, "a key sent twice stays");
    assert_eq!(trace[0].space_header.as_deref(), Some("S"));
    assert_eq!(trace[1].parent_span_id, None);
    let requests = receiver.requests();
    assert_eq!(
        (requests.len(), requests[1].header("space_id")),
        (2, Some("T"))
    );
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn gzip_is_understood() {
    let receiver = receiver().await;
    let client = TraceServiceClient::connect(receiver.endpoint())
        .await
        .expect("connects");
    let mut client = client.send_compressed(CompressionEncoding::Gzip);
    client
        .export(Export::new("S", vec![span(1, 1, "zipped")]).request())
        .await
        .expect("is taken");
    assert_eq!(receiver.requests()[0].header("grpc-encoding"), Some("gzip"));
    assert_eq!(receiver.spans()[0].name, "zipped");
}

#[tokio::test]
async fn answers_can_be_chosen() {
    let receiver = receiver().await;
    let send = || export_to(&receiver);
    receiver.answer_with(Answer::Status(Code::PermissionDenied, "wrong key".into()));
    let status = send().await.expect_err("is refused");
    assert_eq!(
        (status.code(), status.message()),
        (Code::PermissionDenied, "wrong key")
    );
    assert_eq!(receiver.spans().len(), 0, "a refused request is not kept");

    receiver.answer_with(Answer::PartialSuccess {
        rejected: 3,
        message: "too old".into(),
    });
    let partial = send()
        .await
        .expect("is taken")
        .partial_success
        .expect("is partial");
    assert_eq!(
        (partial.rejected_spans, partial.error_message.as_str()),
        (3, "too old")
    );

    receiver.answer_with(Answer::Delay(Duration::from_millis(200)));
    let start = Instant::now();
    send().await.expect("is taken");
    assert!(start.elapsed() >= Duration::from_millis(200));

    receiver.answer_with(Answer::Ok);
    assert_eq!(send().await.expect("is taken").partial_success, None);
}

async fn export_to(receiver: &Receiver) -> Result<ExportTraceServiceResponse, tonic::Status> {
    export(
        &receiver.endpoint(),
        Export::new("S", vec![span(1, 1, "a")]),
    )
    .await
}

#[tokio::test]
async fn waiting_ends_when_there_is_enough_or_no_time() {
    let receiver = receiver().await;
    let waiting = receiver.clone();
    let wait = tokio::spawn(async move {
        waiting
            .wait_until(Duration::from_secs(10), |spans| spans.len() == 2)
            .await
    });
    export_to(&receiver).await.expect("is taken");
    export_to(&receiver).await.expect("is taken");
    assert_eq!(wait.await.expect("no panic").len(), 2);
    let too_many = receiver
        .wait_until(Duration::from_millis(50), |spans| spans.len() == 3)
        .await;
    assert_eq!(too_many.len(), 2, "what is there");
}

#[tokio::test]
async fn shutdown_closes_port_and_connections() {
    let receiver = receiver().await;
    let addr = receiver.local_addr();
    let mut client = TraceServiceClient::connect(receiver.endpoint())
        .await
        .expect("connects");
    client
        .export(Export::new("S", vec![span(1, 1, "a")]).request())
        .await
        .expect("is taken");
    let start = Instant::now();
    receiver.shutdown().await;
    receiver.shutdown().await; // a second time is harmless
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "an open connection does not hold it up"
    );
    client
        .export(Export::new("S", vec![span(1, 2, "b")]).request())
        .await
        .expect_err("nobody is there");
    assert_eq!(receiver.spans().len(), 1, "what came before stays readable");

    let again = Receiver::bind(addr).await.expect("the port is free again");
    export_to(&again).await.expect("is taken");
}

#[tokio::test]
async fn the_last_handle_closes_the_port() {
    let receiver = receiver().await;
    let endpoint = receiver.endpoint();
    let clone = receiver.clone();
    drop(receiver);
    export_to(&clone).await.expect("one handle is left");
    drop(clone);
    let deadline = Instant::now() + Duration::from_secs(10);
    while export(&endpoint, Export::new("S", Vec::new()))
        .await
        .is_ok()
    {
        assert!(Instant::now() < deadline, "somebody still answers");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
