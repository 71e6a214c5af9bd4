//! How fast the agent was, in a line.

use std::time::Duration;

use super::text::duration;
use crate::report::Report;

/// The answers' times, and how many rows were answered in a second; nothing of a single row, of which the table
/// says it.
pub(super) fn times(report: &Report) -> Option<String> {
    let answered = report.rows.iter().filter(|row| row.status.is_some());
    let mut times: Vec<Duration> = answered.map(|row| row.duration).collect();
    if times.len() < 2 {
        return None;
    }
    times.sort_unstable();
    Some(format!(
        "answers within {} (p50), {} (p95), {} (max); {}",
        duration(percentile(&times, 50)),
        duration(percentile(&times, 95)),
        duration(percentile(&times, 100)),
        rate(times.len(), report.answering)
    ))
}

/// The smallest time that is not exceeded by so many percent of them.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// `12 rows/s`, or `0.4 rows/s` where they are slow.
#[expect(clippy::cast_precision_loss, reason = "no run has 2^52 rows")]
fn rate(rows: usize, time: Duration) -> String {
    let rate = rows as f64 / time.as_secs_f64().max(0.001);
    if rate < 10.0 {
        format!("{rate:.1} rows/s")
    } else {
        format!("{rate:.0} rows/s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let millis: Vec<Duration> = (1..=20).map(Duration::from_millis).collect();
        let of = |percent| percentile(&millis, percent).as_millis();
        assert_eq!([of(50), of(95), of(100)], [10, 19, 20]);
        assert_eq!(percentile(&millis[..1], 50).as_millis(), 1);
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }

    #[test]
    fn slow_rates_have_a_decimal() {
        assert_eq!(rate(120, Duration::from_secs(10)), "12 rows/s");
        assert_eq!(rate(4, Duration::from_secs(10)), "0.4 rows/s");
    }
}
