//! A collector that takes less in one request than most do: requests are split until they get through, and later
//! ones are made smaller.

use std::sync::{Arc, Mutex};

use arize_runtime::LossEvent;

use super::*;

over_both! {
    a_request_that_is_too_large_is_split_and_later_ones_are_smaller,
    a_span_above_the_limit_is_lost_alone,
    a_collector_that_takes_nothing_is_not_asked_for_ever,
    what_is_not_spans_counts_too,
}

/// A registration whose spans may be large, and what its hook was told.
fn build(wire: Wire, receiver: &Receiver) -> (Arize, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let theirs = told.clone();
    let arize = wire
        .registration(receiver)
        .max_value_length(usize::MAX)
        .on_loss(move |event: LossEvent<'_>| {
            let (loss, spans) = (event.loss.as_str(), event.spans);
            let (space, cause) = (event.space_id, event.cause);
            let event = format!(
                "{spans} {loss} of {}: {}",
                space.unwrap_or_default(),
                cause.unwrap_or_default()
            );
            theirs.lock().expect("no panic").push(event);
        })
        .build()
        .expect("a good configuration");
    (arize, told)
}

/// A span of a little more than so many bytes.
fn large(arize: &Arize, space: &str, bytes: usize) {
    span(arize, space, [KeyValue::new("text", "x".repeat(bytes))]);
}

/// How many requests were refused by a limit, which every request meets.
fn refused(receiver: &Receiver) -> usize {
    receiver.faulted() - receiver.requests().len()
}

async fn a_request_that_is_too_large_is_split_and_later_ones_are_smaller(wire: Wire) {
    for limit in [Answer::Limit(300_000), Answer::TonicLimit(300_000)] {
        let receiver = wire.receiver().await;
        let (arize, told) = build(wire, &receiver);
        receiver.answer_with(limit);
        for _ in 0..40 {
            large(&arize, SPACE, 50_000);
        }
        arize.force_flush(LONG).await.expect("in parts all is sent");
        assert_eq!(receiver.spans().len(), 40);
        let first = refused(&receiver);
        // 2 MB, 1 MB twice, 500 kB four times
        assert!((1..=7).contains(&first), "{first}");
        for n in 0..40 {
            large(&arize, &format!("space-{}", n % 2), 50_000);
        }
        arize.force_flush(LONG).await.expect("everything is sent");
        assert_eq!(receiver.spans().len(), 80);
        assert_eq!(refused(&receiver), first, "batches are small enough now");
        assert_eq!(arize.stats().exported, 80);
        assert!(told.lock().expect("no panic").is_empty());
    }
}

async fn a_span_above_the_limit_is_lost_alone(wire: Wire) {
    let receiver = wire.receiver().await;
    let (arize, told) = build(wire, &receiver);
    receiver.answer_with(Answer::Limit(100_000));
    for n in 0..11 {
        large(&arize, SPACE, if n == 4 { 200_000 } else { 20_000 });
    }
    let error = arize.force_flush(LONG).await.expect_err("one is too large");
    assert_eq!((error.lost.of(Loss::TooLarge), error.lost.total()), (1, 1));
    assert_eq!((error.pending, receiver.spans().len()), (0, 10));
    let told = told.lock().expect("no panic");
    let code = wire.code("RESOURCE_EXHAUSTED", "HTTP 413");
    let start = format!("1 too large of {SPACE}: {code}: grpc: received message larger than max");
    assert!(told.len() == 1 && told[0].starts_with(&start), "{told:?}");
}

/// A proxy that refuses whatever comes: halves of halves end at single spans.
async fn a_collector_that_takes_nothing_is_not_asked_for_ever(wire: Wire) {
    let receiver = wire.receiver().await;
    let (arize, told) = build(wire, &receiver);
    receiver.answer_with(Answer::HttpStatus(::http::StatusCode::PAYLOAD_TOO_LARGE));
    spans(&arize, SPACE, 16);
    spans(&arize, "other", 1);
    let error = arize.force_flush(LONG).await.expect_err("all are refused");
    assert_eq!((error.lost.of(Loss::TooLarge), error.pending), (17, 0));
    assert_eq!(told.lock().expect("no panic").len(), 17);
    assert_eq!(receiver.faulted(), 16 + 15 + 1);
}

/// The resource is in every request: what was learned of their size is of them with it.
async fn what_is_not_spans_counts_too(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire
        .registration(&receiver)
        .resource_attribute("large", "x".repeat(30_000))
        .build()
        .expect("a good configuration");
    receiver.answer_with(Answer::Limit(100_000));
    // 160 kB with the resource, so that 80 kB are learned: halves of 95 kB get through
    (0..10).for_each(|_| large(&arize, SPACE, 13_000));
    arize.force_flush(LONG).await.expect("in parts all is sent");
    assert_eq!(refused(&receiver), 1);
    (0..20).for_each(|_| large(&arize, SPACE, 13_000));
    arize.force_flush(LONG).await.expect("everything is sent");
    assert_eq!((refused(&receiver), receiver.spans().len()), (1, 30));
}
