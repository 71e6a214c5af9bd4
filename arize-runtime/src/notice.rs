//! What users are told: one line for each kind of trouble, at most once a minute.
//!
//! A line is a `tracing` event (target `arize_runtime`); where the process never set a `tracing`
//! subscriber it goes to stderr, since a warning that nobody can see is none.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

const QUIET: Duration = Duration::from_secs(60);

/// Kinds of trouble; each has its own minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    AllowPanicked,
    AttributeLimit,
    Child,
    Denied,
    ExcludePanicked,
    ExportFailed,
    Hook,
    Late,
    Metadata,
    MetadataProject,
    MetadataSpace,
    NoParent,
    NotSerialized,
    OtherSpace,
    QueueFull,
    Recovered,
    Rejected,
    RoutingIncomplete,
    Setting,
    SummedUp,
    TooLarge,
    Unflushed,
    Unheld,
    Unrouted,
    Unsampled,
}

const KINDS: usize = Notice::Unsampled as usize + 1;

/// When each kind may speak again (milliseconds since the first notice), and how often it was silent.
static NEXT: [AtomicU64; KINDS] = [const { AtomicU64::new(0) }; KINDS];
static SILENT: [AtomicU64; KINDS] = [const { AtomicU64::new(0) }; KINDS];

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    millis(START.get_or_init(Instant::now).elapsed())
}

/// Whether this kind spoke within the last minute.
pub(crate) fn was_told(notice: Notice) -> bool {
    now() < NEXT[notice as usize].load(Relaxed)
}

/// Tells `message` unless this kind spoke within the last minute.
#[cold]
pub(crate) fn warn(notice: Notice, message: impl FnOnce() -> String) {
    let now = now();
    let kind = notice as usize;
    let next = NEXT[kind].load(Relaxed);
    let my_turn = now >= next
        && NEXT[kind]
            .compare_exchange(next, now + millis(QUIET), Relaxed, Relaxed)
            .is_ok();
    if !my_turn {
        SILENT[kind].fetch_add(1, Relaxed);
        return;
    }
    let message = message();
    match SILENT[kind].swap(0, Relaxed) {
        0 => tell(&message),
        n => tell(&format!("{message} (and {n} more like it since)")),
    }
}

fn tell(message: &str) {
    if tracing::dispatcher::has_been_set() {
        tracing::warn!(target: "arize_runtime", "{message}");
    } else {
        eprintln!("arize-runtime: {message}");
    }
}
