//! Which requests meet a fault, over both of the receiver's ports.

use std::time::{Duration, Instant};

use arize_local::{Answer, Fault};
use http::StatusCode;
use tonic::Code;

use crate::receiver::both;
use crate::wire::{Seen, Wire, code, over_both};

const SOON: Duration = Duration::from_secs(10);

over_both! {
    one_space_hangs_and_no_other
    faults_end_after_so_many_requests_and_the_next_holds
    every_third_request_meets_it
    chance_has_a_seed
    a_fault_lasts_for_its_time
}

async fn one_space_hangs_and_no_other(wire: Wire) {
    let receiver = both().await;
    receiver.show([Fault::new(Answer::Hang).of_space("hangs")]);
    let hanging =
        tokio::time::timeout(Duration::from_millis(100), wire.send(&receiver, "hangs", 1));
    let (hanging, calm) = tokio::join!(hanging, wire.send(&receiver, "calm", 2));
    hanging.expect_err("it hangs");
    assert_eq!(calm, Seen::Taken);
    assert_eq!((receiver.spans().len(), receiver.faulted()), (1, 1));
}

async fn faults_end_after_so_many_requests_and_the_next_holds(wire: Wire) {
    let receiver = both().await;
    let status = |code| Answer::Status(code, String::new());
    receiver.show([
        Fault::new(Answer::Ok).of_space("spared"),
        Fault::new(status(Code::Unavailable)).times(2),
        Fault::new(status(Code::Internal)).times(1),
    ]);
    let mut seen = Vec::new();
    for space in ["S", "spared", "S", "S"] {
        seen.push(match wire.send(&receiver, space, 1).await {
            Seen::Taken => "taken".to_owned(),
            seen => code(seen),
        });
    }
    let names = [
        wire.name("Unavailable", "503"),
        wire.name("Internal", "500"),
    ];
    assert_eq!(seen, [&names[0], "taken", &names[0], &names[1]]);
    assert_eq!(wire.send(&receiver, "S", 1).await, Seen::Taken);
}

async fn every_third_request_meets_it(wire: Wire) {
    let receiver = both().await;
    receiver.show([Fault::new(Answer::Reset).every(3)]);
    for n in 1..=6 {
        let wanted = if n % 3 == 0 {
            Seen::Broken
        } else {
            Seen::Taken
        };
        assert_eq!(wire.send(&receiver, "S", n).await, wanted, "{n}");
    }
}

async fn chance_has_a_seed(wire: Wire) {
    let receiver = both().await;
    let mut rounds = Vec::new();
    for seed in [7, 7, 8] {
        receiver
            .show([Fault::new(Answer::HttpStatus(StatusCode::BAD_GATEWAY)).at_random(0.5, seed)]);
        let mut round = Vec::new();
        for id in 0..20 {
            round.push(wire.send(&receiver, "S", id).await == Seen::Taken);
        }
        assert!(round.contains(&true) && round.contains(&false));
        rounds.push(round);
    }
    assert_eq!(rounds[0], rounds[1]);
    assert_ne!(rounds[0], rounds[2]);
}

async fn a_fault_lasts_for_its_time(wire: Wire) {
    let receiver = both().await;
    let start = Instant::now();
    let time = Duration::from_millis(300);
    receiver.show([Fault::new(Answer::Reset).lasting(time)]);
    let mut met = 0;
    while wire.send(&receiver, "S", 1).await == Seen::Broken {
        assert!(start.elapsed() < SOON, "it is never over");
        met += 1;
    }
    assert!(met > 0 && start.elapsed() >= time);
    assert_eq!(receiver.faulted(), met);
}
