//! Cargo in the folder of the generated crates, and the processor time that it takes.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use benches::{Result, machine};

pub(crate) struct Cargo {
    folder: PathBuf,
}

impl Cargo {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Runs it for this package.
    pub(crate) fn run(&self, package: &str, arguments: &[&str]) -> Result<()> {
        let mut command = self.command(arguments, "target");
        good(command.args(["--package", package]))
    }

    /// Processor seconds of this, with all processes that it starts.
    pub(crate) fn seconds(&self, package: &str, arguments: &[&str]) -> Result<Option<f64>> {
        let before = machine::children();
        self.run(package, arguments)?;
        Ok(since(before))
    }

    /// The package's code is newer than what was built of it.
    pub(crate) fn touch(&self, package: &str) -> Result<()> {
        let file = self.folder.join(package).join("src/lib.rs");
        let file = File::options().append(true).open(file)?;
        Ok(file.set_modified(SystemTime::now())?)
    }

    /// Lines of the package's code once its macros are expanded.
    pub(crate) fn expanded_lines(&self, package: &str) -> Result<u32> {
        self.touch(package)?;
        // a folder of its own: build scripts look at the variable, and all would be built anew
        let mut command = self.command(&["rustc"], "expanded");
        command
            .args(["--profile", "check", "--package", package])
            .args(["--", "-Zunpretty=expanded"])
            .env("RUSTC_BOOTSTRAP", "1"); // a stable compiler prints it only so
        let text = text(&mut command)?;
        Ok(u32::try_from(text.lines().count())?)
    }

    /// Packages that are built for this one, without itself.
    pub(crate) fn crates(&self, package: &str) -> Result<usize> {
        let mut command = Command::new(cargo());
        command
            .args(["tree", "--quiet", "--prefix", "none", "--no-dedupe"])
            .args(["--edges", "normal,build", "--package", package])
            .current_dir(&self.folder);
        let text = text(&mut command)?;
        let crates = text.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().take(2).collect();
            words.join(" ")
        });
        let crates: HashSet<String> = crates.filter(|name| !name.is_empty()).collect();
        Ok(crates.len() - 1)
    }

    /// Processor seconds of a dev build of the package and all that it needs.
    pub(crate) fn seconds_from_nothing(&self, package: &str) -> Result<Option<f64>> {
        let target = self.folder.join("from-nothing");
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        let before = machine::children();
        let mut command = self.command(&["build"], "from-nothing");
        good(command.args(["--package", package]))?;
        let seconds = since(before);
        fs::remove_dir_all(&target)?;
        Ok(seconds)
    }

    fn command(&self, arguments: &[&str], target: &str) -> Command {
        let mut command = Command::new(cargo());
        command
            .args(arguments)
            .args(["--quiet", "--target-dir", target])
            .current_dir(&self.folder)
            .env("CARGO_INCREMENTAL", "0")
            // they would be measured instead of the compiler
            .env_remove("RUSTC_WRAPPER")
            .env_remove("RUSTC_WORKSPACE_WRAPPER");
        command
    }
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn since(before: Option<std::time::Duration>) -> Option<f64> {
    let took = machine::children()?.saturating_sub(before?);
    Some(took.as_secs_f64())
}

fn good(command: &mut Command) -> Result<()> {
    if command.stdout(Stdio::null()).status()?.success() {
        return Ok(());
    }
    Err(format!("{command:?} failed; what it said is above").into())
}

fn text(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    Err(format!("{command:?} failed; what it said is above").into())
}
