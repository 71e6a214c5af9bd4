//! Each answer that a collector, or a proxy before it, can give: what OTLP asks to send again is sent again, all
//! else is final and told with its code; and the pipeline outlives any number of them.

use std::collections::HashSet;

use tonic::Code;

use super::*;

over_both! {
    the_pipeline_outlives_two_hundred_faults,
}

/// Shows the answer once to two spans. What the flush says if they were lost, and nothing if they were sent again.
async fn shown_once(wire: Wire, answer: Answer) -> Option<String> {
    let receiver = wire.receiver().await;
    let arize = wire.pipeline(&receiver);
    receiver.show([Fault::new(answer.clone()).times(1)]);
    spans(&arize, SPACE, 2);
    let told = arize.force_flush(LONG).await;
    assert_eq!(receiver.faulted(), 1, "{answer:?}");
    let stats = arize.stats();
    let counts = (stats.exported, stats.dropped.of(Loss::Failed));
    let Err(error) = told else {
        assert_eq!((counts, receiver.spans().len()), ((2, 0), 2), "{answer:?}");
        return None;
    };
    assert_eq!((counts, receiver.spans().len()), ((0, 2), 0), "{answer:?}");
    assert_eq!((error.lost.of(Loss::Failed), error.pending), (2, 0));
    Some(error.to_string())
}

/// `code` says what an answer is told as if it is final.
async fn check(wire: Wire, answer: Answer, code: Option<&str>) {
    let told = shown_once(wire, answer.clone()).await;
    match (told, code) {
        (None, None) => {}
        (Some(told), Some(code)) if told.contains(&format!("2 failed): {code}: ")) => {}
        (told, code) => panic!("{answer:?} should be told as {code:?}: {told:?}"),
    }
}

#[tokio::test]
async fn codes_of_grpc_that_otlp_names_are_sent_again_and_the_others_are_final() {
    for (code, told) in [
        (Code::Ok, Some("INTERNAL")), // without a message in it
        (Code::Cancelled, None),
        (Code::Unknown, Some("UNKNOWN")),
        (Code::InvalidArgument, Some("INVALID_ARGUMENT")),
        (Code::DeadlineExceeded, None),
        (Code::NotFound, Some("NOT_FOUND")),
        (Code::AlreadyExists, Some("ALREADY_EXISTS")),
        (Code::PermissionDenied, Some("PERMISSION_DENIED")),
        (Code::ResourceExhausted, Some("RESOURCE_EXHAUSTED")),
        (Code::FailedPrecondition, Some("FAILED_PRECONDITION")),
        (Code::Aborted, None),
        (Code::OutOfRange, None),
        (Code::Unimplemented, Some("UNIMPLEMENTED")),
        (Code::Internal, Some("INTERNAL")),
        (Code::Unavailable, None),
        (Code::DataLoss, None),
        (Code::Unauthenticated, Some("UNAUTHENTICATED")),
    ] {
        check(Wire::Grpc, Answer::Status(code, "words".to_owned()), told).await;
    }
    check(Wire::Grpc, Answer::Throttle(Duration::ZERO), None).await;
}

fn by_proxy(status: u16) -> Answer {
    Answer::HttpStatus(::http::StatusCode::from_u16(status).expect("a status"))
}

#[tokio::test]
async fn statuses_of_http_that_otlp_names_are_sent_again_and_the_others_are_final() {
    for status in [429, 502, 503, 504] {
        check(Wire::Http, by_proxy(status), None).await;
    }
    for status in [400, 401, 403, 404, 408, 500, 501, 505] {
        let told = format!("HTTP {status}");
        check(Wire::Http, by_proxy(status), Some(&told)).await;
    }
}

/// Proxies know no gRPC; gRPC says which of its codes their statuses stand for.
#[tokio::test]
async fn a_proxys_http_status_is_read_over_grpc_too() {
    for status in [429, 502, 503, 504] {
        check(Wire::Grpc, by_proxy(status), None).await;
    }
    for (status, told) in [
        (400, "INTERNAL"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "UNIMPLEMENTED"),
        (408, "UNKNOWN"),
        (500, "UNKNOWN"),
    ] {
        check(Wire::Grpc, by_proxy(status), Some(told)).await;
    }
    let receiver = receiver().await;
    let arize = pipeline(&receiver);
    receiver.answer_with(by_proxy(503));
    spans(&arize, SPACE, 1);
    let time = Duration::from_millis(300);
    let error = arize.shutdown(time).await.expect_err("nobody is behind it");
    let told = error.to_string();
    assert!(
        told.contains("HTTP status code 503; the collector is overloaded or restarting"),
        "{told}"
    );
}

/// All that the receiver can do, most of it with more than one code.
fn all_faults() -> Vec<Answer> {
    let some = Duration::from_millis(20);
    let code = |code| Answer::Status(Code::from_i32(code), "a fault".to_owned());
    let statuses = [400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504];
    let others = [
        Answer::Hang,
        Answer::Reset,
        Answer::LostAnswer,
        Answer::Delay(Duration::from_millis(400)),
        Answer::Delay(some),
        Answer::Throttle(Duration::ZERO),
        Answer::Unavailable(Duration::ZERO),
        Answer::Limit(1),
        Answer::TonicLimit(1),
        Answer::Restart(some),
        Answer::PartialSuccess {
            rejected: 1,
            message: "old".to_owned(),
        },
        Answer::PartialSuccess {
            rejected: -1,
            message: String::new(),
        },
        Answer::PartialSuccess {
            rejected: i64::MAX,
            message: "more than there were".to_owned(),
        },
    ];
    let faults = (1..=16).map(code).chain(statuses.map(by_proxy));
    faults.chain(others).collect()
}

async fn the_pipeline_outlives_two_hundred_faults(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire
        .registration(&receiver)
        .timeout(Duration::from_millis(200))
        .build()
        .expect("a good configuration");
    let faults = all_faults();
    assert_eq!(faults.len(), 40);
    let space = |n| format!("space-{n}");
    for round in 0..10 {
        let shown: Vec<_> = faults.iter().cycle().skip(7 * round).take(20).collect();
        let of_space = |(n, answer): (usize, &&Answer)| {
            Fault::new((*answer).clone()).of_space(space(n)).times(1)
        };
        receiver.show(shown.iter().enumerate().map(of_space));
        (0..20).for_each(|n| spans(&arize, &space(n), 2));
        let _some_are_lost = arize.force_flush(LONG).await;
        let stats = arize.stats();
        assert_eq!((stats.ended, stats.pending), (40 * (round as u64 + 1), 0));
        assert_eq!(stats.exported + stats.dropped.total(), stats.ended);
    }
    assert!(receiver.faulted() >= 200, "{}", receiver.faulted()); // a restart meets others too
    let arrived = receiver.spans();
    let distinct: HashSet<_> = arrived.iter().map(|span| &span.span_id).collect();
    assert!(distinct.len() as u64 >= arize.stats().exported);

    receiver.show([]);
    let before = arize.stats().exported;
    spans(&arize, SPACE, 5);
    arize.shutdown(LONG).await.expect("all is well again");
    assert_eq!(arize.stats().exported, before + 5);
}
