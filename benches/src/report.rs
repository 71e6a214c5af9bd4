//! What `calls` and `compile` found, as they leave it for `table`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::calls::{Counts, Workload};

/// What `calls` found.
#[derive(Debug, Serialize, Deserialize)]
pub struct Calls {
    /// Where and when.
    pub about: About,
    /// One for each peer and workload.
    pub figures: Vec<Figure>,
}

/// What a call costs.
#[derive(Debug, Serialize, Deserialize)]
pub struct Figure {
    /// The name on the command line.
    pub peer: String,
    /// What was called.
    pub workload: Workload,
    /// Of the thread that calls; none without valgrind.
    pub instructions: Option<f64>,
    /// Of other threads; none where there are none.
    pub background: Option<f64>,
    /// Of the thread that calls.
    pub caller: Counts,
    /// Of all threads.
    pub all: Counts,
    /// Of a call: the best round's median batch.
    pub nanos: f64,
}

impl Calls {
    /// The figure of this peer and workload.
    #[must_use]
    pub fn figure(&self, peer: &str, workload: Workload) -> Option<&Figure> {
        let is_it = |figure: &&Figure| figure.peer == peer && figure.workload == workload;
        self.figures.iter().find(is_it)
    }
}

/// What `compile` found.
#[derive(Debug, Serialize, Deserialize)]
pub struct Compile {
    /// Where and when.
    pub about: About,
    /// Annotated functions of each variant.
    pub functions: u32,
    /// How they are annotated.
    pub variants: Vec<Variant>,
    /// What is built from nothing.
    pub trees: Vec<Tree>,
}

/// A crate of annotated functions.
#[derive(Debug, Serialize, Deserialize)]
pub struct Variant {
    /// The attribute.
    pub name: String,
    /// Processor seconds, none where the system does not tell or it was not asked for.
    pub check: Option<f64>,
    /// See [`check`](Self::check).
    pub dev: Option<f64>,
    /// See [`check`](Self::check).
    pub release: Option<f64>,
    /// Of a function, once it is expanded.
    pub lines: f64,
}

/// A package with all that it depends on.
#[derive(Debug, Serialize, Deserialize)]
pub struct Tree {
    /// The package.
    pub name: String,
    /// How many packages, itself included.
    pub crates: usize,
    /// Processor seconds of a dev build from nothing.
    pub seconds: Option<f64>,
}

/// Where and when something was measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct About {
    /// The day, in UTC.
    pub date: String,
    /// `rustc --version`
    pub rustc: String,
    /// `valgrind --version`
    pub valgrind: Option<String>,
    /// Cores, processor and system, in Markdown.
    pub machine: String,
}

impl About {
    /// Here and now.
    #[must_use]
    pub fn now() -> Self {
        let date = httpdate::fmt_http_date(SystemTime::now()); // `Sun, 06 Nov 1994 08:49:37 GMT`
        let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
        Self {
            date: date.get(5..16).unwrap_or_default().to_owned(),
            rustc: says(&rustc).unwrap_or_else(|| "an unknown rustc".to_owned()),
            valgrind: valgrind(),
            machine: machine(),
        }
    }
}

/// What `valgrind --version` says, where there is one.
#[must_use]
pub fn valgrind() -> Option<String> {
    says("valgrind")
}

fn says(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|_| output.status.success())
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let system = format!("{} `{}`", std::env::consts::OS, std::env::consts::ARCH);
    let of = fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|cpuinfo| {
            let mut lines = cpuinfo.lines();
            let model = lines.find_map(|line| line.strip_prefix("model name"))?;
            Some(model.trim_start_matches([' ', '\t', ':']).to_owned())
        });
    match of {
        Some(processor) => format!("{cores} cores of {processor}, {system}"),
        None => format!("{cores} cores, {system}"),
    }
}

/// The workspace's root, of which this package is a part.
///
/// # Panics
/// Never: this package is not the root.
#[must_use]
pub fn workspace() -> PathBuf {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    parent.expect("this package is not the root").to_owned()
}

/// The version of a package in the workspace's `Cargo.lock`.
///
/// # Errors
/// It is not there.
pub fn locked_version(package: &str) -> Result<String> {
    let lock = fs::read_to_string(workspace().join("Cargo.lock"))?;
    let entry = format!("name = \"{package}\"\nversion = \"");
    let behind = lock.split(&entry).nth(1);
    let version = behind.and_then(|behind| behind.split('"').next());
    Ok(version
        .ok_or(format!("`Cargo.lock` has no {package}"))?
        .to_owned())
}

/// The target folder of this program, where it was built by cargo.
///
/// # Errors
/// The program's own path is not known.
pub fn target() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.parent().and_then(Path::parent);
    Ok(target
        .ok_or("this program stands in no target folder")?
        .to_owned())
}

/// Where a bench leaves what it found, if it is not told otherwise.
///
/// # Errors
/// The program's own path is not known.
pub fn place(bench: &str) -> Result<PathBuf> {
    Ok(target()?.join("benches").join(bench).with_extension("json"))
}

/// Leaves it there.
///
/// # Errors
/// The file cannot be written.
pub fn save(path: &Path, found: &impl Serialize) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, serde_json::to_string_pretty(found)?)?)
}

/// Takes it from there.
///
/// # Errors
/// It is not there, or of another version.
pub fn load<F: DeserializeOwned>(path: &Path) -> Result<F> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}
