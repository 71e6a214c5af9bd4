//! What the benches share: the span that they make, what it costs a process, helper processes, and
//! the calls that peers annotate.
//!
//! See `README.md` for the commands and how to read the tables.

pub mod calls;
mod helper;
pub mod machine;
pub mod report;
mod workload;

pub use helper::Helper;
pub use workload::{make_span, space_ids};

/// What ends a bench: a process that cannot be started, or one that does not answer.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
