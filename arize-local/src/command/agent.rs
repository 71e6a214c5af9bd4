//! The agent: its URL, or the command that starts it as well.

use std::time::Duration;

use arize_local::AgentOptions;
use clap::Args;

use super::seconds;

#[derive(Args)]
#[command(next_help_heading = "Agent")]
pub(crate) struct AgentArgs {
    #[arg(
        long,
        value_name = "URL",
        help = "The agent's URL, such as http://127.0.0.1:8000/invoke; for `schema` where it answers with that"
    )]
    agent: String,

    /// How long a started agent may take until its port accepts connections, in seconds
    #[arg(long, value_name = "SECS", default_value = "60", value_parser = seconds)]
    start_timeout: Duration,

    /// Starts the agent with its variables set, and stops it at the end; its output goes to standard error
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl From<AgentArgs> for AgentOptions {
    fn from(args: AgentArgs) -> Self {
        Self {
            url: args.agent,
            command: args.command,
            start_timeout: args.start_timeout,
        }
    }
}
