//! What `check` cannot judge, it says; and what is wrong before any variation, it tells as such.

use arize_local::{Outcome, Protocol};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::agent::{self, Call, Export, Reply};
use crate::check::{checked, checked_at, one_line, printed};
use crate::plain_agent::Pitfall;

const SPEAK_HTTP: &str = "→ set `OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`";

#[tokio::test]
async fn exports_to_the_wrong_port_are_told_once_whatever_else_fails() {
    // The agent speaks gRPC only, and takes the address that it is told.
    let report = checked(Pitfall::CrashesAtNull, |options| {
        options.receive.protocol = Protocol::HttpProtobuf;
    })
    .await;
    let text = printed(&report);
    assert_eq!(report.failed().len(), 11, "{text}");
    assert_eq!(text.matches(SPEAK_HTTP).count(), 1, "{text}");
    assert_eq!(
        text.matches('→').count(),
        2,
        "null-metadata's as well\n{text}"
    );
    let skipped = |name: &str| {
        let verdict = report.verdicts.iter().find(|verdict| verdict.name == name);
        verdict.expect("is there").outcome == Outcome::Skipped
    };
    assert!(skipped("neither") && skipped("unsampled"), "{text}");
    for part in [
        "\n-    neither ",
        "\n-    unsampled ",
        "\n-    not judged, as no span arrived at all: neither, unsampled\n",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }

    let report = checked(Pitfall::None, |options| {
        options.receive.protocol = Protocol::HttpProtobuf;
        options.only = vec!["baggage-only".to_owned()];
    })
    .await;
    let text = printed(&report);
    assert_eq!(text.matches(SPEAK_HTTP).count(), 1, "{text}");
    assert_eq!(text.matches('→').count(), 1, "{text}");
}

#[tokio::test]
async fn what_must_not_arrive_is_not_judged_where_nothing_can() {
    let report = checked(Pitfall::None, |options| {
        options.only = vec!["neither".to_owned(), "unsampled".to_owned()];
    })
    .await;
    let text = printed(&report);
    assert!(report.ok(), "{text}");
    assert!(
        !text.contains("ok ") && !text.contains("all good"),
        "{text}"
    );
    let last = text.lines().last().expect("is there");
    assert!(
        last.starts_with("not judged: send other variations"),
        "{text}"
    );
    assert_eq!(report.to_json()["variations"][0]["outcome"], "skipped");
}

#[tokio::test]
async fn that_no_tools_were_named_is_told() {
    let with_tools = checked(Pitfall::None, |options| {
        options.only = vec!["metadata-only".to_owned(), "neither".to_owned()];
    })
    .await;
    let text = printed(&with_tools);
    assert!(text.ends_with("\nall good: 2 variations\n"), "{text}");

    let without = checked(Pitfall::None, |options| {
        options.only = vec!["metadata-only".to_owned(), "neither".to_owned()];
        options.expect.clear();
    })
    .await;
    let text = printed(&without);
    let last = text.lines().last().expect("is there");
    assert_eq!(
        last,
        "all good: 2 variations; whether a tool is missing was not judged (`--expect TOOL,TOOL`)"
    );
}

#[tokio::test]
async fn a_header_that_is_missing_alone_is_no_fault_of_the_variation() {
    let behaviour = |call: &Call| {
        let mut export = Export::new(&call.space, call.spans());
        export.headers.clear();
        Reply::ok(vec![export])
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = agent::url(listener.local_addr().expect("is bound"));
    let (endpoint, known) = watch::channel(None);
    tokio::spawn(agent::serve_on(listener, known, behaviour));
    let report = checked_at(url, endpoint, |options| {
        options.only = vec!["metadata-only".to_owned()];
    })
    .await;
    let text = one_line(&printed(&report));
    for part in [
        "came without an `arize-space-id` header → send the header",
        "one exporter for each space",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    assert!(
        !text.contains("arize_metadata`, for each request"),
        "{text}"
    );
}
