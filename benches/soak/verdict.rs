//! What must hold after a soak.

use std::fmt;

use arize_runtime::Stats;

use crate::collector::Arrived;
use crate::memory::{Memory, Thirds};

#[derive(Debug)]
pub(crate) struct Verdict {
    /// Spans that the producers ended.
    pub(crate) made: u64,
    pub(crate) stats: Stats,
    pub(crate) arrived: Arrived,
    pub(crate) memory: Memory,
}

impl Verdict {
    pub(crate) fn is_good(&self) -> bool {
        self.checks().iter().all(|(good, _)| *good)
    }

    fn checks(&self) -> Vec<(bool, String)> {
        let Self {
            made,
            stats,
            arrived,
            memory,
        } = self;
        let counted = stats.exported + stats.pending + stats.dropped.total();
        let (ended, exported) = (stats.ended, stats.exported);
        let Arrived {
            spans, misrouted, ..
        } = arrived;
        vec![
            (
                ended == counted,
                format!("{ended} ended are {counted} exported, pending and dropped"),
            ),
            (
                ended == *made,
                format!("{ended} ended of {made} that the producers ended"),
            ),
            (
                *spans >= exported,
                format!("{spans} different spans arrived of {exported} exported"),
            ),
            (
                exported > 0 && *spans <= *made,
                format!("some were exported, and no more than {made} arrived"),
            ),
            (*misrouted == 0, format!("{misrouted} are misrouted")),
            memory_check(memory.thirds()),
        ]
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.stats)?;
        writeln!(f, "{}\n", self.arrived)?;
        for (good, what) in self.checks() {
            writeln!(f, "{}  {what}", if good { "ok  " } else { "FAIL" })?;
        }
        Ok(())
    }
}

fn memory_check(thirds: Option<Thirds>) -> (bool, String) {
    let Some(thirds) = thirds else {
        let text = "memory is not judged: under a minute, or the system does not tell";
        return (true, text.to_owned());
    };
    let Thirds { first, last } = thirds;
    let allowed = thirds.allowed();
    let text = format!(
        "{last} KiB resident at most in the last third, {first} in the first ({allowed} allowed)"
    );
    (!thirds.grows(), text)
}
