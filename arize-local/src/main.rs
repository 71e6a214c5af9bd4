//! The command `arize-local`.

mod command;

use std::io::Write;
use std::process::ExitCode;

use arize_local::StartError;
use clap::{Parser, Subcommand};

use command::{check, run};

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
    Run(run::RunArgs),
    Check(check::CheckArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Cli::parse().command;
    tokio::select! {
        result = execute(command) => exit_code(result),
        // Ends the run, and with it the agent that it started.
        () = interrupted() => ExitCode::from(130),
    }
}

/// Whether all is good, or why the command could not start.
async fn execute(command: Command) -> Result<bool, StartError> {
    match command {
        Command::Run(args) => run::execute(args).await,
        Command::Check(args) => check::execute(args).await,
    }
}

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

/// Returns at Ctrl-C or SIGTERM.
async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut term) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
    {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = term.recv() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}
