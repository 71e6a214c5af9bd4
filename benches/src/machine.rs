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
