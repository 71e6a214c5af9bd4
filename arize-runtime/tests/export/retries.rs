//! When a request is sent again: not before the collector's time for it, and less and less often.

use super::*;

over_both! {
    a_throttled_space_is_asked_again_when_the_collector_says,
    a_flush_does_not_ask_before_the_collectors_time,
    a_space_that_is_throttled_for_long_is_asked_once,
    a_full_queue_does_not_hurry_a_collector_that_is_overloaded,
}

async fn a_throttled_space_is_asked_again_when_the_collector_says(wire: Wire) {
    let pause = Duration::from_secs(2); // HTTP knows whole seconds
    let receiver = wire.receiver().await;
    let arize = wire.pipeline(&receiver);
    let once = |answer, space| Fault::new(answer).of_space(space).times(1);
    receiver.show([
        once(Answer::Throttle(pause), "throttled"),
        once(Answer::Unavailable(pause), "overloaded"),
    ]);
    spans(&arize, "throttled", 1);
    spans(&arize, "overloaded", 1);
    let start = Instant::now();
    let error = arize
        .force_flush(Duration::from_millis(500))
        .await
        .expect_err("it is throttled");
    assert_eq!((error.pending, error.lost.total()), (2, 0));
    let arrived = receiver.wait_until(LONG, |spans| !spans.is_empty()).await;
    assert!(!arrived.is_empty() && start.elapsed() >= pause);
    arize.shutdown(LONG).await.expect("everything is sent");
    assert_eq!((receiver.spans().len(), receiver.faulted()), (2, 2));
}

async fn a_flush_does_not_ask_before_the_collectors_time(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire.pipeline(&receiver);
    receiver.show([Fault::new(Answer::Throttle(Duration::from_secs(60)))]);
    spans(&arize, SPACE, 1);
    for _ in 0..5 {
        let time = Duration::from_millis(100);
        let error = arize.force_flush(time).await.expect_err("it is throttled");
        assert_eq!(error.pending, 1);
    }
    assert_eq!(receiver.faulted(), 1);
    let _given_up = arize.shutdown(Duration::ZERO).await;
}

/// Its other batches wait as well.
async fn a_space_that_is_throttled_for_long_is_asked_once(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire
        .registration(&receiver)
        .batch_delay(Duration::from_millis(20))
        .build()
        .expect("a good configuration");
    receiver.show([Fault::new(Answer::Throttle(Duration::from_secs(60)))]);
    for _ in 0..20 {
        spans(&arize, SPACE, 1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // before its first answer a space may have 8 requests under way
    assert!((1..=8).contains(&receiver.faulted()));
    assert_eq!(arize.stats().pending, 20);
    let _given_up = arize.shutdown(Duration::ZERO).await;
}

async fn a_full_queue_does_not_hurry_a_collector_that_is_overloaded(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire
        .registration(&receiver)
        .max_queue_size(10)
        .build()
        .expect("a good configuration");
    let overloaded = Answer::Status(tonic::Code::Unavailable, "overloaded".to_owned());
    receiver.answer_with(overloaded);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        spans(&arize, SPACE, 10);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(arize.stats().dropped.of(Loss::QueueFull) > 1_000);
    // a few at first, and one of them after 0.1 s, 0.2 s, 0.4 s, or after half of that
    assert!(receiver.faulted() < 40, "{}", receiver.faulted());
    let _given_up = arize.shutdown(Duration::ZERO).await;
}
