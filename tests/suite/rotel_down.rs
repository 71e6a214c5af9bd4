//! A collector that is not ours when it is down, when it ends, and when it refuses. `bash .ci/run collector`
//! runs it.

use std::time::Duration;

use arize_local::{Answer, Receiver};
use arize_runtime::{Loss, Routing, RoutingFutureExt as _, tool};
use opentelemetry::context::FutureExt as _;

use crate::harness::{Pipeline, SOON, any_port, registration};
use crate::processes::{ROUTED, agent, said, stderr};
use crate::rotel::{Ports, Rotel};

#[tool]
async fn search_flights(to: &str) -> usize {
    to.len()
}

async fn search_in(pipeline: &Pipeline, space: &str, to: &str) {
    let routing = Routing::new(space, "p").unwrap();
    async { search_flights(to).with_routing(routing).await }
        .with_context(pipeline.context())
        .await;
}

/// The receiver is behind the collector, which is where the pipeline sends.
async fn behind(ports: Ports) -> Pipeline {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let arize = registration(&receiver, &[])
        .endpoint(ports.grpc())
        .build()
        .unwrap();
    Pipeline { receiver, arize }
}

#[tokio::test]
#[ignore = "needs rotel; `bash .ci/run collector`"]
async fn a_collector_that_is_down_gets_the_spans_when_it_is_up_again() {
    let ports = Ports::free();
    let pipeline = behind(ports).await;
    let endpoint = pipeline.receiver.endpoint();
    let rotel = Rotel::start_on(ports, &endpoint, &[]).await;
    search_in(&pipeline, "a", "LIS").await;
    pipeline.arize.force_flush(SOON).await.unwrap();
    pipeline
        .receiver
        .wait_until(SOON, |spans| spans.len() == 1)
        .await;
    rotel.crash().await;
    for n in 0..10 {
        search_in(&pipeline, &format!("space-{n}"), "OSL").await;
    }
    let told = pipeline
        .arize
        .force_flush(Duration::from_millis(300))
        .await
        .unwrap_err();
    assert_eq!((told.lost.total(), told.pending), (0, 10), "{told}");
    assert!(
        told.to_string().contains("check that the collector runs"),
        "{told}"
    );
    let _up_again = Rotel::start_on(ports, &endpoint, &[]).await;
    pipeline.arize.shutdown(SOON).await.unwrap();
    let spans = pipeline
        .receiver
        .wait_until(SOON, |spans| spans.len() == 11)
        .await;
    assert_eq!(spans.len(), 11);
    let stats = pipeline.arize.stats();
    assert_eq!((stats.ended, stats.exported), (11, 11));
}

#[tokio::test]
#[ignore = "needs rotel; `bash .ci/run collector`"]
async fn exported_means_that_the_collector_has_them() {
    let ports = Ports::free();
    let pipeline = behind(ports).await;
    let endpoint = pipeline.receiver.endpoint();
    pipeline
        .receiver
        .answer_with(Answer::Status(tonic::Code::Unavailable, "not now".into()));
    let rotel = Rotel::start_on(ports, &endpoint, &[]).await;
    search_in(&pipeline, "a", "LIS").await;
    pipeline.arize.force_flush(SOON).await.unwrap();
    assert_eq!(pipeline.arize.stats().exported, 1, "taken by the collector");
    assert_eq!(pipeline.receiver.spans().len(), 0, "and not by Arize");
    pipeline.receiver.answer_with(Answer::Ok);
    pipeline
        .receiver
        .wait_until(SOON, |spans| spans.len() == 1)
        .await;
    assert_eq!(pipeline.receiver.spans().len(), 1, "the collector retries");

    // what Arize rejects, only the collector knows
    pipeline.receiver.answer_with(Answer::PartialSuccess {
        rejected: 1,
        message: "too old".into(),
    });
    search_in(&pipeline, "a", "LIS").await;
    pipeline.arize.force_flush(SOON).await.unwrap();
    pipeline
        .receiver
        .wait_until(SOON, |spans| spans.len() == 2)
        .await;
    let stats = pipeline.arize.stats();
    assert_eq!((stats.exported, stats.dropped.of(Loss::Rejected)), (2, 0));
    drop(rotel);
}

#[tokio::test]
#[ignore = "needs rotel; `bash .ci/run collector`"]
async fn the_agent_is_shut_down_then_the_collector_and_nothing_is_lost() {
    let ports = Ports::free();
    let pipeline = behind(ports).await;
    // a batch that only the end sends
    let slow = ["--batch-timeout", "1h"];
    let rotel = Rotel::start_on(ports, &pipeline.receiver.endpoint(), &slow).await;
    for n in 0..100 {
        search_in(&pipeline, &format!("space-{}", n % 7), "LIS").await;
    }
    pipeline.arize.shutdown(SOON).await.unwrap();
    assert_eq!(pipeline.receiver.spans().len(), 0);
    rotel.terminate().await;
    assert_eq!(pipeline.receiver.spans().len(), 100);
}

#[tokio::test]
#[ignore = "needs rotel; `bash .ci/run collector`"]
async fn what_is_too_large_for_the_collector_is_sent_in_parts_or_told_in_its_words() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let small = ["--otlp-grpc-max-recv-msg-size-mib", "1"];
    let rotel = Rotel::start(&receiver.endpoint(), &small).await;
    let arize = registration(&receiver, &[])
        .endpoint(rotel.ports.grpc())
        .max_value_length(2 << 20)
        .build()
        .unwrap();
    let pipeline = Pipeline { receiver, arize };
    for _ in 0..64 {
        search_in(&pipeline, "a", &"x".repeat(30_000)).await;
    }
    pipeline.arize.force_flush(SOON).await.unwrap();
    let receiver = &pipeline.receiver;
    let spans = receiver.wait_until(SOON, |spans| spans.len() == 64).await;
    assert_eq!(spans.len(), 64);

    search_in(&pipeline, "a", &"x".repeat(1_500_000)).await;
    let error = pipeline.arize.force_flush(SOON).await.unwrap_err();
    assert_eq!(error.lost.of(Loss::TooLarge), 1, "{error}");
    assert!(
        error
            .to_string()
            .contains("decoded message length too large"),
        "{error}"
    );
}

#[tokio::test]
#[ignore = "needs rotel; `bash .ci/run collector`"]
async fn a_wrong_port_of_the_collector_is_told_with_its_words_and_the_remedy() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let rotel = Rotel::start(&receiver.endpoint(), &[]).await;
    let told = async |endpoint: &str, protocol: &str| {
        let environment = [
            ("ARIZE_COLLECTOR_ENDPOINT", endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ];
        let output = agent(&["1", ROUTED], &environment).await;
        assert_eq!(said(&output)["dropped"], "3 failed");
        stderr(&output)
    };
    let of_http_port = told(&rotel.ports.http(), "grpc").await;
    for part in [
        &*rotel.ports.http(),
        "404",
        "OTLP/HTTP port",
        "Protocol::HttpProtobuf",
    ] {
        assert!(
            of_http_port.contains(part),
            "{part} is missing: {of_http_port}"
        );
    }
    let of_grpc_port = told(&rotel.ports.grpc(), "http/protobuf").await;
    for part in [&*rotel.ports.grpc(), "gRPC"] {
        assert!(
            of_grpc_port.contains(part),
            "{part} is missing: {of_grpc_port}"
        );
    }
}
