//! What a process costs: processor time, memory and threads. `None` where the system does not tell.

use std::time::Duration;

/// Processor time from a moment on, as `Instant` has the time that passes.
#[derive(Clone, Copy, Debug)]
pub struct CpuTime {
    clock: fn() -> Option<Duration>,
    start: Option<Duration>,
}

impl CpuTime {
    /// Of all threads of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::start(clock::process)
    }

    /// Of this thread, on which it is asked for as well.
    #[must_use]
    pub fn of_thread() -> Self {
        Self::start(clock::thread)
    }

    fn start(clock: fn() -> Option<Duration>) -> Self {
        Self {
            clock,
            start: clock(),
        }
    }

    /// What was used since.
    #[must_use]
    pub fn elapsed(&self) -> Option<Duration> {
        Some((self.clock)()?.saturating_sub(self.start?))
    }
}

/// Processor time of all processes that this one has waited for, and of those that they have.
#[must_use]
#[cfg(unix)]
pub fn children() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // the name in parentheses may hold anything; behind it the 14th and 15th are theirs
    let mut behind = stat.rsplit_once(')')?.1.split_whitespace().skip(13);
    let mut ticks = || behind.next()?.parse::<u32>().ok();
    let ticks = f64::from(ticks()? + ticks()?);
    let per_second = u32::try_from(rustix::param::clock_ticks_per_second()).ok()?;
    Some(Duration::from_secs_f64(ticks / f64::from(per_second)))
}

/// Processor time of all processes that this one has waited for.
#[must_use]
#[cfg(not(unix))]
pub fn children() -> Option<Duration> {
    None
}

#[cfg(unix)]
mod clock {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    fn of(clock: ClockId) -> Option<Duration> {
        clock_gettime(clock).try_into().ok()
    }

    pub(super) fn process() -> Option<Duration> {
        of(ClockId::ProcessCPUTime)
    }

    pub(super) fn thread() -> Option<Duration> {
        of(ClockId::ThreadCPUTime)
    }
}

#[cfg(not(unix))]
mod clock {
    use std::time::Duration;

    pub(super) fn process() -> Option<Duration> {
        None
    }

    pub(super) fn thread() -> Option<Duration> {
        None
    }
}

/// Memory that is resident now, in KiB.
#[must_use]
pub fn resident() -> Option<u64> {
    status("VmRSS:")
}

/// The most memory that was ever resident, in KiB.
#[must_use]
pub fn peak_resident() -> Option<u64> {
    status("VmHWM:")
}

/// Threads of this process.
#[must_use]
pub fn threads() -> Option<u64> {
    status("Threads:")
}

/// The number behind a key of Linux's `/proc/self/status`.
fn status(key: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}
