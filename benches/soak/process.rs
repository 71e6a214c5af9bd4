//! What the process needs: memory and threads.

use std::fmt;

use benches::machine;

use crate::checks::Check;

/// What may be more without being a leak: the queue is not always as full, and the allocator keeps
/// some of what it had.
const MARGIN_KIB: u64 = 8 * 1024;
const MARGIN_PERCENT: u64 = 10;
/// Below this the first third is only the start. (Two are taken each second.)
const ENOUGH: usize = 120;

/// Samples of the process, evenly in time. Empty where the system does not tell.
#[derive(Debug, Default)]
pub(crate) struct Process {
    /// In KiB.
    resident: Vec<u64>,
    threads: Vec<u64>,
}

impl Process {
    pub(crate) fn sample(&mut self) {
        self.resident.extend(machine::resident());
        self.threads.extend(machine::threads());
    }

    /// `threads` are those that the process had at first.
    pub(crate) fn checks(&self, threads: Option<u64>) -> Vec<Check> {
        let mut checks = vec![memory(&self.resident)];
        let now = machine::threads();
        let (least, most) = (self.threads.iter().min(), self.threads.iter().max());
        if let (Some(least), Some(most), Some(before), Some(now)) = (least, most, threads, now) {
            checks.push(Check::new(
                least == most && before == now,
                format!(
                    "{least} to {most} threads all the time; {before} before, and {now} after the shutdown"
                ),
            ));
        }
        checks
    }
}

/// What it was last: `61 MiB  4 threads`.
impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = |samples: &[u64]| samples.last().copied().unwrap_or(0);
        let (resident, threads) = (last(&self.resident) / 1024, last(&self.threads));
        write!(f, "{resident:>4} MiB  {threads:>2} threads")
    }
}

/// Whether the most of the last third is not above that of the first.
fn memory(resident: &[u64]) -> Check {
    let third = resident.len() / 3;
    let most = |samples: &[u64]| samples.iter().copied().max().unwrap_or(0);
    if resident.len() < ENOUGH {
        let text = "memory is not judged: under a minute, or the system does not tell";
        return Check::new(true, text.to_owned());
    }
    let (first, last) = (
        most(&resident[..third]),
        most(&resident[resident.len() - third..]),
    );
    let allowed = first + first * MARGIN_PERCENT / 100 + MARGIN_KIB;
    Check::new(
        last <= allowed,
        format!(
            "{last} KiB resident at most in the last third, {first} in the first ({allowed} allowed)"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_grows_is_told_from_memory_that_stays() {
        let flat = |last: u64| {
            let samples: Vec<_> = (0..300)
                .map(|n| if n < 200 { 50_000 } else { last })
                .collect();
            memory(&samples).holds
        };
        assert!(flat(63_000));
        assert!(!flat(64_000));
        let growing: Vec<_> = (1..ENOUGH as u64).map(|n| n << 20).collect();
        assert!(memory(&growing).holds, "too few to judge by");
    }
}
