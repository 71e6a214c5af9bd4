//! `collect --fault` as a process.

#![cfg(unix)] // it is ended by a signal

use std::time::{Duration, Instant};

use tonic::Code;

use crate::agent::Export;
use crate::collect::{Collect, span};
use crate::command::arize_local;
use crate::receiver::export;

async fn send(collect: &Collect, space: &str) -> Result<(), tonic::Status> {
    let spans = vec![span(1, 2, 0, "search", "TOOL", "P")];
    export(&collect.grpc, Export::new(space, spans))
        .await
        .map(|_| ())
}

#[tokio::test]
async fn faults_are_told_when_they_begin_and_end_and_how_many_met_them() {
    let faults = [
        "--fault",
        "space=S=:times=2:status=UNAVAILABLE",
        "--fault",
        "space=T=:status=502",
    ];
    let mut collect = Collect::start(&faults).await;
    let told = collect.read_until("502` begins\n").await;
    let begins =
        "fault `space=S=:times=2:status=UNAVAILABLE` begins\nfault `space=T=:status=502` begins\n";
    assert_eq!(told, begins);
    for _ in 0..2 {
        let status = send(&collect, "S=").await.expect_err("is refused");
        assert_eq!(status.code(), Code::Unavailable);
    }
    let told = collect.read_until("is over\n").await;
    assert_eq!(
        told,
        "fault `space=S=:times=2:status=UNAVAILABLE` is over\n"
    );
    send(&collect, "T=").await.expect_err("is refused");
    send(&collect, "S=").await.expect("is taken");
    let (code, rest) = collect.interrupt().await;
    assert_eq!(code, Some(0));
    let met = "1 trace, 1 span\n\
               fault `space=S=:times=2:status=UNAVAILABLE` met 2 requests\n\
               fault `space=T=:status=502` met 1 request\n";
    assert!(rest.ends_with(met), "{rest}");
}

#[tokio::test]
async fn an_outage_is_one_option() {
    let mut collect = Collect::start(&["--fault", "restart=300ms"]).await;
    let told = collect.read_until("\n").await;
    assert_eq!(told, "fault `restart=300ms` waits for a request\n");
    let start = Instant::now();
    send(&collect, "S=").await.expect_err("it crashes");
    assert_eq!(
        collect.read_until("\n").await,
        "fault `restart=300ms` begins\n"
    );
    assert_eq!(
        collect.read_until("\n").await,
        "fault `restart=300ms` is over\n"
    );
    while send(&collect, "S=").await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(10), "it is never up");
    }
    let (_, rest) = collect.interrupt().await;
    assert!(
        rest.ends_with("1 trace, 1 span\nfault `restart=300ms` met 1 request\n"),
        "{rest}"
    );

    let mut collect = Collect::start(&["--fault", "down=300ms"]).await;
    assert_eq!(
        collect.read_until("\n").await,
        "fault `for=300ms:down` begins\n"
    );
    assert_eq!(
        collect.read_until("\n").await,
        "fault `for=300ms:down` is over\n"
    );
    while send(&collect, "S=").await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(10), "it is never up");
    }
}

#[tokio::test]
async fn a_fault_that_is_none_is_told_with_what_is_possible() {
    let output = arize_local(&["collect", "--fault", "times=3:hung"])
        .output()
        .await;
    let output = output.expect("it ends");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    let near =
        "`hung` is not the name of a fault (did you mean `hang`?); write one of `ok`, `down`,";
    assert!(told.contains(near), "{told}");
}
