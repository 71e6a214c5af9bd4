//! What configuration keeps safe: who is sent to, whom is trusted, and what a request holds.

use super::*;

over_both! {
    a_predicate_allows_what_it_says_besides_the_ids,
}

async fn a_predicate_allows_what_it_says_besides_the_ids(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire
        .registration(&receiver)
        .allow_spaces([SPACE])
        .allow_spaces_if(|space_id| space_id.starts_with("team-"))
        .build()
        .expect("a good configuration");
    for space in [SPACE, "team-blue", "stranger", "Team-", "team-red"] {
        span(&arize, space, []);
    }
    arize.shutdown(LONG).await.expect("the allowed are sent");
    let stats = arize.stats();
    assert_eq!((stats.exported, stats.dropped.of(Loss::Denied)), (3, 2));
    let mut spaces: Vec<_> = receiver
        .requests()
        .iter()
        .map(|request| request.header("space_id").expect("a space").to_owned())
        .collect();
    spaces.sort();
    assert_eq!(spaces, [SPACE, "team-blue", "team-red"]);
}

#[tokio::test]
async fn a_predicate_that_panics_denies_and_the_agent_goes_on() {
    const TEST: &str = "safety::a_predicate_that_panics_denies_and_the_agent_goes_on";
    if let Err(output) = alone(TEST, &[]) {
        let told = String::from_utf8_lossy(&output.stderr);
        let lines = told.lines();
        let ours = lines.filter(|line| line.contains("`.allow_spaces_if(..)` panicked"));
        assert_eq!(ours.count(), 1, "{told}");
        return;
    }
    let receiver = receiver().await;
    let arize = registration(receiver.endpoint())
        .allow_spaces_if(|space_id| match space_id {
            "odd" => panic!("a predicate of the user's"),
            _ => true,
        })
        .build()
        .expect("a good configuration");
    spans(&arize, "odd", 3);
    spans(&arize, SPACE, 1);
    arize.shutdown(LONG).await.expect("what is allowed is sent");
    let stats = arize.stats();
    assert_eq!((stats.exported, stats.dropped.of(Loss::Denied)), (1, 3));
}

/// A predicate that asks an instrumented client would be asked of that client's spans, without an end.
#[tokio::test]
async fn a_predicate_that_makes_spans_comes_to_an_end() {
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use std::sync::{Arc, OnceLock};
    let receiver = receiver().await;
    let inside = Arc::new(OnceLock::<SdkTracerProvider>::new());
    let arize = registration(receiver.endpoint())
        .allow_spaces_if({
            let inside = inside.clone();
            move |_| {
                let routing = Routing::new(SPACE, "project").expect("a good route");
                let tracer = inside.get().expect("it is set").tracer("a client");
                set_routing_context(routing, || tracer.start("a request").end());
                true
            }
        })
        .build()
        .expect("a good configuration");
    let provider = arize.tracer_provider().clone();
    inside.set(provider).expect("once");
    spans(&arize, SPACE, 2);
    arize.shutdown(LONG).await.expect("what is allowed is sent");
    let stats = arize.stats();
    assert_eq!((stats.exported, stats.dropped.of(Loss::Denied)), (2, 2));
}
