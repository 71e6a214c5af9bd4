//! The command line: one file for each subcommand, with its arguments and its help, and for the arguments that
//! several have.

pub(crate) mod agent;
pub(crate) mod check;
pub(crate) mod collect;
pub(crate) mod form;
pub(crate) mod receive;
pub(crate) mod run;
pub(crate) mod schema;

use std::time::Duration;

/// What a command ends with that was interrupted, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Reads a number of seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // A year: far more than anybody waits, and far from where deadlines overflow.
    seconds
        .filter(|seconds| seconds.as_secs() < 31_536_000)
        .ok_or_else(|| "not a number of seconds".to_owned())
}
