//! What begins and ends with a pipeline: its thread, what is installed, and what comes too late.

use super::*;

over_both! {
    dropping_the_handle_sends_what_is_there,
}

#[test]
fn the_provider_of_the_sdk_can_flush_and_shut_down_too() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime for the receiver");
    let receiver = runtime.block_on(receiver());
    let arize = pipeline(&receiver);
    let provider = arize.tracer_provider();
    spans(&arize, SPACE, 3);
    provider.force_flush().expect("everything is sent");
    assert_eq!(receiver.spans().len(), 3);
    spans(&arize, SPACE, 3);
    provider.shutdown().expect("everything is sent");
    assert_eq!(receiver.spans().len(), 6);
    arize.shutdown_blocking(LONG).expect("it is over already");
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

#[arize_runtime::tool]
fn annotated(n: u32) -> u32 {
    n
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_after_the_shutdown_of_the_installed_pipeline_start_no_span_and_are_counted() {
    const TEST: &str = "lifecycle::calls_after_the_shutdown_of_the_installed_pipeline_start_no_span_and_are_counted";
    if alone(TEST, &[]).is_err() {
        return;
    }
    let receiver = receiver().await;
    let arize = registration(receiver.endpoint())
        .install()
        .expect("the first");
    let routing = Routing::new(SPACE, "project").expect("a good route");
    set_routing_context(routing, || {
        assert_eq!(annotated(1), 1);
        let open = opentelemetry::global::tracer("test").start("open");
        arize.shutdown_blocking(LONG).expect("everything is sent");
        (0..3).for_each(|n| assert_eq!(annotated(n), n, "the function does its work"));
        drop(open);
    });
    let stats = arize.stats();
    let of = |loss| stats.dropped.of(loss);
    assert_eq!((stats.ended, of(Loss::Late)), (2, 1), "{stats:?}");
    assert_eq!(stats.unstarted_calls, 3);
    assert_eq!(receiver.spans().len(), 1);
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
