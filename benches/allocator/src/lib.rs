//! The system's allocator, which counts when it is told to.
//!
//! Where it does not count it costs a load and a branch for each allocation and nothing for a
//! release, so the same program gives instructions, times and allocations.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

#[global_allocator]
static COUNTING: Counting = Counting;

static ON: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static REALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// What was allocated since [`count`], by all threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Blocks that were asked for.
    pub allocations: u64,
    /// Blocks whose size was changed.
    pub reallocations: u64,
    /// Bytes of these blocks, and those by which blocks grew.
    pub bytes: u64,
}

/// Counts from now on.
pub fn count() {
    ON.store(true, Relaxed);
}

/// What was counted so far.
#[must_use]
pub fn counts() -> Counts {
    Counts {
        allocations: ALLOCATIONS.load(Relaxed),
        reallocations: REALLOCATIONS.load(Relaxed),
        bytes: BYTES.load(Relaxed),
    }
}

#[cold]
fn add(to: &AtomicU64, bytes: usize) {
    to.fetch_add(1, Relaxed);
    BYTES.fetch_add(bytes as u64, Relaxed);
}

struct Counting;

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if ON.load(Relaxed) {
            add(&ALLOCATIONS, layout.size());
        }
        // SAFETY: the caller's promises are those that it asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above; the block is of the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if ON.load(Relaxed) {
            add(&REALLOCATIONS, size.saturating_sub(layout.size()));
        }
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }
}
