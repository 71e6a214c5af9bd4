//! The processes of peers: one for each figure, with callgrind around it where it counts.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use benches::Result;
use benches::calls::{COUNTED, Measure, Measured, Order, Workload};
use benches::report;

use crate::peer::Peer;

/// What a peer's process says of its run.
pub(crate) fn measure(peer: Peer, order: Order) -> Result<Measured> {
    run(Command::new(peer.program()?), peer, order)
}

/// Instructions of a call, on the thread that calls.
pub(crate) fn instructions(peer: Peer, workload: Workload, calls: u64) -> Result<f64> {
    let toggle = format!("--toggle-collect=*::{COUNTED}*");
    difference(calls, |calls| {
        counted(peer, workload, calls, &[&toggle], |_thread| true)
    })
}

/// Instructions of a call, on all other threads.
pub(crate) fn background_instructions(peer: Peer, workload: Workload, calls: u64) -> Result<f64> {
    let options = ["--separate-threads=yes"];
    difference(calls, |calls| {
        counted(peer, workload, calls, &options, |thread| thread > 1)
    })
}

/// What happens only once is in both runs, and so in neither figure.
#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
fn difference(calls: u64, count: impl Fn(u64) -> Result<u64>) -> Result<f64> {
    let (few, many) = (count(calls)?, count(3 * calls)?);
    Ok(many.saturating_sub(few) as f64 / (2 * calls) as f64)
}

/// Instructions of a run under callgrind, on the threads that are asked for.
fn counted(
    peer: Peer,
    workload: Workload,
    calls: u64,
    options: &[&str],
    thread: impl Fn(u32) -> bool,
) -> Result<u64> {
    let name = format!("callgrind-{}-{}", std::process::id(), peer.name());
    let folder = report::target()?.join("benches").join(name);
    fs::create_dir_all(&folder)?;
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!(
            "--callgrind-out-file={}",
            folder.join("out").display()
        ))
        .args(options)
        .arg(peer.program()?);
    let order = Order {
        workload,
        calls,
        measure: Measure::Instructions,
    };
    run(valgrind, peer, order)?;
    let total = total(&folder, thread);
    fs::remove_dir_all(&folder)?;
    total
}

fn run(mut program: Command, peer: Peer, order: Order) -> Result<Measured> {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("OTEL_") || text.starts_with("ARIZE_") {
            program.env_remove(&name);
        }
    }
    let output = program
        .arg(serde_json::to_string(&order)?)
        .stderr(Stdio::inherit())
        .output();
    let failed = |why: String| format!("{} of {}: {why}", order.workload.name(), peer.name());
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed("the process failed; what it said is above".to_owned()).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The sum over the files that callgrind wrote: one, or `out-01` and so on for each thread.
fn total(folder: &Path, thread: impl Fn(u32) -> bool) -> Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if thread(thread_of(&path)) {
            total += total_of(&fs::read_to_string(&path)?)?;
        }
    }
    Ok(total)
}

fn thread_of(path: &Path) -> u32 {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let number = name
        .rsplit_once('-')
        .and_then(|(_, number)| number.parse().ok());
    number.unwrap_or(0) // the file without a number has nothing, or all
}

fn total_of(text: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| {
        line.strip_prefix("summary: ")
            .or(line.strip_prefix("totals: "))
    });
    let number = line.and_then(|line| line.trim().parse().ok());
    Ok(number.ok_or("callgrind wrote no total")?)
}
