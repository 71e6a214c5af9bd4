//! What each request shows, by the checks of rows and what its variation expects.

use super::strays::{self, is_for, traces};
use super::variation::{Expects, OTHER_PROJECT, OTHER_SPACE, Variation};
use crate::checks::{self, Run, has, span_list};
use crate::openinference::{is_chain, kind};
use crate::report::{Check, Outcome, RowReport};
use crate::span::Span;

/// What to do where one request's spans go where another's belong.
pub(super) const LEAK: &str = "keep no route from one request to the next, in a global, a default or a cached tracer: \
    resolve it for each request and carry it in the request's context";

/// Why it cannot be judged what must not arrive: an agent that never exports passes as well.
pub(crate) const NOTHING_CAME: &str = "no span arrived at all";

/// A request that was sent, and what came of it.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) variation: &'static Variation,
    pub(super) report: RowReport,
}

/// Fills in the checks of every request, and the spans of those whose trace was not known before.
pub(super) fn judge(sent: &mut [Sent], run: &Run<'_>) {
    let reports: Vec<&RowReport> = sent.iter().map(|sent| &sent.report).collect();
    let strays = strays::by_request(&reports, &run.stray);
    let owners: Vec<Owner> = sent.iter().map(Owner::new).collect();
    for (at, (sent, strays)) in sent.iter_mut().zip(strays).enumerate() {
        let report = &mut sent.report;
        let mut checks = match sent.variation.expects {
            Expects::Routed | Expects::AnyBody => {
                checks::judge_row(report, run, &worth_telling(report, &strays))
            }
            Expects::NewTrace => new_trace(report, run, &strays),
            Expects::Nothing => nothing(report, run, &strays),
            Expects::NotOthers => not_others(report, run, &strays),
        };
        // Other strays are told of already, and may be late work of the request before.
        let strays = strays
            .into_iter()
            .filter(|_| sent.variation.expects == Expects::NotOthers);
        let own: Vec<&Span> = report.spans.iter().chain(strays).collect();
        if let Some(owner) = owner_of(&own, at, &owners) {
            name_leak(&mut checks, &own, &owner);
        }
        show_answer(&mut checks, report);
        report.checks = checks;
    }
}

/// The strays that accuse a request: spans without a kind, such as those of a web framework's health checks, only
/// where it has no others.
fn worth_telling<'a>(report: &RowReport, strays: &[&'a Span]) -> Vec<&'a Span> {
    let strays = strays.iter().copied();
    strays
        .filter(|span| report.spans.is_empty() || kind(span).is_some())
        .collect()
}

/// A request whose trace the agent names: the checks of rows judge it as if its root was under the experiment span.
fn new_trace(report: &mut RowReport, run: &Run<'_>, strays: &[&Span]) -> Vec<Check> {
    let mut traces = traces(strays.iter().copied());
    let main = traces
        .iter()
        .position(|trace| trace.iter().any(|span| is_chain(span)))
        .or_else(|| {
            traces
                .iter()
                .position(|trace| trace.iter().any(|span| is_for(span, report)))
        });
    let main = main.map(|at| traces.swap_remove(at)).unwrap_or_default();
    report.spans = main.into_iter().cloned().collect();
    if let Some(span) = report.spans.first() {
        report.trace_id.clone_from(&span.trace_id);
    }
    let mut judged = report.clone();
    judged.names.trace = true;
    for span in &mut judged.spans {
        span.parent_span_id
            .get_or_insert_with(|| report.span_id.clone());
    }
    let rest: Vec<&Span> = traces.into_iter().flatten().collect();
    let mut checks = checks::judge_row(&judged, run, &worth_telling(&judged, &rest));
    // Above the CHAIN may stand what the agent likes.
    checks.retain(|check| check.name != "chain-parent");
    let under_header: Vec<&Span> = report
        .spans
        .iter()
        .filter(|span| span.parent_span_id.as_deref() == Some(&report.span_id))
        .collect();
    checks.push(match under_header.as_slice() {
        [] => Check::passed("new-trace"),
        spans => Check::fail(
            "new-trace",
            format!(
                "{} {} a parent from the malformed header",
                span_list(spans),
                has(spans)
            ),
            "take a `traceparent` as a whole or not at all: parts of a malformed one mean nothing",
        ),
    });
    checks
}

/// A request that must leave no span.
fn nothing(report: &RowReport, run: &Run<'_>, strays: &[&Span]) -> Vec<Check> {
    let mut checks = checks::judge_row(report, run, &[]);
    checks.retain(|check| check.name == "request");
    let own: Vec<&Span> = strays
        .iter()
        .copied()
        .filter(|span| kind(span).is_some() || is_for(span, report))
        .collect();
    checks.push(if !report.spans.is_empty() {
        let spans: Vec<&Span> = report.spans.iter().collect();
        Check::fail(
            "nothing-exported",
            format!("spans of an unsampled trace arrived: {}", span_list(&spans)),
            "keep a sampler that follows the parent's flag (`ParentBased`, the default of OpenTelemetry SDKs), and \
             pass the flag on where contexts are built by hand",
        )
    } else if !own.is_empty() {
        Check::fail(
            "nothing-exported",
            format!("spans arrived in another trace: {}", span_list(&own)),
            "extract `traceparent` also where its flags say unsampled, and start the CHAIN span in that context",
        )
    } else {
        passed_or_unjudged("nothing-exported", run)
    });
    checks
}

/// A request without a route: its spans may be anywhere but with another request.
fn not_others(report: &RowReport, run: &Run<'_>, strays: &[&Span]) -> Vec<Check> {
    let mut checks = checks::judge_row(report, run, &worth_telling(report, strays));
    checks.retain(|check| ["request", "trace-joined"].contains(&check.name));
    checks.push(passed_or_unjudged("routed", run)); // unless a leak is found
    checks
}

/// That nothing wrong arrived says something only where anything arrived.
fn passed_or_unjudged(name: &'static str, run: &Run<'_>) -> Check {
    match run.requests {
        0 => Check::skipped(name, NOTHING_CAME),
        _ => Check::passed(name),
    }
}

/// A space and a project, and the variation whose request they belong to.
struct Owner {
    variation: &'static str,
    space_id: String,
    project: String,
}

impl Owner {
    fn new(sent: &Sent) -> Self {
        Self {
            variation: sent.variation.name,
            space_id: sent.report.space_id.clone(),
            project: sent.report.project.clone(),
        }
    }

    fn has(&self, spans: &[&Span]) -> bool {
        let names = |span: &&Span| strays::names(span, &self.space_id, &self.project);
        spans.iter().any(names)
    }
}

/// Who else has the space or the project that these spans name.
#[derive(Debug)]
enum Whose {
    /// Another request, of this variation.
    Request(&'static str),
    /// The baggage that has another route than the request.
    Baggage,
}

fn owner_of(spans: &[&Span], own: usize, owners: &[Owner]) -> Option<Whose> {
    let other = owners
        .iter()
        .enumerate()
        .find(|(at, owner)| *at != own && owner.has(spans));
    let baggage = |span: &&Span| strays::names(span, OTHER_SPACE, OTHER_PROJECT);
    other
        .map(|(_, owner)| Whose::Request(owner.variation))
        .or_else(|| spans.iter().any(baggage).then_some(Whose::Baggage))
}

/// Adds to `routed` whose route it is instead.
fn name_leak(checks: &mut [Check], spans: &[&Span], whose: &Whose) {
    let name = match whose {
        Whose::Request(variation) => format!("the route of another request, `{variation}`"),
        Whose::Baggage => "the route of the baggage".to_owned(),
    };
    // Where there is no such check, nothing of the request should have arrived, and that is told.
    for routed in checks.iter_mut().filter(|check| check.name == "routed") {
        routed.detail = match routed.detail.as_str() {
            "" => format!("{} {} {name}", span_list(spans), has(spans)),
            detail => format!("{detail}; that is {name}"),
        };
        routed.outcome = Outcome::Fail;
        routed.remedy = routed.remedy.or(Some(LEAK));
    }
    if matches!(whose, Whose::Request(_)) {
        let about_routes = |check: &&mut Check| ["routed", "one-route"].contains(&check.name);
        for check in checks
            .iter_mut()
            .filter(about_routes)
            .filter(|check| !check.ok())
        {
            check.remedy = Some(LEAK);
        }
    }
}

/// Puts what the agent answered beside the status: there is no other place for it.
fn show_answer(checks: &mut [Check], report: &RowReport) {
    const MAX: usize = 200;
    let text = match &report.response {
        Some(serde_json::Value::String(text)) => text.trim().to_owned(),
        Some(other) => other.to_string(),
        None => return,
    };
    let request = checks
        .iter_mut()
        .find(|check| check.name == "request" && !check.ok());
    if let Some(request) = request.filter(|_| !text.is_empty()) {
        let shown: String = text.chars().take(MAX).collect();
        let more = if shown.len() < text.len() { "..." } else { "" };
        request.detail += &format!(": {shown}{more}");
    }
}
