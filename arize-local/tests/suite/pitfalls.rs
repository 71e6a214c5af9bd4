//! Each pitfall, built on purpose, is named by its check and by no other.

use std::time::Duration;

use arize_local::{Check, Experiment, Outcome, Receiver, Report, Row};
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;

use crate::agent::{self, Call, Export, Reply, SpanExt};

const SPACE: &str = "U3BhY2U6MTIzOmFiYw==";

/// Two rows against an agent that behaves like this.
pub(crate) async fn report(
    behaviour: impl Fn(&Call) -> Reply + Send + Sync + 'static,
    expect: &[&str],
) -> Report {
    let receiver = Receiver::bind("127.0.0.1:0".parse().expect("an address"))
        .await
        .expect("a free port");
    let url = agent::serve(receiver.endpoint(), behaviour).await;
    Experiment::new(url)
        .rows((1..=2).map(|row| Row::from(json!({"row": row}))).collect())
        .space_id(SPACE)
        .project("travel")
        .settle(Duration::from_millis(100))
        .wait(Duration::from_millis(500))
        .expect_tools(expect.iter().copied())
        .run(&receiver)
        .await
}

/// A right agent, but for what is done to its spans before they are exported.
pub(crate) async fn spoilt(
    spoil: impl Fn(&Call, &mut Vec<Span>) + Send + Sync + 'static,
) -> Report {
    let behaviour = move |call: &Call| {
        let mut spans = call.spans();
        spoil(call, &mut spans);
        Reply::ok(vec![Export::new(&call.space, spans)])
    };
    report(behaviour, &[]).await
}

/// The one failing check, which must be this one.
#[track_caller]
pub(crate) fn only<'a>(report: &'a Report, name: &str) -> &'a Check {
    let mut text = Vec::new();
    report
        .print(&mut text, false)
        .expect("a Vec takes everything");
    assert_eq!(
        report.failed(),
        [name],
        "{}",
        String::from_utf8_lossy(&text)
    );
    report
        .checks
        .iter()
        .find(|check| !check.ok())
        .expect("one failed")
}

fn warnings(report: &Report) -> Vec<&'static str> {
    report
        .checks
        .iter()
        .filter(|check| check.outcome == Outcome::Warn)
        .map(|check| check.name)
        .collect()
}

#[tokio::test]
async fn a_right_agent_passes_every_check() {
    let report = report(Call::right, &["search_flights"]).await;
    assert_eq!(report.failed(), [""; 0]);
    assert!(
        report
            .checks
            .iter()
            .all(|check| check.outcome == Outcome::Ok),
        "{:?}",
        report.checks
    );
    assert!(report.ok());
    assert!(
        report
            .rows
            .iter()
            .all(|row| row.spans.len() == 4 && row.status == Some(200))
    );
}

#[tokio::test]
async fn without_extraction_the_trace_is_not_joined() {
    let report = spoilt(|call, spans| {
        let own = call.trace_id.iter().map(|byte| !byte).collect::<Vec<u8>>();
        for span in spans.iter_mut() {
            span.trace_id.clone_from(&own);
        }
        spans[0].parent_span_id.clear();
    })
    .await;
    let check = only(&report, "trace-joined");
    // Nothing tells whose they are, so each row is told of all.
    let all = "; 8 spans of the run came in other traces: ";
    assert!(check.detail.contains(all), "{}", check.detail);
    assert!(
        check.detail.contains("rows 1, 2") && check.detail.contains("`run_agent` [CHAIN]"),
        "{}",
        check.detail
    );
    assert!(check.remedy.expect("has one").contains("traceparent"));
    assert_eq!(report.stray_spans.len(), 8);
}

#[tokio::test]
async fn a_tool_in_a_trace_of_its_own_is_not_joined() {
    let report = spoilt(|call, spans| {
        spans[1].trace_id = call.trace_id.iter().map(|byte| !byte).collect();
        spans[1].parent_span_id.clear();
        spans.remove(2); // its child
    })
    .await;
    assert!(
        only(&report, "trace-joined")
            .detail
            .contains("`search_flights` [TOOL]")
    );
}

#[tokio::test]
async fn only_the_row_that_lost_its_trace_is_accused() {
    let report = spoilt(|call, spans| {
        if call.row() == 2 {
            let own = call.trace_id.iter().map(|byte| !byte).collect::<Vec<u8>>();
            for span in spans.iter_mut() {
                span.trace_id.clone_from(&own);
            }
        }
    })
    .await;
    assert_eq!(only(&report, "trace-joined").rows, [2]);
}

#[tokio::test]
async fn a_dropped_chain_is_named_as_the_tools_missing_parent() {
    let report = spoilt(|_, spans| {
        spans.remove(0);
    })
    .await;
    let check = only(&report, "chain-exported");
    assert!(
        check.detail.contains("`search_flights` [TOOL]"),
        "{}",
        check.detail
    );
}

#[tokio::test]
async fn tools_under_the_experiment_span_mean_a_dropped_chain() {
    let report = spoilt(|call, spans| {
        spans.remove(0);
        spans[0].parent_span_id.clone_from(&call.parent);
        spans.pop();
    })
    .await;
    assert!(
        only(&report, "chain-exported")
            .detail
            .contains("directly under the experiment span")
    );
}

#[tokio::test]
async fn a_first_span_without_a_kind_is_no_chain() {
    let report = spoilt(|_, spans| spans[0].unset("openinference.span.kind")).await;
    let check = only(&report, "chain-parent");
    assert!(check.detail.contains("`run_agent`"), "{}", check.detail);
    assert!(
        check
            .remedy
            .expect("has one")
            .contains("openinference.span.kind")
    );
}

#[tokio::test]
async fn a_chain_under_a_server_span_has_the_wrong_parent() {
    let report = spoilt(|call, spans| {
        spans.push(call.span(9, &call.parent, "POST /invoke", ""));
        spans[0].parent_span_id = vec![9; 8];
    })
    .await;
    assert!(
        only(&report, "chain-parent")
            .detail
            .contains("`POST /invoke`")
    );
}

#[tokio::test]
async fn a_chain_under_a_span_that_never_came_has_the_wrong_parent() {
    let report = spoilt(|_, spans| spans[0].parent_span_id = vec![9; 8]).await;
    only(&report, "chain-parent");
}

#[tokio::test]
async fn missing_tools_are_named() {
    let dropped =
        |call: &Call| Reply::ok(vec![Export::new(&call.space, call.spans()[..1].to_vec())]);
    let asked = report(dropped, &["search_flights", "search_hotels"]).await;
    let check = only(&asked, "tools-exported");
    assert!(
        check.detail.contains("`search_flights`, `search_hotels`"),
        "{}",
        check.detail
    );

    let not_asked = report(dropped, &[]).await;
    assert!(not_asked.ok());
    assert_eq!(warnings(&not_asked), ["tools-exported"]);
}

#[tokio::test]
async fn a_tool_beside_the_chain_is_not_under_it() {
    let report = spoilt(|call, spans| spans[1].parent_span_id.clone_from(&call.parent)).await;
    assert!(
        only(&report, "tools-under-chain")
            .detail
            .contains("`search_flights` [TOOL]")
    );
}

#[tokio::test]
async fn a_span_whose_parent_never_came_is_an_orphan() {
    let report = spoilt(|_, spans| spans[2].parent_span_id = vec![9; 8]).await;
    assert!(
        only(&report, "no-orphans")
            .detail
            .contains("`http_request`")
    );
}

#[tokio::test]
async fn a_misspelt_attribute_is_told_with_the_right_name() {
    let report = spoilt(|_, spans| {
        spans[3].set("llm.model.name", "gpt");
        spans[3].set("gen_ai.request.model", "gpt");
        spans[2].set("http.request.method", "GET");
    })
    .await;
    let check = only(&report, "known-names");
    assert!(
        check.detail.contains("`llm.model.name`")
            && check.detail.contains("did you mean `llm.model_name`?")
    );
    assert!(
        !check.detail.contains("gen_ai") && !check.detail.contains("http.request"),
        "{}",
        check.detail
    );
}

#[tokio::test]
async fn a_wrong_type_and_an_unknown_kind_are_told() {
    let report = spoilt(|_, spans| {
        spans[3].set("llm.token_count.total", "12");
        spans[0].set("openinference.span.kind", "Chain");
    })
    .await;
    let detail = &only(&report, "known-names").detail;
    assert!(
        detail.contains("`llm.token_count.total` on `plan` [LLM] is a string, not an integer"),
        "{detail}"
    );
    assert!(
        detail.contains("is `Chain`, no span kind (did you mean `CHAIN`?)"),
        "{detail}"
    );
}

#[tokio::test]
async fn only_the_chain_must_have_input_and_output() {
    let chain = spoilt(|_, spans| spans[0].unset("output.value")).await;
    assert!(
        only(&chain, "input-output")
            .detail
            .contains("`output.value` on `run_agent` [CHAIN] is missing")
    );

    let tool = spoilt(|_, spans| spans[1].unset("input.value")).await;
    assert!(tool.ok());
    assert_eq!(warnings(&tool), ["input-output"]);

    let failed = spoilt(|_, spans| {
        for span in &mut spans[..2] {
            span.fail("no flights");
        }
    })
    .await;
    assert!(failed.ok());
    assert_eq!(warnings(&failed), [""; 0]);
}

#[tokio::test]
async fn an_agent_that_exports_nothing_is_not_received() {
    let report = report(|_| Reply::ok(Vec::new()), &["search_flights"]).await;
    assert!(
        only(&report, "received")
            .detail
            .contains("nobody connected")
    );
}

#[tokio::test]
async fn a_single_row_without_spans_is_named() {
    let behaviour = |call: &Call| {
        if call.row() == 2 {
            Reply::ok(Vec::new())
        } else {
            call.right()
        }
    };
    let report = report(behaviour, &[]).await;
    let check = only(&report, "received");
    assert_eq!(
        (
            check.rows.as_slice(),
            check.detail.contains("only those of others")
        ),
        ([2].as_slice(), true)
    );
}
