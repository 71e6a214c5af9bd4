//! A receiver that only counts, over every protocol.

use arize_local::{Counts, Receiver};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use crate::agent::{Export, SpanExt};
use crate::http::{JSON, request, send, traces};
use crate::receiver::{both, export};

fn span(id: u8, space: Option<&str>) -> Span {
    let mut span = Span {
        trace_id: vec![1; 16],
        span_id: vec![id; 8],
        name: "a".to_owned(),
        start_time_unix_nano: 7,
        ..Span::default()
    };
    span.set("input.value", "in");
    if let Some(space) = space {
        span.set("arize.space_id", space);
    }
    span.set("output.value", "out");
    span
}

/// Two spaces, a span that comes again, one that went astray and one that names no space.
async fn fill(receiver: &Receiver) {
    let a = || vec![span(1, Some("a")), span(2, Some("b")), span(3, None)];
    let b = || vec![span(4, Some("b"))];
    for (space, spans) in [("a", a()), ("b", b()), ("b", b())] {
        export(&receiver.endpoint(), Export::new(space, spans))
            .await
            .expect("is taken");
    }
}

#[tokio::test]
async fn spans_are_counted_by_space_and_not_kept() {
    for (receiver, ids) in [
        (both().await, true),
        (both().await.counting(), false),
        (both().await.counting_ids(), true),
    ] {
        fill(&receiver).await;
        let by_space = receiver.counts_by_space();
        let numbers = |counts: &Counts| (counts.requests, counts.spans, counts.misrouted);
        assert_eq!(numbers(&by_space["a"]), (1, 3, 1));
        assert_eq!(numbers(&by_space["b"]), (2, 2, 0));
        let total = receiver.counts();
        assert_eq!(numbers(&total), (3, 5, 1));
        assert_eq!(total.distinct_spans, ids.then_some(4));
        assert_eq!(by_space["b"].distinct_spans, ids.then_some(1));
    }
    let counting = both().await.counting();
    fill(&counting).await;
    assert!(counting.requests().is_empty() && counting.spans().is_empty());
}

#[tokio::test]
async fn what_comes_over_http_is_counted_as_well() {
    let receiver = both().await.counting_ids();
    let url = traces(&receiver);
    let message = Export::new("a", vec![span(1, Some("a")), span(2, Some("b"))]);
    let message = message.request().into_inner().encode_to_vec();
    let json = r#"{"resourceSpans": [{"scopeSpans": [{"spans": [
        {"traceId": "01010101010101010101010101010101", "spanId": "0101010101010101"}]}]}]}"#;
    let protobuf = "application/x-protobuf";
    for request in [
        request(&url, protobuf, message.clone()),
        request(&url, JSON, json),
        request(&url, protobuf, message[..message.len() - 1].to_vec()),
        request(&url, JSON, "{"),
    ] {
        let mut request = request;
        let headers = request.headers_mut();
        headers.insert("arize-space-id", "a".parse().expect("is a value"));
        send(request).await;
    }
    let counts = receiver.counts();
    assert_eq!(
        (counts.requests, counts.spans, counts.misrouted),
        (2, 3, 1),
        "what is broken does not count"
    );
    assert_eq!(counts.distinct_spans, Some(2));
}
