//! Spans that went elsewhere than to the space and project asked for.

use arize_local::{Check, Report};
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::agent::{Call, Export, Reply, SpanExt};
use crate::pitfalls::{only, report, spoilt};

#[tokio::test]
async fn tools_without_a_route_are_not_routed() {
    let report = spoilt(|_, spans| {
        spans[1].unset("arize.space_id");
        spans[1].unset("arize.project.name");
    })
    .await;
    told(
        &report,
        "but `search_flights` [TOOL] has no `arize.space_id`, no `arize.project.name`",
        "set `arize.space_id` and `arize.project.name` on every span",
        &["arize-space-id", "arize_metadata"],
    );
}

/// The only finding is `routed`, with this detail and this remedy, and without others.
#[track_caller]
fn told(report: &Report, detail: &str, remedy: &str, no: &[&str]) {
    let check: &Check = only(report, "routed");
    assert!(check.detail.contains(detail), "{}", check.detail);
    let text = check.remedy.expect("has one");
    assert!(text.contains(remedy), "{text}");
    for part in no {
        assert!(!text.contains(part), "{text}");
    }
}

/// An agent that exports with these headers, after its spans were spoilt.
async fn with_headers(
    headers: impl Fn(&Call) -> Vec<(&'static str, String)> + Send + Sync + 'static,
    spoil: impl Fn(&mut Span) + Send + Sync + 'static,
) -> Report {
    let behaviour = move |call: &Call| {
        let mut spans = call.spans();
        spans.iter_mut().for_each(&spoil);
        let mut export = Export::new(&call.space, spans);
        export.headers = headers(call);
        Reply::ok(vec![export])
    };
    report(behaviour, &[]).await
}

#[tokio::test]
async fn right_attributes_without_the_header_need_the_header_only() {
    let report = with_headers(|_| Vec::new(), |_| {}).await;
    told(
        &report,
        "`plan` [LLM] came without an `arize-space-id` header",
        "send the header `arize-space-id` with each OTLP request",
        &["on_start", "arize_metadata"],
    );
}

#[tokio::test]
async fn spans_of_plain_opentelemetry_lack_all_and_are_told_all_of_it_in_the_plural() {
    let no_route = |span: &mut Span| {
        span.unset("arize.space_id");
        span.unset("arize.project.name");
    };
    let report = with_headers(|_| Vec::new(), no_route).await;
    told(
        &report,
        "came without an `arize-space-id` header and have no `arize.space_id`, no `arize.project.name`",
        "in the `on_start` of a span processor, and send the header `arize-space-id`",
        &["arize_metadata"],
    );
}

#[tokio::test]
async fn a_wrong_project_needs_a_route_for_each_request() {
    let wrong = |span: &mut Span| span.set("arize.project.name", "other");
    let right = |call: &Call| Export::new(&call.space, Vec::new()).headers;
    let report = with_headers(right, wrong).await;
    told(
        &report,
        "have `arize.project.name` = \"other\"",
        "`arize_metadata`, then baggage",
        &["arize-space-id"],
    );
}

#[tokio::test]
async fn a_request_for_another_space_is_not_routed() {
    let behaviour = |call: &Call| {
        let mut spans = call.spans();
        let tools = spans.split_off(1);
        Reply::ok(vec![
            Export::new(&call.space, spans),
            Export::new("other", tools),
        ])
    };
    let report = report(behaviour, &[]).await;
    assert!(
        only(&report, "routed")
            .detail
            .contains("space header `other`")
    );
}

#[tokio::test]
async fn headers_that_disagree_are_no_route() {
    let behaviour = |call: &Call| {
        let mut export = Export::new(&call.space, call.spans());
        export.headers[1].1 = "other".to_owned();
        Reply::ok(vec![export])
    };
    only(&report(behaviour, &[]).await, "routed");
}

#[tokio::test]
async fn a_space_cut_at_its_equals_sign_has_a_remedy_of_its_own() {
    let behaviour = |call: &Call| {
        let cut = call.space.trim_end_matches('=');
        let mut spans = call.spans();
        for span in &mut spans {
            span.set("arize.space_id", cut);
        }
        Reply::ok(vec![Export::new(cut, spans)])
    };
    let report = report(behaviour, &[]).await;
    assert!(
        only(&report, "routed")
            .remedy
            .expect("has one")
            .contains("base64")
    );
}

#[tokio::test]
async fn a_trace_in_two_spaces_has_two_routes() {
    let behaviour = |call: &Call| {
        let mut spans = call.spans();
        let mut tools = spans.split_off(1);
        for span in &mut tools {
            span.set("arize.space_id", "other");
        }
        Reply::ok(vec![
            Export::new(&call.space, spans),
            Export::new("other", tools),
        ])
    };
    let report = report(behaviour, &[]).await;
    // Two findings: the trace is split, and a part of it is where it should not be.
    assert_eq!(report.failed(), ["routed", "one-route"]);
}

#[tokio::test]
async fn the_wrong_space_for_all_spans_is_one_route() {
    let behaviour = |call: &Call| {
        let mut spans = call.spans();
        for span in &mut spans {
            span.set("arize.space_id", "other");
        }
        Reply::ok(vec![Export::new("other", spans)])
    };
    let report = report(behaviour, &[]).await;
    assert!(only(&report, "routed").detail.contains("`other`"));
}

#[tokio::test]
async fn an_attribute_with_another_project_is_not_routed() {
    let report = spoilt(|_, spans| spans[2].set("arize.project.name", "other")).await;
    // As with spaces: the trace is split, and a part of it is where it should not be.
    assert_eq!(report.failed(), ["routed", "one-route"]);
    let check = report
        .checks
        .iter()
        .find(|check| check.name == "routed")
        .expect("is there");
    assert!(
        check
            .detail
            .contains("`http_request` has `arize.project.name` = \"other\""),
        "{}",
        check.detail
    );

    let all = spoilt(|_, spans| {
        for span in spans {
            span.set("arize.project.name", "other");
        }
    })
    .await;
    only(&all, "routed");
}
