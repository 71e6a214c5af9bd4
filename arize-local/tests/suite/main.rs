//! The receiver, the runner and the command over real sockets, against agents that know none of our crates.

mod agent;
mod collect;
mod command;
mod exporter;
mod failures;
mod forms;
mod forward;
mod http;
mod long;
mod misdirected;
mod options;
mod pipes;
mod pitfalls;
mod ports;
mod printing;
#[cfg(unix)]
mod progress;
mod receiver;
mod retries;
mod routes;
mod rows;
