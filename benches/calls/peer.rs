//! Who is measured, and the program of each.

use std::path::PathBuf;
use std::process::Command;

use benches::calls::Workload;
use benches::{Result, report};
use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// The bodies alone
    None,
    /// The least that a span costs without a library
    Floor,
    /// OpenTelemetry by hand, carefully
    Raw,
    /// By hand what this project promises: the bar
    RawSafe,
    /// `#[instrument]` with the same content
    TracingJson,
    /// `#[trace]` with the same content
    Fastrace,
    /// Ours
    Arize,
}

impl Peer {
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value().expect("none is skipped");
        value.get_name().to_owned()
    }

    /// The small workloads are only for ours and for what it is compared with there.
    pub(crate) fn is_asked_for(self, workload: Workload) -> bool {
        match workload {
            Workload::Described | Workload::Unsampled => {
                matches!(self, Self::None | Self::RawSafe | Self::Arize)
            }
            Workload::Large => {
                matches!(self, Self::None | Self::Floor | Self::RawSafe | Self::Arize)
            }
            _ => true,
        }
    }

    /// Whether its spans are made on another thread than the one that calls.
    pub(crate) fn works_in_background(self) -> bool {
        self == Self::Fastrace
    }

    fn program_name(self) -> String {
        format!("calls-{}", self.name())
    }

    /// Its program, which stands beside this one.
    pub(crate) fn program(self) -> Result<PathBuf> {
        let program = std::env::current_exe()?.with_file_name(self.program_name());
        Ok(program.with_extension(std::env::consts::EXE_EXTENSION))
    }
}

/// Builds the programs of these peers as this one was built: cargo builds only the one that it runs.
pub(crate) fn build(peers: &[Peer]) -> Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--package", "benches", "--features", "fastrace"])
        .arg("--target-dir")
        .arg(report::target()?)
        .current_dir(report::workspace());
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    for peer in peers {
        cargo.args(["--bin", &peer.program_name()]);
    }
    if cargo.status()?.success() {
        return Ok(());
    }
    Err("the peers cannot be built; what cargo said is above".into())
}
