//! The receiver, the runner and the command over real sockets, against agents that know none of our crates.

mod agent;
mod check;
mod check_command;
mod check_pitfalls;
mod command;
mod failures;
mod pipes;
mod pitfalls;
mod plain_agent;
mod printing;
mod receiver;
mod routes;
mod rows;
