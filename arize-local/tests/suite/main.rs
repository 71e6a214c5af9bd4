//! The receiver, the runner and the command over real sockets, against agents that know none of our crates.

mod agent;
mod collect;
mod command;
mod exporter;
mod failures;
mod forward;
mod http;
mod misdirected;
mod pipes;
mod pitfalls;
mod ports;
mod printing;
mod receiver;
mod routes;
mod rows;
