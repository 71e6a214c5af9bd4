//! A space whose collector hangs, throttles, refuses or breaks off, and all the others, which must not notice.

use std::sync::Arc;

use super::*;

over_both! {
    a_bad_space_delays_no_other,
    many_spaces_that_hang_at_once_delay_a_new_one_by_no_attempt,
    a_flush_that_waits_delays_no_new_space,
}

/// Far below what the faults last, and far above what a busy machine takes.
const BOUND: Duration = Duration::from_secs(5);

/// A pipeline that sends by itself.
fn eager(wire: Wire, receiver: &Receiver) -> Arize {
    wire.registration(receiver)
        .batch_delay(Duration::from_millis(20))
        .build()
        .expect("a good configuration")
}

/// Waits for this many spans of spaces that begin with `calm`; whether they came in time.
async fn arrived(receiver: &Receiver, calm: usize) -> bool {
    let of_calm = |span: &&arize_local::Span| {
        let space = span.space_header.as_deref();
        space.is_some_and(|space| space.starts_with("calm"))
    };
    let count = |spans: &[arize_local::Span]| spans.iter().filter(of_calm).count();
    let spans = receiver
        .wait_until(BOUND, |spans| count(spans) >= calm)
        .await;
    count(&spans) == calm
}

/// Waits until so many requests have met a fault.
async fn faulted(receiver: &Receiver, requests: usize) {
    let start = Instant::now();
    while receiver.faulted() < requests {
        assert!(start.elapsed() < LONG, "{}", receiver.faulted());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn a_bad_space_delays_no_other(wire: Wire) {
    let minute = Duration::from_secs(60);
    let refusal = || Answer::Status(tonic::Code::PermissionDenied, "not yours".to_owned());
    for (answer, ends) in [
        (Answer::Hang, false),
        (Answer::Throttle(minute), false),
        (Answer::Unavailable(minute), false),
        (Answer::Delay(Duration::from_secs(2)), false),
        (Answer::Reset, false),
        (refusal(), true),
    ] {
        let receiver = wire.receiver().await;
        let arize = eager(wire, &receiver);
        receiver.show([Fault::new(answer.clone()).of_space("bad")]);
        spans(&arize, "bad", 40 * 512); // more requests than there are slots
        faulted(&receiver, 1).await;
        for n in 0..20 {
            spans(&arize, &format!("calm-{n}"), 3);
        }
        assert!(arrived(&receiver, 60).await, "delayed by {answer:?}");
        if !ends {
            let bad = arize.stats().spaces;
            let bad = bad.iter().find(|space| &*space.space_id == "bad");
            assert!(bad.expect("it waits").pending > 512, "{answer:?}");
        }
        let _given_up = arize.shutdown(Duration::ZERO).await;
    }
}

/// More than there are slots for requests: who takes longer than a second has none.
async fn many_spaces_that_hang_at_once_delay_a_new_one_by_no_attempt(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = eager(wire, &receiver);
    let hanging: Vec<_> = (0..40).map(|n| format!("hanging-{n}")).collect();
    let hangs = |space: &String| Fault::new(Answer::Hang).of_space(space);
    receiver.show(hanging.iter().map(hangs));
    for space in &hanging {
        spans(&arize, space, 2);
    }
    faulted(&receiver, 32).await;
    spans(&arize, "calm", 1);
    assert!(arrived(&receiver, 1).await, "an attempt takes 10 s");
    assert!(arize.stats().pending >= 80, "the others still hang");
    let _given_up = arize.shutdown(Duration::ZERO).await;
}

async fn a_flush_that_waits_delays_no_new_space(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = Arc::new(eager(wire, &receiver));
    receiver.show([Fault::new(Answer::Hang).of_space("hanging")]);
    spans(&arize, "hanging", 1);
    let theirs = arize.clone();
    let flush = tokio::spawn(async move { theirs.force_flush(3 * BOUND).await });
    faulted(&receiver, 1).await;
    for n in 1..=3 {
        spans(&arize, "calm", 1);
        assert!(arrived(&receiver, n).await);
    }
    assert!(!flush.is_finished(), "it still waits");
    let _given_up = arize.shutdown(Duration::ZERO).await;
    let error = flush.await.expect("no panic").expect_err("it hung");
    assert_eq!((error.pending, error.lost.total()), (1, 0));
}
