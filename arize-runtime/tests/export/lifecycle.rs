//! Flush, shutdown and drop, under every executor and under none.

use super::*;

over_both! {
    shutdown_keeps_its_deadline_and_tells_what_is_pending,
    flush_and_shutdown_work_in_a_multi_thread_runtime,
    dropping_the_handle_sends_what_is_there,
}

async fn flush_and_shutdown_work_in_a_multi_thread_runtime(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire.pipeline(&receiver);
    spans(&arize, SPACE, 3);
    arize.force_flush(LONG).await.expect("everything is sent");
    spans(&arize, SPACE, 3);
    arize
        .shutdown_blocking(LONG)
        .expect("blocking inside a runtime");
    assert_eq!(receiver.spans().len(), 6);
}

#[test]
fn flush_and_shutdown_work_without_a_runtime() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime for the receiver");
    let receiver = runtime.block_on(receiver());
    let arize = pipeline(&receiver);
    spans(&arize, SPACE, 3);
    foreign_block_on(arize.force_flush(LONG)).expect("a foreign executor");
    spans(&arize, SPACE, 3);
    arize
        .tracer_provider()
        .force_flush()
        .expect("the SDK's own");
    spans(&arize, SPACE, 3);
    arize.shutdown_blocking(LONG).expect("no executor at all");
    assert_eq!(receiver.spans().len(), 9);
}

async fn shutdown_keeps_its_deadline_and_tells_what_is_pending(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire.pipeline(&receiver);
    receiver.answer_with(Answer::Delay(Duration::from_secs(60)));
    for n in 0..100 {
        span(&arize, &format!("space-{n}"), []);
    }
    let start = Instant::now();
    let error = arize
        .shutdown(Duration::from_millis(300))
        .await
        .expect_err("it hangs");
    assert!(
        start.elapsed() < Duration::from_millis(600),
        "{:?}",
        start.elapsed()
    );
    assert_eq!((error.pending, error.lost.total()), (100, 0));
    let stats = arize.stats();
    assert_eq!((stats.pending, stats.dropped.of(Loss::Failed)), (0, 100));
    arize
        .shutdown(LONG)
        .await
        .expect("a second one is harmless");
    arize.force_flush(LONG).await.expect("and so is a flush");
}

#[tokio::test]
async fn spans_that_end_after_the_shutdown_are_counted_as_late() {
    let receiver = receiver().await;
    let arize = pipeline(&receiver);
    let mut open = arize.tracer_provider().tracer("test").start("open");
    open.set_attribute(KeyValue::new("arize.space_id", SPACE));
    open.set_attribute(KeyValue::new("arize.project.name", "project"));
    arize.shutdown(LONG).await.expect("nothing to send");
    open.end();
    let stats = arize.stats();
    assert_eq!((stats.ended, stats.dropped.of(Loss::Late)), (1, 1));
}

async fn dropping_the_handle_sends_what_is_there(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire.pipeline(&receiver);
    spans(&arize, SPACE, 3);
    drop(arize);
    assert_eq!(receiver.spans().len(), 3);
}

#[tokio::test]
async fn a_second_install_is_refused_and_leaves_no_thread() {
    if alone(
        "lifecycle::a_second_install_is_refused_and_leaves_no_thread",
        &[],
    )
    .is_err()
    {
        return;
    }
    let receiver = receiver().await;
    let arize = registration(receiver.endpoint())
        .install()
        .expect("the first");
    let second = registration(receiver.endpoint())
        .install()
        .expect_err("the second");
    assert!(matches!(second, InstallError::AlreadyInstalled));
    let deadline = Instant::now() + LONG;
    while threads("arize-") != 1 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5)); // a thread names itself once it runs
    }
    assert_eq!(threads("arize-"), 1);
    let routing = Routing::new(SPACE, "project").expect("a good route");
    set_routing_context(routing, || {
        opentelemetry::global::tracer("test").start("global").end();
    });
    arize.shutdown(LONG).await.expect("everything is sent");
    assert_eq!(receiver.spans().len(), 1);
}

/// In a runtime without I/O, where tokio's own signals panic.
#[cfg(unix)]
#[test]
fn a_termination_signal_is_received_under_any_executor() {
    let test = "lifecycle::a_termination_signal_is_received_under_any_executor";
    if alone(test, &[]).is_err() {
        return;
    }
    let own = std::process::id().to_string();
    let killer = std::thread::spawn(move || {
        while threads("arize-signal") == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(300)); // the thread is there; now it listens
        Command::new("kill")
            .args(["-TERM", &own])
            .status()
            .expect("it runs")
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(arize_runtime::shutdown_signal());
    assert!(killer.join().expect("no panic").success());
}
