//! The receiver, the runner and the command over real sockets, against agents that know none of our crates.

mod agent;
mod command;
mod exporter;
mod failures;
mod http;
mod misdirected;
mod pipes;
mod pitfalls;
mod ports;
mod printing;
mod receiver;
mod routes;
mod rows;
