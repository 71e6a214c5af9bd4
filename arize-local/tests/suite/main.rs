//! The receiver, the runner and the command over real sockets, against agents that know none of our crates.

mod agent;
mod check;
mod check_command;
mod check_limits;
mod check_pitfalls;
mod collect;
mod collect_faults;
mod command;
mod counting;
mod environment;
mod exporter;
mod failures;
mod fault_limits;
mod faults;
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
mod schema_command;
mod wire;
