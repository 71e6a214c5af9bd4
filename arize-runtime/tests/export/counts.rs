//! Every span that ends is in exactly one count, whatever happens, and every loss is told.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use arize_runtime::{LossEvent, Stats};

use super::*;

over_both! {
    every_span_is_in_one_count_under_load_and_faults,
    every_loss_is_told_to_the_hook,
}

fn assert_sum(stats: &Stats) {
    let sum = stats.exported + stats.pending + stats.dropped.total();
    assert_eq!(stats.ended, sum, "{stats:?}");
}

/// Spans that a test drops on purpose, told by their number.
fn routed(n: u64) -> Option<String> {
    (n % 10 != 9).then(|| format!("space-{}", n % 50))
}

/// Ends 12,000 spans on three threads while the collector has its faults; the counts hold at every moment.
fn under_load_and_faults(arize: &Arize, receiver: &Receiver) {
    let (ended, over) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let producers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    for n in 0..4_000 {
                        match routed(n) {
                            Some(space) => span(arize, &space, []),
                            None => arize.tracer_provider().tracer("test").start("lost").end(),
                        }
                        ended.fetch_add(1, Relaxed);
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !over.load(Relaxed) {
                // At any moment: those that are counted and not yet by us are three at most.
                let before = ended.load(Relaxed);
                let stats = arize.stats();
                assert_sum(&stats);
                assert!(stats.ended >= before && stats.ended <= ended.load(Relaxed) + 3);
            }
        });
        let answers = [
            Answer::Status(tonic::Code::Unavailable, "restarting".to_owned()),
            Answer::Ok,
            Answer::PartialSuccess {
                rejected: 1,
                message: "one is old".to_owned(),
            },
            Answer::Status(tonic::Code::InvalidArgument, "broken".to_owned()),
            Answer::Throttle(Duration::from_secs(1)),
        ];
        for answer in answers.iter().cycle().take(20) {
            receiver.answer_with(answer.clone());
            std::thread::sleep(Duration::from_millis(10));
        }
        receiver.answer_with(Answer::Ok);
        for producer in producers {
            producer.join().expect("no panic");
        }
        over.store(true, Relaxed);
    });
}

async fn every_span_is_in_one_count_under_load_and_faults(wire: Wire) {
    let receiver = wire.receiver().await;
    let told = Arc::new(AtomicU64::new(0));
    let theirs = told.clone();
    let arize = wire
        .registration(&receiver)
        .batch_delay(Duration::from_millis(5))
        .allow_spaces((0..45).map(|n| format!("space-{n}")))
        .max_queue_size(1_000)
        .on_loss(move |event| {
            theirs.fetch_add(event.spans, Relaxed);
        })
        .build()
        .expect("good");
    under_load_and_faults(&arize, &receiver);
    let _lossy = arize.shutdown(LONG).await;
    let stats = arize.stats();
    assert_sum(&stats);
    assert_eq!(
        (stats.ended, stats.pending, stats.pending_bytes),
        (12_000, 0, 0)
    );
    assert_eq!(stats.dropped.of(Loss::Unrouted), 1_200);
    assert_eq!(stats.dropped.of(Loss::Denied), 3 * 4 * 80);
    assert_eq!(
        told.load(Relaxed),
        stats.dropped.total(),
        "the hook was told of each"
    );
    let spans = receiver.spans();
    let distinct: HashSet<_> = spans.iter().map(|span| &span.span_id).collect();
    // what a partial success rejects, the stand-in keeps
    let kept = stats.exported + stats.dropped.of(Loss::Rejected);
    let kept = usize::try_from(kept).expect("few");
    assert_eq!((spans.len(), distinct.len()), (kept, kept));
    for request in receiver.requests() {
        let space = request.header("space_id");
        let theirs = |span: &arize_local::Span| span.attr_str("arize.space_id") == space;
        assert!(request.spans.iter().all(theirs));
    }
}

async fn every_loss_is_told_to_the_hook(wire: Wire) {
    let receiver = wire.receiver().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let theirs = told.clone();
    let arize = wire
        .registration(&receiver)
        .allow_spaces([SPACE])
        .on_loss(move |event: LossEvent<'_>| {
            let space = event.space_id.map(str::to_owned);
            let cause = event.cause.unwrap_or_default().to_owned();
            let event = (event.spans, space, cause);
            theirs.lock().expect("no panic").push(event);
        })
        .build()
        .expect("a good configuration");
    arize
        .tracer_provider()
        .tracer("test")
        .start("no route")
        .end();
    spans(&arize, "stranger", 1);
    let refusal = "not yours, test-key".to_owned();
    receiver.answer_with(Answer::Status(tonic::Code::PermissionDenied, refusal));
    spans(&arize, SPACE, 3);
    let _refused = arize.force_flush(LONG).await;
    let space = Some(SPACE.to_owned());
    let code = wire.code("PERMISSION_DENIED", "HTTP 403");
    let expected = [
        (1, None, String::new()),
        (1, Some("stranger".to_owned()), String::new()),
        (3, space, format!("{code}: not yours, [the API key]")),
    ];
    assert_eq!(*told.lock().expect("no panic"), expected);
}

#[tokio::test]
async fn a_hook_may_panic_and_may_make_spans() {
    let receiver = receiver().await;
    let provider = Arc::new(Mutex::new(None));
    let theirs = provider.clone();
    let arize = registration(receiver.endpoint())
        .max_queue_size(1)
        .on_loss(move |event| {
            let provider: Option<opentelemetry_sdk::trace::SdkTracerProvider> =
                theirs.lock().expect("no panic inside").clone();
            provider
                .expect("it is there")
                .tracer("hook")
                .start("another loss")
                .end();
            assert!(event.loss != Loss::QueueFull, "on purpose");
        })
        .build()
        .expect("a good configuration");
    *provider.lock().expect("no panic") = Some(arize.tracer_provider().clone());
    arize
        .tracer_provider()
        .tracer("test")
        .start("no route")
        .end();
    spans(&arize, SPACE, 3);
    let stats = arize.stats();
    assert_sum(&stats);
    assert_eq!((stats.ended, stats.dropped.of(Loss::QueueFull)), (4, 2));
    arize.shutdown(LONG).await.expect("the worker lives");
    assert_eq!(receiver.spans().len(), 1);
}

#[tokio::test]
async fn stats_name_the_last_spaces() {
    let receiver = receiver().await;
    let arize = pipeline(&receiver);
    for n in 0..300 {
        spans(&arize, &format!("space-{n}"), 2);
        if n % 100 == 99 {
            arize.force_flush(LONG).await.expect("everything is sent");
        }
    }
    spans(&arize, "space-7", 1);
    let spaces = arize.stats().spaces;
    assert_eq!(spaces.len(), 100);
    assert_eq!((&*spaces[0].space_id, spaces[0].pending), ("space-7", 1));
    let late = |space: &arize_runtime::SpaceStats| {
        let n: u32 = space.space_id["space-".len()..].parse().expect("a number");
        n >= 200 && (space.exported, space.pending) == (2, 0)
    };
    assert!(spaces[1..].iter().all(late), "{spaces:?}");
    arize.shutdown(LONG).await.expect("everything is sent");
}

/// An alarm that ends the program would wait for the thread that it stands on.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_on_the_export_thread_cannot_shut_down() {
    let receiver = receiver().await;
    receiver.answer_with(Answer::Status(
        tonic::Code::PermissionDenied,
        "no".to_owned(),
    ));
    let (handle, told) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
    let (theirs, tells) = (handle.clone(), told.clone());
    let arize = registration(receiver.endpoint())
        .on_loss(move |_| {
            let handle: Option<Arc<Arize>> = theirs.lock().expect("no panic").clone();
            let answer = handle.expect("it is there").shutdown_blocking(LONG);
            *tells.lock().expect("no panic") = Some(answer);
        })
        .build()
        .expect("a good configuration");
    let arize = Arc::new(arize);
    *handle.lock().expect("no panic") = Some(arize.clone());
    spans(&arize, SPACE, 3);
    let start = Instant::now();
    let _refused = arize.force_flush(LONG).await;
    assert!(start.elapsed() < LONG, "it did not wait for itself");
    let answer = told
        .lock()
        .expect("no panic")
        .take()
        .expect("it was called");
    let text = answer.expect_err("it cannot").to_string();
    assert!(text.contains("flush or shut down elsewhere"), "{text}");
    *handle.lock().expect("no panic") = None;
    arize.shutdown(LONG).await.expect("nothing is left");
}

/// Each kind of trouble is told once a minute, so the end tells what all of it came to.
#[tokio::test]
async fn the_end_sums_up_what_was_lost() {
    let test = "counts::the_end_sums_up_what_was_lost";
    let Err(output) = alone(test, &[]) else {
        let receiver = receiver().await;
        let arize = registration(receiver.endpoint())
            .allow_spaces([SPACE])
            .build()
            .expect("a good configuration");
        spans(&arize, "stranger", 5);
        spans(&arize, SPACE, 2);
        receiver.show(["times=1:unavailable=0s".parse().expect("a fault")]);
        arize
            .shutdown(LONG)
            .await
            .expect("the second attempt is taken");
        return drop(arize);
    };
    let output = String::from_utf8_lossy(&output.stderr);
    let sum = "shut down with losses: 7 ended: 2 exported, 0 pending, 5 dropped (5 denied)";
    assert_eq!(output.matches(sum).count(), 1, "{output}");
    assert!(
        output.contains("takes spans of space `U3BhY2U6MTIzOmFiYw==` again, after "),
        "{output}"
    );
}
