//! How far a run is, for people who watch it.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

/// How often a line is printed where there can be no bar.
const EVERY: Duration = Duration::from_secs(10);

/// Progress on standard error: on a terminal only.
///
/// Where an agent writes to the same terminal a bar would be torn by its lines, and would tear them: there a line
/// is printed from time to time.
#[derive(Debug)]
pub(crate) struct Progress {
    rows: usize,
    done: usize,
    failed: usize,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Nothing,
    Bar(ProgressBar),
    Lines { start: Instant, last: Instant },
}

impl Progress {
    pub(crate) fn new(rows: usize, quiet: bool, agent_writes: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let shown = if quiet || !std::io::stderr().is_terminal() {
            Shown::Nothing
        } else if agent_writes || dumb {
            let start = Instant::now();
            Shown::Lines { start, last: start }
        } else {
            Shown::Bar(bar(rows))
        };
        Self {
            rows,
            done: 0,
            failed: 0,
            shown,
        }
    }

    /// A row is done.
    pub(crate) fn finished(&mut self, ok: bool) {
        self.done += 1;
        self.failed += usize::from(!ok);
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        match &mut self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => {
                bar.set_position(self.done as u64);
                bar.set_message(failed);
            }
            Shown::Lines { start, last } => {
                if last.elapsed() >= EVERY {
                    *last = Instant::now();
                    let (done, rows, seconds) = (self.done, self.rows, start.elapsed().as_secs());
                    let line = format!("arize-local: {done} of {rows} rows{failed}, {seconds} s");
                    // Unlike `eprintln!` without a panic where nobody reads it.
                    let _ = writeln!(std::io::stderr(), "{line}");
                }
            }
        }
    }
}

/// A bar that clears its line when it is dropped, also where the run is interrupted.
fn bar(rows: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len} rows{msg}  {rate}  {elapsed}")
        .expect("the template is right")
        .with_key(
            "rate",
            |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{:.1} rows/s", state.per_sec()); // writing to the bar cannot fail
            },
        );
    let target = ProgressDrawTarget::stderr_with_hz(8);
    let bar = ProgressBar::with_draw_target(Some(rows as u64), target)
        .with_style(style)
        .with_finish(ProgressFinish::AndClear);
    bar.enable_steady_tick(Duration::from_millis(250)); // the time goes on where no row ends
    bar
}
