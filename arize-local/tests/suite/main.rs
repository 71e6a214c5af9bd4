//! The receiver, the runner and the command over real sockets, against agents that know none of our crates.

mod agent;
mod check;
mod check_command;
mod check_limits;
mod check_pitfalls;
mod collect;
mod command;
mod environment;
mod exporter;
mod failures;
mod forms;
mod forward;
mod http;
#[cfg(unix)]
mod interrupted;
mod long;
mod misdirected;
mod options;
mod pipes;
mod pitfalls;
mod plain_agent;
mod ports;
mod printing;
#[cfg(unix)]
mod progress;
mod receiver;
mod retries;
mod routes;
mod rows;
