//! Numbers as the tables show them; empty where the system did not tell.

use std::cmp::Ordering;
use std::time::Duration;

/// With so many digits behind the point.
pub(crate) fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(String::new, |value| format!("{value:.digits$}"))
}

pub(crate) fn count(value: Option<u64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
pub(crate) fn per_second(count: u64, time: Duration) -> String {
    number(Some(count as f64 / time.as_secs_f64()), 0)
}

/// Microseconds for each of so many spans.
#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
pub(crate) fn micros_each(time: Option<Duration>, spans: u64) -> Option<f64> {
    Some(time?.as_secs_f64() * 1e6 / spans.max(1) as f64)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
pub(crate) fn mebibytes(kibibytes: Option<u64>) -> Option<f64> {
    Some(kibibytes? as f64 / 1024.0)
}

/// What should be none, in a way that cannot be overlooked.
pub(crate) fn fault(count: u64, name: &str) -> String {
    if count == 0 {
        "0".to_owned()
    } else {
        format!("**{count} {name}**")
    }
}

/// The outcome in the middle by this measure.
pub(crate) fn median<O>(mut outcomes: Vec<O>, measure: impl Fn(&O) -> f64) -> Option<O> {
    outcomes.sort_by(|a, b| {
        measure(a)
            .partial_cmp(&measure(b))
            .unwrap_or(Ordering::Equal)
    });
    let middle = outcomes.len().checked_sub(1)? / 2;
    Some(outcomes.swap_remove(middle))
}
