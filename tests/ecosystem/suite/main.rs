//! An agent beside the libraries that agents are built with: their spans, their clients, their processes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod definitions;
mod existing_setup;
mod gen_ai;
#[allow(dead_code, reason = "the other suite's, of which this one uses a part")]
#[path = "../../suite/harness.rs"]
mod harness;
mod llm_clients;
#[allow(dead_code, reason = "each client uses a part")]
mod llm_server;
mod outgoing;
mod subprocess;
mod tracing_spans;
