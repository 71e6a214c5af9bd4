//! A flush and a shutdown: everything is sent, or the time is over and the error says how far they came; for
//! whoever waits, on any executor.

use std::sync::Arc;

use arize_runtime::FlushError;
use opentelemetry::StringValue;
use tokio::runtime::{Builder, Runtime};

use super::*;

over_both! {
    all_spaces_are_flushed_at_the_same_time,
    an_error_says_what_was_lost_and_what_is_pending,
    deadlines_are_kept_with_20_000_spans_of_1_000_spaces,
    shutdowns_and_flushes_at_the_same_time_are_harmless,
    a_handle_that_is_dropped_waits_two_seconds_at_most,
}

/// What a caller may wait beyond the time that it gave.
const LATE: Duration = Duration::from_millis(100);

/// Whether `attempt` is in time: the best of three, since a machine that is busy for a moment makes anything
/// late, but only what keeps no time is late always.
fn is_in_time(time: Duration, mut attempt: impl FnMut() -> Duration) -> bool {
    (0..3).any(|_| {
        let took = attempt();
        assert!(took >= time, "nothing is given up early: {took:?}");
        took <= time + LATE
    })
}

fn timed<T>(call: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (call(), start.elapsed())
}

async fn all_spaces_are_flushed_at_the_same_time(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire.pipeline(&receiver);
    receiver.answer_with(Answer::Delay(Duration::from_millis(300)));
    (0..30).for_each(|n| spans(&arize, &format!("space-{n}"), 2));
    let start = Instant::now();
    arize.force_flush(LONG).await.expect("everything is sent");
    let one_by_one = Duration::from_secs(9);
    assert!(start.elapsed() < one_by_one / 3, "{:?}", start.elapsed());
    assert_eq!(receiver.spans().len(), 60);
}

async fn an_error_says_what_was_lost_and_what_is_pending(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire.pipeline(&receiver);
    let refusal = Answer::Status(tonic::Code::PermissionDenied, "not yours".to_owned());
    receiver.show([
        Fault::new(refusal).of_space("denied"),
        Fault::new(Answer::Hang).of_space("hanging"),
    ]);
    let code = wire.code("PERMISSION_DENIED", "HTTP 403");
    let told = |time| {
        format!(
            "3 spans lost (3 failed) and 2 spans not sent within {time:?}: {code}: not yours; \
             check `ARIZE_API_KEY`, and that the key may write to this space"
        )
    };
    spans(&arize, "calm", 4);
    spans(&arize, "denied", 3);
    spans(&arize, "hanging", 2);
    let time = Duration::from_millis(500);
    let error = arize.force_flush(time).await.expect_err("it hangs");
    assert_eq!(error.to_string(), told(time));
    assert_eq!((error.lost.of(Loss::Failed), error.pending), (3, 2));
    let stats = arize.stats();
    assert_eq!((stats.exported, stats.pending), (4, 2));

    spans(&arize, "denied", 3);
    let error = arize.shutdown(time).await.expect_err("it hangs");
    assert_eq!(error.to_string(), told(time), "each counts its own time");
    let stats = arize.stats();
    let failed = stats.dropped.of(Loss::Failed);
    assert_eq!((stats.exported, stats.pending, failed), (4, 0, 8));
}

async fn deadlines_are_kept_with_20_000_spans_of_1_000_spaces(wire: Wire) {
    let receiver = wire.receiver().await;
    receiver.answer_with(Answer::Hang);
    let time = Duration::from_millis(300);
    // what takes longer to encode than to make, so that a flush finds many not encoded
    let json: StringValue = format!("{{\"text\": \"{}\"}}", "x".repeat(1_000)).into();
    let full = || {
        let arize = wire
            .registration(&receiver)
            .mask_keys(["secret"])
            .build()
            .expect("a good configuration");
        for n in 0..20_000 {
            let json = KeyValue::new("input.value", json.clone());
            span(&arize, &format!("space-{}", n % 1_000), [json]);
        }
        arize
    };
    let lost = |answer: Result<(), FlushError>| {
        let error = answer.expect_err("it hangs");
        assert_eq!((error.pending, error.lost.total()), (20_000, 0));
    };
    assert!(is_in_time(time, || {
        let arize = full();
        let (answer, took) = timed(|| foreign_block_on(arize.force_flush(time)));
        lost(answer);
        assert_eq!(arize.stats().pending, 20_000, "they are sent later");
        let _given_up = arize.shutdown_blocking(Duration::ZERO);
        took
    }));
    assert!(is_in_time(time, || {
        let arize = full();
        let (answer, took) = timed(|| arize.shutdown_blocking(time));
        lost(answer);
        assert_eq!(arize.stats().dropped.of(Loss::Failed), 20_000);
        took
    }));
    // With no time at all most are not even encoded, but they are pending all the same.
    let arize = full();
    lost(foreign_block_on(arize.force_flush(Duration::ZERO)));
    lost(arize.shutdown_blocking(Duration::ZERO));
    assert_eq!(arize.stats().dropped.of(Loss::Failed), 20_000);
}

async fn shutdowns_and_flushes_at_the_same_time_are_harmless(wire: Wire) {
    let receiver = wire.receiver().await;
    let at_once = |arize: &Arize, times: [Duration; 4]| {
        std::thread::scope(|scope| {
            let threads = times.map(|time| {
                let shutdown = scope.spawn(move || arize.shutdown_blocking(time));
                let flush = scope.spawn(move || foreign_block_on(arize.force_flush(time)));
                [shutdown, flush]
            });
            let threads = threads.into_iter().flatten();
            threads
                .map(|thread| thread.join().expect("no panic"))
                .collect::<Vec<_>>()
        })
    };
    receiver.answer_with(Answer::Delay(Duration::from_millis(200)));
    let arize = wire.pipeline(&receiver);
    (0..10).for_each(|n| spans(&arize, &format!("space-{n}"), 2));
    assert_eq!(at_once(&arize, [LONG; 4]), vec![Ok(()); 8]);
    assert_eq!(arize.stats().exported, 20);
    assert_eq!(at_once(&arize, [LONG; 4]), vec![Ok(()); 8], "it is over");

    receiver.answer_with(Answer::Hang);
    let arize = wire.pipeline(&receiver);
    spans(&arize, SPACE, 5);
    let times = [LONG, Duration::from_millis(300), LONG, LONG];
    let (answers, took) = timed(|| at_once(&arize, times));
    assert!(took < LONG / 2, "the first one to end ends all: {took:?}");
    let told: Vec<_> = answers
        .iter()
        .filter_map(|answer| answer.as_ref().err())
        .collect();
    let how = |error: &&FlushError| (error.pending, error.lost.total());
    assert!(
        !told.is_empty() && told.iter().all(|error| how(error) == (5, 0)),
        "{told:?}"
    );
    for error in &told {
        let own = "the collector has not answered yet; give it more time";
        let other = "another shutdown's time was over, which ended the pipeline";
        // of the two whose time is short the one is a moment earlier
        let told = error.cause.as_deref();
        assert!(
            told == Some(other) || (told == Some(own) && error.timeout < LONG),
            "{error}"
        );
    }
    assert_eq!(arize.stats().dropped.of(Loss::Failed), 5);
    assert_eq!(at_once(&arize, times), vec![Ok(()); 8]);
}

async fn a_handle_that_is_dropped_waits_two_seconds_at_most(wire: Wire) {
    let receiver = wire.receiver().await;
    receiver.answer_with(Answer::Hang);
    let hanging = || {
        let arize = wire.pipeline(&receiver);
        spans(&arize, SPACE, 1);
        arize
    };
    let two_seconds = Duration::from_secs(2);
    let dropped = || timed(|| drop(hanging())).1;
    let cancelled = || {
        let arize = hanging();
        let mut shutdown = Box::pin(arize.shutdown(LONG));
        let mut context = TaskContext::from_waker(Waker::noop());
        assert!(shutdown.as_mut().poll(&mut context).is_pending());
        drop(shutdown); // nobody waits for it any more
        timed(|| drop(arize)).1
    };
    std::thread::scope(|scope| {
        let both = [
            scope.spawn(|| is_in_time(two_seconds, dropped)),
            scope.spawn(|| is_in_time(two_seconds, cancelled)),
        ];
        for in_time in both {
            assert!(in_time.join().expect("no panic"));
        }
    });
    // while a panic unwinds, the process is not held up
    let arize = hanging();
    let panics = std::thread::spawn(move || {
        let _dropped = arize;
        std::panic::resume_unwind(Box::new("on purpose"));
    });
    let (_, took) = timed(|| panics.join().expect_err("it panics"));
    assert!(took < two_seconds, "{took:?}");
}

/// A receiver on a runtime of its own, so that a test may block and needs no runtime.
struct Elsewhere {
    receiver: Receiver,
    _runtime: Runtime,
}

impl Elsewhere {
    fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        Self {
            receiver: runtime.block_on(receiver()),
            _runtime: runtime,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Flush,
    Shutdown,
}

impl Call {
    async fn run(self, arize: &Arize, time: Duration) -> Result<(), FlushError> {
        match self {
            Self::Flush => arize.force_flush(time).await,
            Self::Shutdown => arize.shutdown(time).await,
        }
    }

    /// Without an `.await` in the caller.
    fn run_blocking(self, arize: &Arize, time: Duration) -> Result<(), FlushError> {
        match self {
            Self::Flush => foreign_block_on(arize.force_flush(time)),
            Self::Shutdown => arize.shutdown_blocking(time),
        }
    }
}

type Way = fn(&Arc<Arize>, Call, Duration) -> Result<(), FlushError>;

fn current_thread() -> Runtime {
    // without I/O and time, which are the export thread's
    Builder::new_current_thread().build().expect("a runtime")
}

const WAYS: [(&str, Way); 7] = [
    ("a multi-thread runtime", |arize, call, time| {
        let runtime = Builder::new_multi_thread().worker_threads(2).build();
        runtime.expect("a runtime").block_on(call.run(arize, time))
    }),
    ("a current-thread runtime", |arize, call, time| {
        current_thread().block_on(call.run(arize, time))
    }),
    ("a runtime that is blocked", |arize, call, time| {
        current_thread().block_on(async { call.run_blocking(arize, time) })
    }),
    ("`spawn_blocking`", |arize, call, time| {
        let arize = arize.clone();
        current_thread().block_on(async move {
            let blocking = tokio::task::spawn_blocking(move || call.run_blocking(&arize, time));
            blocking.await.expect("no panic")
        })
    }),
    ("a runtime whose clock stands still", |arize, call, time| {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        runtime.expect("a runtime").block_on(async {
            let start = tokio::time::Instant::now();
            tokio::time::sleep(Duration::from_secs(3600)).await; // no time at all
            let answer = call.run(arize, time).await;
            assert!(start.elapsed() >= Duration::from_secs(3600));
            answer
        })
    }),
    ("a foreign executor", |arize, call, time| {
        foreign_block_on(call.run(arize, time))
    }),
    ("no executor", |arize, call, time| {
        call.run_blocking(arize, time)
    }),
];

fn everything_is_sent_in_every_way() {
    let Elsewhere { receiver, _runtime } = Elsewhere::start();
    for (n, (name, way)) in WAYS.into_iter().enumerate() {
        let arize = Arc::new(pipeline(&receiver));
        for call in [Call::Flush, Call::Shutdown] {
            spans(&arize, SPACE, 3);
            let answer = way(&arize, call, LONG);
            assert_eq!(answer, Ok(()), "{call:?} in {name}");
        }
        assert_eq!(receiver.spans().len(), 6 * (n + 1), "{name}");
    }
}

fn deadlines_are_kept_in_every_way() {
    let Elsewhere { receiver, _runtime } = Elsewhere::start();
    receiver.answer_with(Answer::Hang);
    let time = Duration::from_millis(200);
    for (name, way) in WAYS {
        for call in [Call::Flush, Call::Shutdown] {
            let in_time = is_in_time(time, || {
                let arize = Arc::new(pipeline(&receiver));
                spans(&arize, SPACE, 3);
                let (answer, took) = timed(|| way(&arize, call, time));
                let error = answer.expect_err("it hangs");
                assert_eq!((error.pending, error.lost.total()), (3, 0));
                let _given_up = arize.shutdown_blocking(Duration::ZERO);
                took
            });
            assert!(in_time, "{call:?} in {name}");
        }
    }
}

#[test]
fn flush_and_shutdown_send_everything_on_any_executor_and_on_none() {
    everything_is_sent_in_every_way();
}

#[test]
fn flush_and_shutdown_keep_their_deadline_on_any_executor_and_on_none() {
    deadlines_are_kept_in_every_way();
}

#[cfg(target_os = "linux")]
#[test]
fn flush_and_shutdown_work_on_one_core() {
    const TEST: &str = "flushes::flush_and_shutdown_work_on_one_core";
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let cores = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let core = cores
        .expect("Linux")
        .trim()
        .split([',', '-'])
        .next()
        .expect("one");
    if Command::new("taskset").arg("--version").output().is_err() {
        println!("skipped: there is no `taskset`");
        return;
    }
    let this = std::env::current_exe().expect("a path");
    let mut taskset = Command::new("taskset");
    taskset.args(["--cpu-list", core]).arg(this);
    if alone_by(&mut taskset, TEST).is_err() {
        return;
    }
    let cores = std::thread::available_parallelism();
    assert_eq!(cores.expect("Linux").get(), 1);
    everything_is_sent_in_every_way();
    deadlines_are_kept_in_every_way();
}

#[test]
fn a_runtime_that_is_gone_takes_nothing_with_it() {
    let Elsewhere { receiver, _runtime } = Elsewhere::start();
    let runtime = Runtime::new().expect("a runtime");
    let arize = runtime.block_on(async {
        let arize = pipeline(&receiver);
        spans(&arize, SPACE, 2);
        arize.force_flush(LONG).await.expect("everything is sent");
        spans(&arize, SPACE, 2);
        Arc::new(arize)
    });
    // somebody waits in it when it ends
    receiver.answer_with(Answer::Delay(Duration::from_millis(200)));
    let theirs = arize.clone();
    runtime.spawn(async move { theirs.force_flush(LONG).await });
    while receiver.faulted() == 0 {
        std::thread::yield_now();
    }
    runtime.shutdown_background();
    spans(&arize, SPACE, 2);
    arize.shutdown_blocking(LONG).expect("everything is sent");
    assert_eq!(receiver.spans().len(), 6);
}
