//! Spans that went elsewhere than to the space and project asked for.

use crate::agent::{Call, Export, Reply, SpanExt};
use crate::pitfalls::{only, report, spoilt};

#[tokio::test]
async fn tools_without_a_route_are_not_routed() {
    let report = spoilt(|_, spans| {
        spans[1].unset("arize.space_id");
        spans[1].unset("arize.project.name");
    })
    .await;
    let check = only(&report, "routed");
    assert!(
        check
            .detail
            .contains("`search_flights` [TOOL] has no `arize.space_id`"),
        "{}",
        check.detail
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
