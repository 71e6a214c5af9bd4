//! What to do in the agent: specific where only some variations fail, general where all do.

use super::judge::{LEAK, Sent};
use super::variation::{Expects, Variation};
use crate::checks::{Run, SEND_HEADER};
use crate::failure::Failure;
use crate::report::Check;

/// Checks that fail where the route of a request was not found.
const LOST: [&str; 4] = ["received", "chain-exported", "routed", "one-route"];

/// Puts the remedies of the variations where those of the checks are too general.
///
/// What fails in every variation is not the fault of what they leave out. And what fails in a simple one is to be
/// mended there, before what builds on it can be judged.
pub(super) fn specify(sent: &mut [Sent], run: &Run<'_>) {
    let specific: Vec<Vec<Option<&'static str>>> = sent
        .iter()
        .map(|one| {
            one.report
                .checks
                .iter()
                .map(|check| remedy(one, check, sent, run))
                .collect()
        })
        .collect();
    for (one, remedies) in sent.iter_mut().zip(specific) {
        for (check, remedy) in one.report.checks.iter_mut().zip(remedies) {
            check.remedy = remedy.or(check.remedy);
        }
    }
}

fn remedy(one: &Sent, check: &Check, all: &[Sent], run: &Run<'_>) -> Option<&'static str> {
    // Where only the header is wrong, the route was found.
    if check.ok() || [Some(LEAK), Some(SEND_HEADER)].contains(&check.remedy) {
        return None;
    }
    if check.name == "received" && run.only_misdirected().is_some() {
        return None; // of no variation: what was exported came to the wrong place
    }
    let variation = one.variation;
    if check.name == "request" {
        let failure = one.report.failure?;
        let general = failure.never_sent() || fails_everywhere("request", all, |_| true);
        return Some(if general {
            of_failure(failure)
        } else {
            variation.refused
        });
    }
    let has_route =
        |variation: &Variation| !matches!(variation.expects, Expects::Nothing | Expects::NotOthers);
    if !LOST.contains(&check.name) || fails_everywhere(check.name, all, has_route) {
        return None;
    }
    let simpler = |below: &&&str| {
        all.iter()
            .any(|other| other.variation.name == **below && is_lost(other))
    };
    let below = variation
        .builds_on
        .iter()
        .find(simpler)
        .and_then(|below| all.iter().find(|other| other.variation.name == *below));
    Some(below.map_or(variation.lost, |below| below.variation.lost))
}

fn is_lost(sent: &Sent) -> bool {
    sent.report
        .checks
        .iter()
        .any(|check| !check.ok() && LOST.contains(&check.name))
}

/// Whether every one of several variations fails in this check.
fn fails_everywhere(name: &str, all: &[Sent], judged: impl Fn(&Variation) -> bool) -> bool {
    let mut those = all.iter().filter(|sent| judged(sent.variation));
    let first = those.next().map(|sent| sent.variation.name);
    let several = all
        .iter()
        .any(|sent| judged(sent.variation) && Some(sent.variation.name) != first);
    let fails = |sent: &Sent| {
        let mut checks = sent.report.checks.iter();
        checks.any(|check| check.name == name && !check.ok())
    };
    several && all.iter().filter(|sent| judged(sent.variation)).all(fails)
}

/// What to do where every request fails.
fn of_failure(failure: Failure) -> &'static str {
    match failure {
        Failure::NotSent | Failure::NoTls | Failure::Incomplete | Failure::Unexpected => {
            failure.remedy()
        }
        Failure::Broken => {
            "see in the agent's log why it closed the connection: a crash, a panic, a restart"
        }
        Failure::Timeout => "raise `--timeout`, or see in the agent's log where the time goes",
        Failure::WrongPath => "see that the path of `--agent` is the one that takes POST requests",
        Failure::Refused => {
            "see that the agent takes the row (`--row`), the shape of the body (`--body`) and the headers (`--header`)"
        }
        Failure::Failed => "see the agent's log; it must answer with a 2xx status",
    }
}
