//! What expansions may name. Not for hand-written code: it changes with every version.

use std::sync::Arc;

use crate::resolve::Defaults;
use crate::trace_config::TraceConfig;

pub use crate::arguments::{arg, debug_arg, generic_arg, redacted_arg};
pub use crate::body::{NoBody, body, request};
pub use crate::instrument::{start, start_without};
pub use crate::outcome::Outcome;
pub use crate::span::SpanSpec;
pub use crate::stream::hold_items;
pub use crate::tool_definition::{ToolDefinition, define, parameter};

/// For benches: annotated functions start their spans with this tracer, in the whole process.
pub fn install(tracer: opentelemetry_sdk::trace::SdkTracer) {
    let pipeline = crate::tracer::Pipeline::open(
        tracer,
        Defaults::default(),
        TraceConfig::default(),
        Arc::default(),
        None,
        None,
    );
    assert!(pipeline.install(), "a process has one pipeline");
}

/// Never called: it pins a return type, so that `return Err(Box::new(e))` coerces in an async block.
#[must_use]
pub fn infer<T>() -> T {
    unreachable!("the expansion guards this with `if false`")
}
