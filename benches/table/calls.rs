//! What a call costs.

use benches::Result;
use benches::calls::Workload::{self, Described, Large, Unsampled, W1, W2, W3, W3tp, W4};
use benches::report::{Calls, Figure, locked_version};

use crate::thousands;

const PEERS: [(&str, &str); 7] = [
    ("none", "the functions alone"),
    ("floor", "JSON, two clock reads, ids, a push"),
    ("raw", "OpenTelemetry by hand"),
    ("raw-safe", "by hand, with our promises: the bar"),
    ("arize", "**ours**"),
    ("tracing-json", "`tracing`, the same content"),
    (
        "fastrace",
        "`fastrace`, the same content; the calling thread",
    ),
];

const VERSIONS: [&str; 5] = [
    "opentelemetry_sdk",
    "tracing",
    "tracing-opentelemetry",
    "fastrace",
    "fastrace-opentelemetry",
];

const HEAD: &str = "\
| | W1: a sync tool | W2: an async tool | W3: a request | W3 with `traceparent` alone | W4: W1, off |
|---|---:|---:|---:|---:|---:|
";

pub(crate) fn table(calls: &Calls) -> Result<String> {
    let about = &calls.about;
    let versions = VERSIONS.map(|package| Ok(format!("`{package}` {}", locked_version(package)?)));
    let versions: Result<Vec<String>> = versions.into_iter().collect();
    let counted = about.valgrind.as_deref().unwrap_or("without valgrind");
    let mut text = format!(
        "Instructions and allocations of a call, and instructions beside the bar's in the same run. {}, {}, {}; {}; {counted}.\n\n",
        about.date,
        about.machine,
        about.rustc,
        versions?.join(", "),
    );
    text += HEAD;
    for (peer, title) in PEERS {
        let row = [W1, W2, W3, W3tp, W4].map(|workload| cell(calls, peer, workload));
        text += &format!("| {title} | {} |\n", row.join(" | "));
    }
    text += &background(calls);
    text += &small(calls);
    Ok(text)
}

/// `4,791 / 6.0 (x1.12)`
fn cell(calls: &Calls, peer: &str, workload: Workload) -> String {
    let Some(figure) = calls.figure(peer, workload) else {
        return String::new();
    };
    let allocations = figure.caller.allocations;
    let Some(instructions) = figure.instructions else {
        return format!("{allocations:.0} allocations");
    };
    let beside = bar(calls, workload).map(|bar| format!(" (x{:.2})", instructions / bar));
    let beside = beside.filter(|_| workload != W4).unwrap_or_default();
    format!("{} / {allocations:.0}{beside}", thousands(instructions))
}

fn bar(calls: &Calls, workload: Workload) -> Option<f64> {
    calls.figure("raw-safe", workload)?.instructions
}

fn background(calls: &Calls) -> String {
    let of = |workload| {
        let background = calls.figure("fastrace", workload)?.background;
        background.map(thousands)
    };
    match (of(W1), of(W3)) {
        (Some(w1), Some(w3)) => format!(
            "\nfastrace makes its OpenTelemetry spans on a thread of its own: {w1} more instructions \
             in W1, {w3} in W3. Its spans lose the tracestate.\n"
        ),
        _ => String::new(),
    }
}

/// What ours does in the cases that a table of peers does not show.
fn small(calls: &Calls) -> String {
    let ours = |workload| instructions(calls.figure("arize", workload));
    let other = |peer, workload| instructions(calls.figure(peer, workload));
    let mut text = String::new();
    let unsampled = (ours(Unsampled), other("none", Unsampled));
    if let (Some(ours), Some(none)) = unsampled {
        text += &format!(
            "\n- Under a parent that is not sampled nothing is serialised: {} instructions, {} without us.\n",
            thousands(ours),
            thousands(none),
        );
    }
    if let (Some(more), Some(one)) = (ours(Described), ours(W1)) {
        text += &format!(
            "- One more static attribute, a description: {} instructions.\n",
            thousands((more - one).max(0.0)),
        );
    }
    if let (Some(ours), Some(once)) = (ours(Large), other("floor", Large)) {
        text += &format!(
            "- An argument of a mebibyte: {:.2} times the instructions of serialising it once into a buffer that is kept.\n",
            ours / once,
        );
    }
    text
}

fn instructions(figure: Option<&Figure>) -> Option<f64> {
    figure?.instructions
}
