//! The command `arize-local`.

mod command;

use std::io::Write;
use std::process::ExitCode;

use arize_local::StartError;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use tokio::sync::watch;

use command::{INTERRUPTED, check, collect, run, schema};

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
    Check(Box<check::CheckArgs>),
    Collect(collect::CollectArgs),
    Schema(schema::SchemaArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => elsewhere(error).exit(),
    };
    let interruptions = interruptions(); // before anything is printed: whoever reads that may interrupt at once
    let first = nth(1, interruptions.clone());
    match command {
        Command::Run(args) => tokio::select! {
            result = run::execute(*args, first) => exit_code(result),
            // Whoever asks twice does not want to wait for the report.
            () = nth(2, interruptions) => ExitCode::from(INTERRUPTED),
        },
        Command::Check(args) => tokio::select! {
            result = check::execute(*args) => exit_code(result.map(good)),
            () = first => {
                tell("interrupted");
                ExitCode::from(INTERRUPTED)
            }
        },
        Command::Schema(args) => tokio::select! {
            result = schema::execute(args) => exit_code(result.map(good)),
            () = first => {
                tell("interrupted");
                ExitCode::from(INTERRUPTED)
            }
        },
        // Is ended by an interruption, and that is no failure.
        Command::Collect(args) => exit_code(collect::execute(args, first).await.map(good)),
    }
}

/// Tells of an option that another command has which: clap would say how to pass it as a value, and that would make
/// it the agent's command.
fn elsewhere(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let name = option.trim_start_matches('-');
    let cli = Cli::command();
    let commands = cli.get_subcommands().filter(|command| {
        let mut options = command.get_arguments();
        options.any(|argument| argument.get_long() == Some(name))
    });
    let commands: Vec<String> = commands
        .map(|command| format!("`arize-local {}`", command.get_name()))
        .collect();
    if !commands.is_empty() {
        let tip = format!("`{option}` is an option of {}", commands.join(" and "));
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![tip.into()]),
        );
    }
    error
}

fn good(all_is: bool) -> ExitCode {
    ExitCode::from(u8::from(!all_is))
}

/// `result` is what the command ends with, or why it could not start.
fn exit_code(result: Result<ExitCode, StartError>) -> ExitCode {
    result.unwrap_or_else(|error| {
        tell(&error.to_string());
        ExitCode::from(2)
    })
}

fn tell(text: &str) {
    // Unlike `eprintln!` without a panic where nobody reads it.
    let _ = writeln!(std::io::stderr(), "arize-local: {text}");
}

/// Returns when there have been so many interruptions.
async fn nth(number: usize, mut interruptions: watch::Receiver<usize>) {
    if interruptions
        .wait_for(|count| *count >= number)
        .await
        .is_err()
    {
        std::future::pending::<()>().await; // there will be no more
    }
}

/// Counts Ctrl-C and SIGTERM: from this call on, not only once somebody asks.
#[cfg(unix)]
fn interruptions() -> watch::Receiver<usize> {
    use tokio::signal::unix::{SignalKind, signal};
    let (count, counted) = watch::channel(0);
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    // Without handlers the signals end the process by themselves.
    if let [Ok(mut interrupt), Ok(mut terminate)] = signals {
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                count.send_modify(|count| *count += 1);
            }
        });
    }
    counted
}

/// Counts Ctrl-C.
#[cfg(not(unix))]
fn interruptions() -> watch::Receiver<usize> {
    let (count, counted) = watch::channel(0);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            count.send_modify(|count| *count += 1);
        }
    });
    counted
}
