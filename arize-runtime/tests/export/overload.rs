//! More than the queue can hold: it is bounded in spans and bytes, shared between spaces, and what finds
//! no room is counted.

use super::*;

over_both! {
    a_space_that_floods_does_not_push_the_others_out,
    a_queue_that_is_full_is_sent_at_once,
}

#[tokio::test]
async fn unrouted_denied_and_surplus_spans_are_counted() {
    let receiver = receiver().await;
    let arize = registration(receiver.endpoint())
        .allow_spaces([SPACE])
        .max_queue_size(2)
        .build()
        .expect("a good configuration");
    receiver.answer_with(Answer::Delay(Duration::from_millis(200)));
    arize
        .tracer_provider()
        .tracer("test")
        .start("no route")
        .end();
    span(
        &arize,
        SPACE,
        [KeyValue::new("arize.space_id", "new\nline")],
    );
    span(&arize, SPACE, [KeyValue::new("arize.project.name", 7)]);
    span(&arize, "stranger", []);
    spans(&arize, SPACE, 5);
    let stats = arize.stats();
    let of = |loss| stats.dropped.of(loss);
    assert_eq!(
        (of(Loss::Unrouted), of(Loss::Denied), of(Loss::QueueFull)),
        (3, 1, 3)
    );
    assert_eq!((stats.ended, stats.pending), (9, 2));
    arize.shutdown(LONG).await.expect("nothing was lost since");
    assert_eq!(receiver.spans().len(), 2);
}

/// Nothing is answered, so that what is taken stays.
async fn stuck(wire: Wire) -> Receiver {
    let receiver = wire.receiver().await;
    receiver.answer_with(Answer::Delay(Duration::from_secs(60)));
    receiver
}

async fn a_space_that_floods_does_not_push_the_others_out(wire: Wire) {
    let receiver = stuck(wire).await;
    let arize = wire
        .registration(&receiver)
        .max_queue_size(2_000)
        .build()
        .expect("a good configuration");
    spans(&arize, "flood", 10_000);
    for n in 0..20 {
        spans(&arize, &format!("calm-{n}"), 10);
    }
    let stats = arize.stats();
    let calm = |space: &arize_runtime::SpaceStats| space.space_id.starts_with("calm-");
    let (calm, flood): (Vec<_>, Vec<_>) = stats.spaces.iter().partition(|space| calm(space));
    assert_eq!((flood[0].pending, flood[0].dropped.total()), (1_751, 8_249));
    assert_eq!(calm.len(), 20);
    assert!(calm.iter().all(|space| space.pending == 10));
    assert_eq!(stats.dropped.of(Loss::QueueFull), 8_249);
    let _given_up = arize.shutdown(Duration::ZERO).await;
}

async fn a_queue_that_is_full_is_sent_at_once(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire
        .registration(&receiver)
        .max_queue_size(10)
        .build()
        .expect("good");
    spans(&arize, SPACE, 20);
    let arrived = receiver.wait_until(LONG, |spans| !spans.is_empty()).await;
    assert!(arrived.len() >= 9, "one space's share: {}", arrived.len());
    for _ in 1..=3 {
        arize.force_flush(LONG).await.expect("everything is sent");
        let before = arize.stats();
        spans(&arize, SPACE, 6);
        assert_eq!(arize.stats().dropped, before.dropped, "there is room again");
    }
}

#[tokio::test]
async fn one_space_may_have_the_whole_queue_where_there_is_no_other() {
    let receiver = stuck(Wire::Grpc).await;
    let arize = arize_runtime::register()
        .with_environment(|_| None)
        .endpoint(receiver.endpoint())
        .space_id(SPACE)
        .project_name("project")
        .max_queue_size(10)
        .build()
        .expect("a good configuration");
    spans(&arize, "ignored", 15);
    let stats = arize.stats();
    assert_eq!((stats.pending, stats.dropped.of(Loss::QueueFull)), (10, 5));
    let _given_up = arize.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn the_queue_is_bounded_in_bytes() {
    let receiver = stuck(Wire::Grpc).await;
    let arize = registration(receiver.endpoint())
        .max_queue_bytes(1_000_000)
        .build()
        .expect("a good configuration");
    let text = |bytes| [KeyValue::new("text", "x".repeat(bytes))];
    span(&arize, SPACE, text(2_000_000));
    assert_eq!(arize.stats().dropped.of(Loss::TooLarge), 1);
    for n in 0..100 {
        span(&arize, &format!("space-{n}"), text(20_000));
    }
    let stats = arize.stats();
    assert!(
        (900_000..=1_000_000).contains(&stats.pending_bytes),
        "{stats:?}"
    );
    assert_eq!(stats.pending + stats.dropped.of(Loss::QueueFull), 100);
    assert!((40..50).contains(&stats.pending), "{stats:?}");
    let _given_up = arize.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn the_bytes_of_what_was_sent_are_free_again() {
    let receiver = receiver().await;
    let arize = registration(receiver.endpoint())
        .max_queue_bytes(1_000_000)
        .build()
        .expect("a good configuration");
    for round in 1..=20 {
        span(&arize, SPACE, [KeyValue::new("text", "x".repeat(400_000))]);
        arize.force_flush(LONG).await.expect("everything is sent");
        let stats = arize.stats();
        assert_eq!((stats.exported, stats.pending_bytes), (round, 0));
    }
}

/// The queue has room for nine of one space at a time; the collector takes its time.
#[tokio::test(flavor = "multi_thread")]
async fn a_thread_may_wait_for_room() {
    let receiver = receiver().await;
    receiver.answer_with(Answer::Delay(Duration::from_millis(50)));
    let arize = registration(receiver.endpoint())
        .max_queue_size(10)
        .wait_when_full(LONG)
        .build()
        .expect("a good configuration");
    spans(&arize, SPACE, 40);
    arize.shutdown(LONG).await.expect("everything is sent");
    let stats = arize.stats();
    assert_eq!((stats.ended, stats.exported), (40, 40));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_waits_no_longer_than_it_is_told() {
    let receiver = stuck(Wire::Grpc).await;
    let wait = Duration::from_millis(200);
    let build = |wait| {
        registration(receiver.endpoint())
            .max_queue_size(1)
            .wait_when_full(wait)
            .build()
            .expect("a good configuration")
    };
    let arize = build(wait);
    let start = Instant::now();
    spans(&arize, SPACE, 3);
    assert!(start.elapsed() >= 2 * wait, "{:?}", start.elapsed());
    assert_eq!(arize.stats().dropped.of(Loss::QueueFull), 2);
    let _given_up = arize.shutdown(Duration::ZERO).await;

    // and a shutdown ends the waiting
    let arize = std::sync::Arc::new(build(Duration::from_secs(600)));
    let theirs = arize.clone();
    let waits = std::thread::spawn(move || spans(&theirs, SPACE, 2));
    while arize.stats().pending == 0 {
        std::thread::yield_now();
    }
    let _hangs = arize.shutdown(wait).await;
    waits.join().expect("no panic");
    let stats = arize.stats();
    assert_eq!(
        (stats.dropped.of(Loss::Failed), stats.dropped.of(Loss::Late)),
        (1, 1)
    );
}

/// `Instant` cannot add as much: nothing may panic, here or on the export thread.
#[tokio::test(flavor = "multi_thread")]
async fn durations_may_be_as_long_as_they_can_be() {
    let receiver = receiver().await;
    let arize = registration(receiver.endpoint())
        .timeout(Duration::MAX)
        .batch_delay(Duration::MAX)
        .wait_when_full(Duration::MAX)
        .max_queue_size(1)
        .build()
        .expect("a good configuration");
    spans(&arize, SPACE, 3);
    arize
        .shutdown(Duration::MAX)
        .await
        .expect("everything is sent");
    assert_eq!(receiver.spans().len(), 3);
}

/// More in the queue is better than more requests: what is on its way will make room.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_not_sent_in_pieces_while_requests_are_under_way() {
    let receiver = receiver().await;
    receiver.answer_with(Answer::Hang);
    let arize = registration(receiver.endpoint())
        .max_queue_size(800)
        .build()
        .expect("a good configuration");
    spans(&arize, SPACE, 512); // a batch, which is sent
    while receiver.faulted() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    spans(&arize, SPACE, 500);
    assert!(arize.stats().dropped.of(Loss::QueueFull) > 0);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(receiver.faulted(), 1);
    receiver.answer_with(Answer::Ok);
}
