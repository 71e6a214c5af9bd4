//! The command `arize-local`.

mod command;

use std::io::Write;
use std::process::ExitCode;

use arize_local::StartError;
use clap::{Parser, Subcommand};

use command::{collect, run};

/// A local stand-in for Arize: runs agent experiments and checks the traces that come back.
///
/// It works against agents in any language, for it knows HTTP and OTLP only, and needs no account.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(Box<run::RunArgs>),
    Collect(collect::CollectArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => interruptible(run::execute(*args)).await,
        // Is ended by an interruption, and that is no failure.
        Command::Collect(args) => exit_code(collect::execute(args, interrupted()).await),
    }
}

/// An interruption ends the command, and with it the agent that it started.
async fn interruptible(command: impl Future<Output = Result<bool, StartError>>) -> ExitCode {
    let interrupted = interrupted();
    tokio::select! {
        result = command => exit_code(result),
        () = interrupted => ExitCode::from(130),
    }
}

/// `result` is whether all is good, or why the command could not start.
fn exit_code(result: Result<bool, StartError>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // Unlike `eprintln!` without a panic where nobody reads it.
            let _ = writeln!(std::io::stderr(), "arize-local: {error}");
            ExitCode::from(2)
        }
    }
}

/// Returns at Ctrl-C or SIGTERM: from this call on, not only once it is awaited.
#[cfg(unix)]
fn interrupted() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    async {
        match signals {
            [Ok(mut interrupt), Ok(mut terminate)] => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            // Without handlers the signals end the process by themselves.
            _ => std::future::pending().await,
        }
    }
}

/// Returns at Ctrl-C.
#[cfg(not(unix))]
async fn interrupted() {
    let _ = tokio::signal::ctrl_c().await;
}
