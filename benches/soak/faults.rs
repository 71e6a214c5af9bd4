//! What goes wrong at the collector, one thing after the other, and nothing in between.

use std::time::Duration;

use arize_local::Fault;
use benches::Result;

/// As `arize-local collect --fault` reads them. A retry helps against most; `INVALID_ARGUMENT` and
/// what a partial success rejects are for good.
pub(crate) const FAULTS: [&str; 15] = [
    "status=UNAVAILABLE",
    "throttle=100ms",
    "share=0.5:unavailable=300ms",
    HANGING_SPACES,
    "every=50:reset",
    "every=50:lost-answer",
    "partial=1",
    "limit=24KiB", // requests are split until the pipeline has adapted
    "restart=200ms",
    "slow=100ms",
    "every=20:slow=1500ms", // longer than the pipeline waits
    "share=0.1:status=503",
    "tonic-limit=24KiB",
    "share=0.05:hang",
    "share=0.01:status=INVALID_ARGUMENT",
];

/// Stands for `space=..:hang` of each of [`SICK`].
const HANGING_SPACES: &str = "hanging spaces";

/// Spaces that are named all the time, and hang at times.
pub(crate) const SICK: [&str; 4] = [
    "U3BhY2U6c2ljazAwMQ==",
    "U3BhY2U6c2ljazAwMg==",
    "U3BhY2U6c2ljazAwMw==",
    "U3BhY2U6c2ljazAwNA==",
];

/// In a part that takes so long every fault must have been met.
pub(crate) const ALL_ARE_MET_IN: Duration = Duration::from_secs(60);

/// How long each fault lasts, and the time without one after it: in a short part less, so that all
/// of them come.
pub(crate) fn step(part: Duration) -> Duration {
    let steps = u32::try_from(2 * FAULTS.len() + 2).expect("few");
    (part / steps).min(Duration::from_secs(1))
}

/// Which of [`FAULTS`] is shown in the `n`th step, if one is.
pub(crate) fn shown(n: usize) -> Option<usize> {
    (n % 2 == 1).then_some(n / 2 % FAULTS.len())
}

pub(crate) fn read(fault: &str) -> Result<Vec<Fault>> {
    if fault == HANGING_SPACES {
        let hang = |space| Ok(format!("space={space}:hang").parse()?);
        return SICK.into_iter().map(hang).collect();
    }
    Ok(vec![fault.parse()?])
}
