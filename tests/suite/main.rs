//! Behaviour, as users see it: an axum agent over a real socket, spans over real OTLP, and what arrived
//! is what counts. Every test has its own pipeline in its own Context, so they run in parallel.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod agent_schema;
mod attribute_names;
mod attributes;
mod builders;
mod capture;
mod conformance;
mod flush;
mod handlers;
mod harness;
mod held_streams;
mod hostile;
mod masked_keys;
mod masking;
mod masking_variables;
mod other_code;
mod pipeline;
mod processes;
mod properties;
mod registration;
mod requests;
mod responses;
mod rotel;
mod rotel_down;
mod routes_by_hand;
mod scopes;
mod streams;
mod streams_recorded;
mod tasks;
mod through_rotel;
mod tls;
mod tools;
mod trees;
mod values;
mod within;
