//! A collector that restarts, or whose answers get lost, while agents go on: every span arrives, and comes twice
//! only where nobody can know better.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::*;

over_both! {
    what_ends_while_the_collector_restarts_arrives,
    a_lost_answer_makes_duplicates_of_its_own_spans_only,
    lost_answers_under_load_lose_no_span,
}

const THREADS: usize = 3;
const SPACES: usize = 10;

/// Threads that go on ending spans, each in all spaces in turn, until `over`. Gives how many have ended.
fn produce(arize: &Arize, over: &AtomicBool) -> u64 {
    let produce = || {
        let mut ended = 0;
        while !over.load(Relaxed) {
            for n in 0..SPACES {
                span(arize, &format!("space-{n}"), []);
                ended += 1;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        ended
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(produce)).collect();
        let ended = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        ended.sum()
    })
}

/// Lets spans end in other threads for as long as `meanwhile` takes, and sends them all.
async fn ended_during(arize: &Arize, meanwhile: impl Future<Output = ()>) -> u64 {
    let over = AtomicBool::new(false);
    let ended = std::thread::scope(|scope| {
        let producers = scope.spawn(|| produce(arize, &over));
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(meanwhile));
        over.store(true, Relaxed);
        producers.join().expect("no panic")
    });
    arize.force_flush(LONG).await.expect("everything is sent");
    let stats = arize.stats();
    let counted = (stats.ended, stats.exported, stats.dropped.total());
    assert_eq!(counted, (ended, ended, 0));
    ended
}

async fn what_ends_while_the_collector_restarts_arrives(wire: Wire) {
    let receiver = wire.receiver().await.counting_ids();
    let arize = wire
        .registration(&receiver)
        .batch_delay(Duration::from_millis(50))
        .build()
        .expect("a good configuration");
    let ended = ended_during(&arize, async {
        for outage in [1_000, 1_500].map(Duration::from_millis) {
            tokio::time::sleep(Duration::from_millis(300)).await;
            receiver.show([Fault::new(Answer::Down).lasting(outage)]);
            tokio::time::sleep(outage / 2).await;
            assert!(arize.stats().pending > 0, "they cannot be sent now");
            tokio::time::sleep(outage / 2).await;
            receiver.settled().await;
        }
    })
    .await;
    let counts = receiver.counts();
    assert_eq!((counts.distinct_spans, counts.misrouted), (Some(ended), 0));
    assert_eq!(receiver.counts_by_space().len(), SPACES);
}

/// The ids of each request, in the order of their arrival.
fn ids(receiver: &Receiver) -> Vec<Vec<String>> {
    let ids = |request: arize_local::ExportRequest| {
        let spans = request.spans.iter();
        spans.map(|span| span.span_id.clone()).collect()
    };
    receiver.requests().into_iter().map(ids).collect()
}

/// One request at a time, so that it is known whose answer is lost: every third one's.
async fn a_lost_answer_makes_duplicates_of_its_own_spans_only(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire.pipeline(&receiver);
    receiver.show([Fault::new(Answer::LostAnswer).every(3)]);
    for n in 1..=8 {
        spans(&arize, SPACE, n);
        arize.force_flush(LONG).await.expect("everything is sent");
    }
    let requests = ids(&receiver);
    let lost: Vec<_> = requests.iter().skip(2).step_by(3).flatten().collect();
    assert_eq!(receiver.faulted(), requests.len() / 3);
    let all: Vec<_> = requests.iter().flatten().collect();
    let distinct: HashSet<_> = all.iter().copied().collect();
    assert_eq!(distinct.len(), 36);
    assert!(all.len() > distinct.len(), "some answers were lost");
    assert_eq!(all.len() - distinct.len(), lost.len());
    let stats = arize.stats();
    assert_eq!(
        (stats.ended, stats.exported),
        (36, 36),
        "each counts once, however often it came"
    );
}

async fn lost_answers_under_load_lose_no_span(wire: Wire) {
    let receiver = wire.receiver().await;
    let arize = wire
        .registration(&receiver)
        .batch_delay(Duration::from_millis(10))
        .build()
        .expect("a good configuration");
    receiver.show([Fault::new(Answer::LostAnswer).at_random(0.1, 7)]);
    let some_time = tokio::time::sleep(Duration::from_millis(700));
    let ended = ended_during(&arize, some_time).await;
    let requests = ids(&receiver);
    let distinct: HashSet<_> = requests.iter().flatten().collect();
    assert_eq!(distinct.len() as u64, ended);
    assert!(receiver.faulted() > 0, "some answers were lost");
    // What comes again is the same request: no span is in two different ones.
    let mut seen = HashSet::new();
    let different: HashSet<_> = requests.iter().collect();
    let twice = different.into_iter().flatten().find(|id| !seen.insert(*id));
    assert_eq!(twice, None);
}
