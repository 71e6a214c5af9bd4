//! What goes wrong is counted, told, and repeated where that helps.

use super::*;

over_both! {
    rejected_spans_are_told_with_the_collectors_words,
    an_unavailable_collector_is_asked_again,
    a_collector_that_starts_late_gets_everything,
    a_refusal_is_final,
    an_attempt_has_its_time,
    a_connection_that_died_without_a_word_is_replaced,
    a_collector_that_comes_back_gets_what_was_in_back_off_at_the_shutdown,
}

async fn rejected_spans_are_told_with_the_collectors_words(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire.pipeline(&receiver);
    let message = "no such model: test-key".to_owned();
    receiver.answer_with(Answer::PartialSuccess {
        rejected: 2,
        message,
    });
    spans(&arize, SPACE, 3);
    let error = arize.force_flush(LONG).await.expect_err("two are rejected");
    assert_eq!(
        (
            error.lost.of(Loss::Rejected),
            error.lost.total(),
            error.pending
        ),
        (2, 2, 0)
    );
    let text = error.to_string();
    assert!(
        text.contains("no such model") && !text.contains("test-key"),
        "{text}"
    );
    assert_eq!(arize.stats().exported, 1);
}

async fn an_unavailable_collector_is_asked_again(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire.pipeline(&receiver);
    receiver.answer_with(Answer::Status(
        tonic::Code::Unavailable,
        "restarting".to_owned(),
    ));
    spans(&arize, SPACE, 3);
    let error = arize
        .force_flush(Duration::from_millis(300))
        .await
        .expect_err("not yet");
    assert_eq!((error.pending, error.lost.total()), (3, 0));
    assert!(
        error
            .to_string()
            .contains(wire.code("UNAVAILABLE: restarting", "HTTP 503: restarting")),
        "{error}"
    );
    receiver.answer_with(Answer::Ok);
    arize.force_flush(LONG).await.expect("now");
    assert_eq!((receiver.spans().len(), arize.stats().exported), (3, 3));
}

async fn a_collector_that_starts_late_gets_everything(wire: Wire) {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("it");
    let arize = wire.registration_at(port).build().expect("good");
    spans(&arize, SPACE, 3);
    let error = arize
        .force_flush(Duration::from_millis(300))
        .await
        .expect_err("nobody listens");
    assert!(
        error.to_string().contains("check that the collector runs"),
        "{error}"
    );
    let receiver = wire.receiver_at(port).await;
    arize.shutdown(LONG).await.expect("now it is there");
    assert_eq!(receiver.spans().len(), 3);
}

async fn a_refusal_is_final(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire.pipeline(&receiver);
    receiver.answer_with(Answer::Status(
        tonic::Code::PermissionDenied,
        "not yours, test-key".to_owned(),
    ));
    spans(&arize, SPACE, 3);
    let error = arize.force_flush(LONG).await.expect_err("denied");
    assert_eq!((error.lost.of(Loss::Failed), error.pending), (3, 0));
    let code = wire.code("PERMISSION_DENIED", "HTTP 403");
    let told = format!("{code}: not yours, [the API key]; check `ARIZE_API_KEY`");
    assert!(error.to_string().contains(&told), "{error}");
}

async fn an_attempt_has_its_time(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire
        .registration(&receiver)
        .timeout(Duration::from_millis(200))
        .build()
        .expect("a good configuration");
    receiver.answer_with(Answer::Delay(Duration::from_secs(60)));
    spans(&arize, SPACE, 1);
    let error = arize
        .force_flush(Duration::from_secs(1))
        .await
        .expect_err("it hangs");
    let told = "DEADLINE_EXCEEDED: no answer within 200ms";
    assert!(error.to_string().contains(told), "{error}");
    receiver.answer_with(Answer::Ok);
    arize
        .shutdown(LONG)
        .await
        .expect("a later attempt is answered");
}

/// As where a NAT has forgotten the connection: nothing comes back, not even an error.
async fn a_connection_that_died_without_a_word_is_replaced(wire: Wire) {
    let receiver = wire.receiver().await;
    let behind = wire.address(&receiver);
    let nat = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = nat.local_addr().expect("it");
    tokio::spawn(async move {
        let (_held, _) = nat.accept().await.expect("the first connection");
        while let Ok((mut stream, _)) = nat.accept().await {
            tokio::spawn(async move {
                let mut receiver = tokio::net::TcpStream::connect(behind).await?;
                tokio::io::copy_bidirectional(&mut stream, &mut receiver).await
            });
        }
    });
    let arize = wire
        .registration_at(address)
        .timeout(Duration::from_millis(300))
        .build()
        .expect("a good configuration");
    spans(&arize, SPACE, 1);
    arize
        .shutdown(LONG)
        .await
        .expect("another connection is tried");
    assert_eq!(receiver.spans().len(), 1);
}

#[tokio::test]
async fn the_first_failure_is_warned_of_with_its_remedy() {
    let test = "faults::the_first_failure_is_warned_of_with_its_remedy";
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("it");
    let endpoint = format!("http://{closed}");
    let key = "hunter2";
    match alone(
        test,
        &[
            ("ARIZE_COLLECTOR_ENDPOINT", &endpoint),
            ("ARIZE_API_KEY", key),
        ],
    ) {
        Ok(()) => {
            let arize = register_with_routing()
                .build()
                .expect("a good configuration");
            spans(&arize, SPACE, 2);
            let _failed = arize.shutdown(Duration::from_millis(300)).await;
        }
        Err(output) => {
            let told = String::from_utf8_lossy(&output.stderr);
            for part in [
                "2 spans of space `U3BhY2U6MTIzOmFiYw==` could not be sent to",
                &endpoint,
                "(from ARIZE_COLLECTOR_ENDPOINT)",
                "UNAVAILABLE: ",
                "check that the collector runs",
            ] {
                assert!(told.contains(part), "no `{part}` in: {told}");
            }
            assert!(!told.contains(key), "{told}");
        }
    }
}

async fn a_collector_that_comes_back_gets_what_was_in_back_off_at_the_shutdown(wire: Wire) {
    let receiver = wire.receiver().await;
    let address = wire.address(&receiver);
    let arize = wire
        .registration(&receiver)
        .batch_delay(Duration::from_millis(20))
        .build()
        .expect("a good configuration");
    spans(&arize, "s", 1);
    arize.force_flush(LONG).await.expect("it is there");
    receiver.shutdown().await;
    for _ in 0..14 {
        spans(&arize, "s", 1);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let back = wire.receiver_at(address).await;
    spans(&arize, "other", 1);
    back.wait_until(LONG, |spans| {
        spans
            .iter()
            .any(|span| span.space_header.as_deref() == Some("other"))
    })
    .await;
    arize
        .shutdown(Duration::from_secs(5))
        .await
        .expect("the collector is back");
    assert_eq!(back.spans().len(), 15);
}
