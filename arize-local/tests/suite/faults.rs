//! Every fault of the receiver over both of its ports.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use arize_local::{Answer, Fault};
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use crate::receiver::both;
use crate::wire::{Seen, Wire, over_both};

const SOON: Duration = Duration::from_secs(10);

over_both! {
    every_status_of_grpc_has_its_answer
    every_status_of_http_has_its_answer
    throttling_says_when_to_come_again
    a_partial_success_may_be_a_warning
    slow_answers_keep_the_spans_of_who_does_not_wait
    a_hanging_receiver_takes_nothing
    a_reset_loses_the_spans
    a_lost_answer_keeps_them_and_a_retry_makes_duplicates
    requests_above_the_limit_are_refused
    down_is_refused_until_told_otherwise_on_the_same_port
    down_may_last_for_a_time
    a_restart_happens_once
}

async fn every_status_of_grpc_has_its_answer(wire: Wire) {
    let receiver = both().await;
    let statuses = [
        503, 500, 400, 504, 404, 500, 403, 429, 500, 503, 503, 501, 500, 503, 503, 401,
    ];
    for (number, status) in (1..).zip(statuses) {
        let wanted = Code::from_i32(number);
        receiver.answer_with(Answer::Status(wanted, "because".to_owned()));
        let name = wire.name(&format!("{wanted:?}"), &status.to_string());
        let seen = wire.send(&receiver, "S", 1).await;
        assert_eq!(seen, Seen::Refused(name, "because".to_owned(), None));
    }
    assert_eq!((receiver.spans().len(), receiver.faulted()), (0, 16));
}

async fn every_status_of_http_has_its_answer(wire: Wire) {
    let receiver = both().await;
    for status in [400, 401, 403, 404, 413, 429, 500, 502, 503, 504, 599] {
        let answer = StatusCode::from_u16(status).expect("is a status");
        receiver.answer_with(Answer::HttpStatus(answer));
        let Seen::Refused(code, message, None) = wire.send(&receiver, "S", 1).await else {
            panic!("{status} is no refusal");
        };
        match wire {
            // tonic takes the body of the page for a message, and tells with which status that came
            Wire::Grpc => assert!(message.contains(&format!("status: {status}")), "{message}"),
            Wire::Http => assert_eq!(code, status.to_string()),
        }
    }
    assert_eq!(receiver.spans().len(), 0);
}

async fn throttling_says_when_to_come_again(wire: Wire) {
    let receiver = both().await;
    let (asked, whole) = (Duration::from_millis(1_200), Duration::from_secs(2));
    for (answer, grpc, http) in [
        (Answer::Throttle(asked), "ResourceExhausted", "429"),
        (Answer::Unavailable(asked), "Unavailable", "503"),
    ] {
        receiver.answer_with(answer);
        let Seen::Refused(code, _, delay) = wire.send(&receiver, "S", 1).await else {
            panic!("it is taken");
        };
        assert_eq!(code, wire.name(grpc, http));
        let wanted = match wire {
            Wire::Grpc => asked,
            Wire::Http => whole,
        };
        assert_eq!(delay, Some(wanted));
    }
    assert_eq!(receiver.spans().len(), 0);
}

async fn a_partial_success_may_be_a_warning(wire: Wire) {
    let receiver = both().await;
    for rejected in [3, 0] {
        receiver.answer_with(Answer::PartialSuccess {
            rejected,
            message: "too old".to_owned(),
        });
        let seen = wire.send(&receiver, "S", 1).await;
        assert_eq!(seen, Seen::Partial(rejected, "too old".to_owned()));
    }
    assert_eq!(receiver.spans().len(), 2);
}

async fn slow_answers_keep_the_spans_of_who_does_not_wait(wire: Wire) {
    let receiver = both().await;
    receiver.answer_with(Answer::Delay(Duration::from_millis(100)));
    let start = Instant::now();
    assert_eq!(wire.send(&receiver, "S", 1).await, Seen::Taken);
    assert!(start.elapsed() >= Duration::from_millis(100));
    receiver.answer_with(Answer::Delay(SOON));
    tokio::select! {
        seen = wire.send(&receiver, "S", 2) => panic!("{seen:?}"),
        spans = receiver.wait_until(SOON, |spans| spans.len() == 2) => assert_eq!(spans.len(), 2),
    }
    assert_eq!(receiver.spans().len(), 2);
}

async fn a_hanging_receiver_takes_nothing(wire: Wire) {
    let receiver = both().await;
    receiver.answer_with(Answer::Hang);
    let met = async {
        while receiver.faulted() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        receiver.answer_with(Answer::Ok); // does not wake who hangs
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    tokio::select! {
        seen = wire.send(&receiver, "S", 1) => panic!("{seen:?}"),
        () = met => {}
    }
    assert_eq!(receiver.spans().len(), 0);
    assert_eq!(wire.send(&receiver, "S", 2).await, Seen::Taken);
}

async fn a_reset_loses_the_spans(wire: Wire) {
    let receiver = both().await;
    receiver.show([Fault::new(Answer::Reset).times(1)]);
    assert_eq!(wire.send(&receiver, "S", 1).await, Seen::Broken);
    assert_eq!(receiver.spans().len(), 0);
    assert_eq!(wire.send(&receiver, "S", 1).await, Seen::Taken);
}

async fn a_lost_answer_keeps_them_and_a_retry_makes_duplicates(wire: Wire) {
    let receiver = both().await;
    receiver.show([Fault::new(Answer::LostAnswer).times(1)]);
    assert_eq!(wire.send(&receiver, "S", 1).await, Seen::Broken);
    assert_eq!(wire.send(&receiver, "S", 1).await, Seen::Taken);
    let counts = receiver.counts();
    assert_eq!((counts.spans, counts.distinct_spans), (2, Some(1)));
    assert_eq!(receiver.faulted(), 1);
}

/// A client that only closed would read the end of the stream.
#[tokio::test]
async fn a_cut_connection_is_reset() {
    let receiver = both().await;
    receiver.answer_with(Answer::Reset);
    let mut stream = TcpStream::connect(Wire::Http.addr(&receiver))
        .await
        .expect("connects");
    let request = "POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    stream
        .write_all(request.as_bytes())
        .await
        .expect("is written");
    let error = stream.read(&mut [0; 100]).await.expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

async fn requests_above_the_limit_are_refused(wire: Wire) {
    let receiver = both().await;
    let go = "grpc: received message larger than max (34 vs. 33)";
    let tonic = "Error, decoded message length too large: found 34 bytes, the limit is: 33 bytes";
    for (answer, grpc, message) in [
        (Answer::Limit(33), "ResourceExhausted", go),
        (Answer::TonicLimit(33), "OutOfRange", tonic),
    ] {
        receiver.answer_with(answer);
        let seen = wire.send(&receiver, "S", 1).await;
        let refused = Seen::Refused(wire.name(grpc, "413"), message.to_owned(), None);
        assert_eq!(seen, refused);
    }
    assert_eq!(receiver.spans().len(), 0);
    for answer in [Answer::Limit(34), Answer::TonicLimit(34)] {
        receiver.answer_with(answer);
        assert_eq!(wire.send(&receiver, "S", 1).await, Seen::Taken);
    }
}

async fn down_is_refused_until_told_otherwise_on_the_same_port(wire: Wire) {
    let receiver = both().await;
    assert_eq!(wire.send(&receiver, "S", 1).await, Seen::Taken);
    let addr = wire.addr(&receiver);
    let mut open = TcpStream::connect(addr).await.expect("connects");
    receiver.answer_with(Answer::Down);
    receiver.settled().await;
    let error = TcpStream::connect(addr).await.expect_err("is closed");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let left = open.read(&mut [0; 1]).await;
    assert!(!matches!(left, Ok(1..)), "{left:?}");
    assert_eq!(wire.send(&receiver, "S", 2).await, Seen::Broken);
    receiver.answer_with(Answer::Ok);
    receiver.settled().await;
    assert_eq!(wire.addr(&receiver), addr);
    assert_eq!(wire.send(&receiver, "S", 3).await, Seen::Taken);
    assert_eq!(receiver.spans().len(), 2, "what came before is there");
}

async fn down_may_last_for_a_time(wire: Wire) {
    let receiver = both().await;
    let start = Instant::now();
    let outage = Duration::from_millis(200);
    receiver.show([Fault::new(Answer::Down).lasting(outage)]);
    receiver.settled().await;
    let mut tries = 0;
    while wire.send(&receiver, "S", 1).await == Seen::Broken {
        assert!(start.elapsed() < SOON, "it is never up");
        tries += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(tries > 0 && start.elapsed() >= outage);
    assert_eq!(receiver.spans().len(), 1);
}

async fn a_restart_happens_once(wire: Wire) {
    let receiver = both().await;
    let outage = Duration::from_millis(200);
    assert_eq!(wire.send(&receiver, "S", 1).await, Seen::Taken);
    receiver.answer_with(Answer::Restart(outage));
    let start = Instant::now();
    assert_eq!(wire.send(&receiver, "S", 2).await, Seen::Broken);
    while wire.send(&receiver, "S", 3).await == Seen::Broken {
        assert!(start.elapsed() < SOON, "it is never up");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(start.elapsed() >= outage);
    assert_eq!(wire.send(&receiver, "S", 4).await, Seen::Taken);
    let ids: Vec<String> = receiver
        .spans()
        .iter()
        .map(|span| span.span_id.clone())
        .collect();
    assert_eq!(ids, ["01", "03", "04"].map(|id| id.repeat(8)));
}
