//! What arrives, and with which headers.

use super::*;

over_both! {
    spans_of_several_spaces_arrive_with_their_headers,
    a_span_may_set_its_route_and_each_key_arrives_once,
    a_batch_goes_by_itself_after_its_delay,
    requests_stay_below_4_mib_and_a_larger_span_is_lost_alone,
    the_environment_cannot_change_the_space,
}

async fn spans_of_several_spaces_arrive_with_their_headers(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire
        .registration(&receiver)
        .header("authorization", "Bearer other")
        .header("space_id", "other")
        .header("x-team", "blue")
        .resource_attribute("service.name", "agent")
        .build()
        .expect("a good configuration");
    let spaces = [SPACE, "space-b", "space-c"];
    (0..9).for_each(|n| span(&arize, spaces[n % 3], []));
    arize.force_flush(LONG).await.expect("everything is sent");

    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        let space = request.header("arize-space-id").expect("a space");
        assert!(spaces.contains(&space));
        assert_eq!(request.header("space_id"), Some(space));
        for (name, value) in [
            ("authorization", "test-key"),
            ("api_key", "test-key"),
            ("arize-interface", "otel"),
            ("sdk-language", "rust"),
            ("sdk-version", env!("CARGO_PKG_VERSION")),
            ("sdk-package-name", "arize-runtime"),
            ("x-team", "blue"),
        ] {
            assert_eq!(request.header(name), Some(value), "{name}");
        }
        assert!(
            request
                .header("user-agent")
                .is_some_and(|ua| ua.starts_with("arize-runtime/"))
        );
        for span in request.spans.iter() {
            assert_eq!(span.attr_str("arize.space_id"), Some(space));
            assert_eq!(span.attr_str("arize.project.name"), Some("project"));
        }
        let resource = |key| {
            request.resources[0]
                .iter()
                .filter(|(k, _)| k == key)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            resource("openinference.project.name")[0].1.as_str(),
            Some("project")
        );
        assert_eq!(resource("service.name")[0].1.as_str(), Some("agent"));
    }
    assert_eq!(receiver.spans().len(), 9);
    let stats = arize.stats();
    assert_eq!((stats.ended, stats.exported, stats.pending), (9, 9, 0));
}

async fn the_environment_cannot_change_the_space(wire: Wire) {
    let headers = "arize-space-id=LEAK,space_id=LEAK,authorization=LEAK,api_key=LEAK";
    let variables = [
        ("OTEL_EXPORTER_OTLP_HEADERS", headers),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", headers),
    ];
    let module = wire.code("grpc", "http");
    let test = format!("delivery::{module}::the_environment_cannot_change_the_space");
    if alone(&test, &variables).is_err() {
        return;
    }
    assert!(std::env::var_os("OTEL_EXPORTER_OTLP_HEADERS").is_some());
    let receiver = wire.receiver().await;
    let arize = wire.pipeline(&receiver);
    span(&arize, SPACE, []);
    arize.shutdown(LONG).await.expect("everything is sent");
    let request = &receiver.requests()[0];
    assert_eq!(request.header("arize-space-id"), Some(SPACE));
    assert!(request.metadata.iter().all(|(_, value)| value != "LEAK"));
}

async fn a_span_may_set_its_route_and_each_key_arrives_once(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire.pipeline(&receiver);
    let attributes = [("arize.space_id", " own== "), ("k", "1"), ("k", "2")];
    span(
        &arize,
        SPACE,
        attributes.map(|(key, value)| KeyValue::new(key, value)),
    );
    arize.force_flush(LONG).await.expect("everything is sent");
    let request = &receiver.requests()[0];
    assert_eq!(request.header("arize-space-id"), Some("own=="));
    let mut attributes: Vec<_> = request.spans[0]
        .attributes
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    attributes.sort_unstable();
    let expected = [
        ("arize.project.name", "project"),
        ("arize.space_id", "own=="),
        ("k", "2"),
    ];
    assert_eq!(attributes, expected.map(|(key, value)| (key, Some(value))));
}

async fn a_batch_goes_by_itself_after_its_delay(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire
        .registration(&receiver)
        .batch_delay(Duration::from_millis(50))
        .build()
        .expect("good");
    for n in 1..=3 {
        span(&arize, SPACE, []);
        let arrived = receiver.wait_until(LONG, |spans| spans.len() == n).await;
        assert_eq!(arrived.len(), n);
    }
}

async fn requests_stay_below_4_mib_and_a_larger_span_is_lost_alone(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire
        .registration(&receiver)
        .max_value_length(usize::MAX)
        .build()
        .expect("a good configuration");
    for _ in 0..20 {
        span(&arize, SPACE, [KeyValue::new("text", "x".repeat(500_000))]);
    }
    span(
        &arize,
        SPACE,
        [KeyValue::new("text", "x".repeat(5_000_000))],
    );
    let error = arize.force_flush(LONG).await.expect_err("one is too large");
    assert_eq!((error.lost.of(Loss::TooLarge), error.lost.total()), (1, 1));
    assert_eq!((receiver.spans().len(), receiver.requests().len()), (20, 3));
}

#[tokio::test]
async fn a_thousand_spaces_share_a_thread_and_a_connection() {
    if alone(
        "delivery::a_thousand_spaces_share_a_thread_and_a_connection",
        &[],
    )
    .is_err()
    {
        return;
    }
    let receiver = receiver().await;
    let arize = pipeline(&receiver);
    for n in 0..5_000 {
        span(&arize, &format!("space-{}", n % 1_000), []);
    }
    arize.force_flush(LONG).await.expect("everything is sent");
    assert_eq!(
        (receiver.spans().len(), receiver.requests().len()),
        (5_000, 1_000)
    );
    assert_eq!((receiver.connections(), threads("arize-")), (1, 1));
    for request in receiver.requests() {
        let space = request.header("arize-space-id");
        assert!(
            request
                .spans
                .iter()
                .all(|span| span.attr_str("arize.space_id") == space)
        );
    }
    arize.shutdown(LONG).await.expect("nothing is left");
    assert_eq!(threads("arize-"), 0);
}
