//! Whether memory grows.

/// What may be more without being a leak: the queue is not always as full, and the allocator keeps
/// some of what it had.
const MARGIN_KIB: u64 = 8 * 1024;
const MARGIN_PERCENT: u64 = 10;
/// Below this the first third is only the start. (Two are taken each second.)
const SAMPLES: usize = 120;

/// Samples of the resident memory in KiB, evenly in time.
#[derive(Debug, Default)]
pub(crate) struct Memory(Vec<u64>);

/// The most of the first third, and of the last, in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thirds {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Memory {
    pub(crate) fn sample(&mut self, kibibytes: Option<u64>) {
        self.0.extend(kibibytes);
    }

    /// Nothing where there is too little to judge by.
    pub(crate) fn thirds(&self) -> Option<Thirds> {
        if self.0.len() < SAMPLES {
            return None;
        }
        let third = self.0.len() / 3;
        let most = |samples: &[u64]| samples.iter().copied().max();
        Some(Thirds {
            first: most(&self.0[..third])?,
            last: most(&self.0[self.0.len() - third..])?,
        })
    }
}

impl Thirds {
    pub(crate) const fn allowed(self) -> u64 {
        self.first + self.first * MARGIN_PERCENT / 100 + MARGIN_KIB
    }

    pub(crate) const fn grows(self) -> bool {
        self.last > self.allowed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_grows_is_told_from_memory_that_stays() {
        let thirds = |last: u64| {
            let mut memory = Memory::default();
            for n in 0..300 {
                memory.sample(Some(if n < 200 { 50_000 } else { last }));
            }
            memory.thirds().expect("it is enough")
        };
        assert!(!thirds(63_000).grows());
        assert!(thirds(64_000).grows());
        assert!(Memory(vec![1; SAMPLES - 1]).thirds().is_none());
    }
}
