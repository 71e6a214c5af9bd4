//! One agent behind every framework: real servers and real sockets, called and judged by `arize-local`.
//! Every test has its own pipeline in its own Context, so they run in parallel.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod actix_web;
mod axum;
mod experiment;
mod front;
mod hyper;
mod lambda_http;
mod poem;
mod rmcp;
mod tonic;
mod warp;
