//! Export: what reaches the collector, what the handle says of the rest, and from where it can be called.

use std::time::{Duration, Instant};

use arize_local::{Answer, Receiver};
use arize_runtime::{Loss, Routing, RoutingFutureExt as _, tool};
use opentelemetry::context::FutureExt as _;

use crate::harness::{Pipeline, SOON, any_port, registration};

#[tool]
async fn work(n: u32) -> u32 {
    n
}

async fn work_in(pipeline: &Pipeline, space: &str) {
    let routing = Routing::new(space, "p").unwrap();
    async { work(1).with_routing(routing).await }
        .with_context(pipeline.context())
        .await;
}

#[tokio::test]
async fn every_space_has_its_headers_and_all_share_one_connection() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let arize = registration(&receiver, &[("ARIZE_API_KEY", "key")])
        .header("x-team", "travel")
        .header("arize-space-id", "smuggled")
        .header("authorization", "smuggled")
        .build()
        .unwrap();
    let pipeline = Pipeline { receiver, arize };
    for n in 0..20 {
        work_in(&pipeline, &format!("space-{n}")).await;
    }
    pipeline.arize.shutdown(SOON).await.unwrap();
    let requests = pipeline.receiver.requests();
    assert_eq!(requests.len(), 20);
    for request in &requests {
        let space = request.spans[0].attr_str("arize.space_id").unwrap();
        let all = |name: &str| {
            let lines = request.metadata.iter().filter(|(key, _)| key == name);
            lines.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(
            (all("arize-space-id"), all("space_id")),
            (vec![space], vec![space])
        );
        assert_eq!(
            (all("authorization"), all("api_key")),
            (vec!["key"], vec!["key"])
        );
        assert_eq!(
            (all("arize-interface"), all("x-team")),
            (vec!["otel"], vec!["travel"])
        );
    }
    assert_eq!(pipeline.receiver.connections(), 1);
    let stats = pipeline.arize.stats();
    assert_eq!((stats.ended, stats.exported, stats.pending), (20, 20, 0));
}

#[tokio::test]
async fn shutdown_counts_what_a_refusing_collector_loses_and_a_second_one_is_harmless() {
    let pipeline = Pipeline::start(&[]).await;
    pipeline.receiver.answer_with(Answer::Status(
        tonic::Code::PermissionDenied,
        "no such space".into(),
    ));
    work_in(&pipeline, "a").await;
    work_in(&pipeline, "b").await;
    let error = pipeline.arize.shutdown(SOON).await.unwrap_err();
    assert_eq!((error.lost.of(Loss::Failed), error.pending), (2, 0));
    assert!(error.to_string().contains("2 failed"), "{error}");
    assert!(error.to_string().contains("no such space"), "{error}");
    pipeline.arize.shutdown(SOON).await.unwrap();
}

#[tokio::test]
async fn shutdown_keeps_its_deadline_when_the_collector_hangs() {
    let pipeline = Pipeline::start(&[]).await;
    pipeline
        .receiver
        .answer_with(Answer::Delay(Duration::from_secs(60)));
    for n in 0..5 {
        work_in(&pipeline, &n.to_string()).await;
    }
    let start = Instant::now();
    let error = pipeline
        .arize
        .shutdown(Duration::from_millis(300))
        .await
        .unwrap_err();
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "took {:?}",
        start.elapsed()
    );
    assert_eq!(error.lost.total() + error.pending, 5, "{error}");
    let stats = pipeline.arize.stats();
    assert_eq!(
        (stats.ended, stats.pending, stats.dropped.of(Loss::Failed)),
        (5, 0, 5)
    );
}

#[tokio::test]
async fn a_partial_success_is_counted() {
    let pipeline = Pipeline::start(&[]).await;
    pipeline.receiver.answer_with(Answer::PartialSuccess {
        rejected: 1,
        message: "too old".into(),
    });
    work_in(&pipeline, "a").await;
    let error = pipeline.arize.force_flush(SOON).await.unwrap_err();
    assert_eq!(error.lost.of(Loss::Rejected), 1);
    assert_eq!(pipeline.arize.stats().exported, 0);
}

#[tokio::test]
async fn a_space_that_is_not_allowed_is_denied_and_does_not_fall_back() {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let arize = registration(
        &receiver,
        &[("ARIZE_SPACE_ID", "mine"), ("ARIZE_PROJECT_NAME", "p")],
    )
    .allow_spaces(["mine"])
    .build()
    .unwrap();
    let pipeline = Pipeline { receiver, arize };
    work_in(&pipeline, "mine").await;
    work_in(&pipeline, "a stranger's").await;
    assert_eq!(pipeline.spans().await.len(), 1);
    assert_eq!(pipeline.arize.stats().dropped.of(Loss::Denied), 1);
}

#[tokio::test]
async fn after_shutdown_annotated_functions_are_bare_and_late_spans_are_counted() {
    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    let pipeline = Pipeline::start(&[]).await;
    let mut open = pipeline
        .arize
        .tracer_provider()
        .tracer("by hand")
        .start("open");
    open.set_attributes(Routing::new("s", "p").unwrap().attributes());
    work_in(&pipeline, "a").await;
    assert_eq!(pipeline.arize.stats().unstarted_calls, 0);
    pipeline.arize.shutdown(SOON).await.unwrap();
    work_in(&pipeline, "a").await;
    work_in(&pipeline, "b").await;
    open.end();
    let stats = pipeline.arize.stats();
    assert_eq!((stats.ended, stats.exported), (2, 1));
    assert_eq!(
        (stats.dropped.of(Loss::Late), stats.unstarted_calls),
        (1, 2)
    );
    assert_eq!(pipeline.receiver.spans().len(), 1);
}

/// One runtime of each kind, each with one span to flush.
#[test]
fn flush_and_shutdown_work_on_every_runtime_and_on_none() {
    let collector = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let receiver = collector.block_on(Receiver::bind(any_port())).unwrap();
    let fresh = || {
        let arize = registration(&receiver, &[]).build().unwrap();
        Pipeline {
            receiver: receiver.clone(),
            arize,
        }
    };
    let current = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let multi = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    for (name, runtime) in [("current", &current), ("multi", &multi)] {
        runtime.block_on(async {
            let pipeline = fresh();
            work_in(&pipeline, name).await;
            pipeline.arize.force_flush(SOON).await.unwrap();
            work_in(&pipeline, name).await;
            pipeline.arize.shutdown(SOON).await.unwrap();
        });
        runtime.block_on(async {
            let pipeline = fresh();
            work_in(&pipeline, name).await;
            pipeline.arize.shutdown_blocking(SOON).unwrap();
        });
    }
    let pipeline = fresh();
    futures_executor::block_on(async {
        work_in(&pipeline, "none").await;
        pipeline.arize.force_flush(SOON).await.unwrap();
        work_in(&pipeline, "none").await;
    });
    pipeline.arize.shutdown_blocking(SOON).unwrap();
    // dropping flushes too
    let dropped = fresh();
    futures_executor::block_on(work_in(&dropped, "none"));
    drop(dropped);
    assert_eq!(receiver.spans().len(), 9);
}
