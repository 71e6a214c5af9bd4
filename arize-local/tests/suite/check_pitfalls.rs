//! Each documented pitfall, built into an agent on purpose, is named by its variation and its check, and no other is.

use arize_local::Check;

use crate::check::{only, printed, report};
use crate::plain_agent::Pitfall;

/// The variations that ask for spans in the request's own trace.
const IN_TRACE: [&str; 9] = [
    "metadata-only",
    "baggage-only",
    "both-different",
    "null-metadata",
    "no-project",
    "bodies",
    "base64-space",
    "two-baggage-lines",
    "two-at-once",
];

/// Those and the ones that start a new trace, in their order.
const ROUTED: [&str; 11] = [
    "metadata-only",
    "baggage-only",
    "both-different",
    "null-metadata",
    "no-project",
    "no-traceparent",
    "malformed-traceparent",
    "bodies",
    "base64-space",
    "two-baggage-lines",
    "two-at-once",
];

#[track_caller]
fn has_remedy(check: &Check, part: &str) {
    let remedy = check.remedy.expect("is there");
    assert!(remedy.contains(part), "{remedy}");
}

#[tokio::test]
async fn without_extraction_no_trace_is_joined() {
    let report = report(Pitfall::NoExtraction).await;
    let mut failed = IN_TRACE.to_vec();
    failed.insert(5, "unsampled");
    let check = only(&report, &failed, &["trace-joined", "nothing-exported"]);
    has_remedy(check, "extract `traceparent`");
}

#[tokio::test]
async fn a_context_given_to_the_chain_loses_its_route() {
    let report = report(Pitfall::ContextOverride).await;
    has_remedy(
        only(&report, &ROUTED, &["chain-exported"]),
        "without naming a context",
    );
}

#[tokio::test]
async fn tools_outside_the_routing_are_missing() {
    let report = report(Pitfall::ToolsOutside).await;
    has_remedy(
        only(&report, &ROUTED, &["tools-exported"]),
        "inside the same routing",
    );
}

#[tokio::test]
async fn an_agent_that_ignores_the_metadata() {
    let report = report(Pitfall::IgnoresMetadata).await;
    let failed = ["metadata-only", "both-different", "no-project"];
    let check = only(&report, &failed, &["received", "routed"]);
    has_remedy(check, "from the body's `arize_metadata`");
    let text = printed(&report);
    assert!(text.contains("the route of the baggage"), "{text}");
    assert_eq!(
        text.matches("→ read `space_id`").count(),
        2,
        "one for each check:\n{text}"
    );
}

#[tokio::test]
async fn an_agent_that_ignores_baggage_is_told_so_once() {
    let report = report(Pitfall::IgnoresBaggage).await;
    let failed = [
        "baggage-only",
        "null-metadata",
        "no-project",
        "base64-space",
        "two-baggage-lines",
    ];
    let check = only(&report, &failed, &["received"]);
    has_remedy(check, "from the `baggage` header");
    let text = printed(&report);
    assert_eq!(text.matches("→").count(), 1, "{text}");
}

#[tokio::test]
async fn an_agent_that_cuts_baggage_at_equals_signs() {
    let report = report(Pitfall::CutsAtEquals).await;
    let check = only(&report, &["base64-space"], &["routed"]);
    has_remedy(check, "first `=` only");
    assert!(
        check.detail.contains("`U3BhY2U6Y2hlY2s6MDAxMg`"),
        "{}",
        check.detail
    );
}

#[tokio::test]
async fn an_agent_that_reads_one_line_of_baggage() {
    let report = report(Pitfall::FirstBaggageLine).await;
    has_remedy(
        only(&report, &["two-baggage-lines"], &["received"]),
        "join all `baggage` lines",
    );
}

#[tokio::test]
async fn an_agent_that_crashes_at_null() {
    let report = report(Pitfall::CrashesAtNull).await;
    let check = only(&report, &["null-metadata"], &["request"]);
    has_remedy(check, "body.get(\"arize_metadata\") or {}");
    assert!(
        check.detail.contains("status 500: 'NoneType' object"),
        "{}",
        check.detail
    );
}

#[tokio::test]
async fn a_default_that_goes_before_baggage() {
    let report = report(Pitfall::DefaultProject).await;
    let check = only(&report, &["no-project"], &["routed"]);
    has_remedy(check, "only then a default");
    assert!(check.detail.contains("\"my-agent\""), "{}", check.detail);
}

#[tokio::test]
async fn a_route_that_is_remembered_is_named_as_another_request_s() {
    let report = report(Pitfall::RemembersRoute).await;
    let mut failed = ROUTED.to_vec();
    failed.remove(0);
    failed.insert(2, "neither");
    let check = only(&report, &failed, &["routed"]);
    has_remedy(check, "keep no route from one request to the next");
    assert!(
        check
            .detail
            .ends_with("the route of another request, `metadata-only`"),
        "{}",
        check.detail
    );
    assert_eq!(printed(&report).matches("→").count(), 1);
}

#[tokio::test]
async fn a_route_that_all_share_is_seen_with_two_requests_at_once() {
    let report = report(Pitfall::SharedRoute).await;
    let check = only(&report, &["two-at-once"], &["routed", "one-route"]);
    assert!(
        check.detail.contains("another request, `two-at-once`"),
        "{}",
        check.detail
    );
}

#[tokio::test]
async fn an_agent_that_exports_unsampled_traces() {
    let report = report(Pitfall::ExportsUnsampled).await;
    let check = only(&report, &["unsampled"], &["nothing-exported"]);
    has_remedy(check, "`ParentBased`");
    assert!(
        check.detail.contains("`run_agent` [CHAIN]"),
        "{}",
        check.detail
    );
}

#[tokio::test]
async fn an_agent_that_refuses_a_malformed_traceparent() {
    let report = report(Pitfall::RefusesMalformed).await;
    let check = only(&report, &["malformed-traceparent"], &["request"]);
    has_remedy(check, "W3C Trace Context");
    assert!(
        check.detail.contains("status 400: bad traceparent"),
        "{}",
        check.detail
    );
}

#[tokio::test]
async fn an_agent_that_takes_half_of_a_malformed_traceparent() {
    let report = report(Pitfall::TakesHalfMalformed).await;
    has_remedy(
        only(&report, &["malformed-traceparent"], &["new-trace"]),
        "as a whole or not at all",
    );
}

#[tokio::test]
async fn a_server_span_between_the_experiment_and_the_chain() {
    let report = report(Pitfall::ServerSpan).await;
    let check = only(&report, &IN_TRACE, &["chain-parent"]);
    assert!(check.detail.contains("`POST /invoke`"), "{}", check.detail);
}

#[tokio::test]
async fn wrong_attribute_names() {
    let report = report(Pitfall::WrongNames).await;
    let check = only(&report, &ROUTED, &["known-names"]);
    assert!(
        check.detail.contains("did you mean `llm.model_name`"),
        "{}",
        check.detail
    );
}
