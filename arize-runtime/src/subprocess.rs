//! Agents that work in another process: what a child is given, and how a child takes it.

use http::HeaderName;
use opentelemetry::Context;

use crate::extract::extract;
use crate::inject::{Parent, baggage};
use crate::notice::{Notice, warn};
use crate::request::HeaderSource;
use crate::routing::Routing;
use crate::semconv;
use crate::tracer;

/// Takes the current Context into a child process. Implemented for [`std::process::Command`] and, with the feature
/// `export`, for tokio's.
///
/// ```no_run
/// use arize_runtime::{CommandContextExt, tool};
///
/// #[tool]
/// fn ask_claude(prompt: &str) -> std::io::Result<String> {
///     let output = std::process::Command::new("claude")
///         .args(["-p", prompt])
///         .trace_context()   // its spans are children of this tool
///         .export_to_arize() // and are sent to the same space and project
///         .output()?;
///     Ok(String::from_utf8_lossy(&output.stdout).into_owned())
/// }
/// ```
pub trait CommandContextExt {
    /// Sets `TRACEPARENT`, `TRACESTATE` and `BAGGAGE` to the current Context's (OpenTelemetry, "Environment Variables as
    /// Context Propagation Carriers"). Of these what the Context has not is removed, since the child would inherit that of
    /// another call. Without a current span nothing is changed.
    ///
    /// The baggage names the space and the project, and no secret. Whatever the child starts inherits it in turn.
    fn trace_context(&mut self) -> &mut Self;

    /// Sets the variables by which the child sends its own spans where this process does, in the space and project of the
    /// current [`Routing`] (or the one of [`register`](crate::register())), **with the API key**: only for programs that may have it.
    ///
    /// These are OpenTelemetry's, for any language: `OTEL_TRACES_EXPORTER`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`,
    /// `_PROTOCOL` and `_HEADERS`, and the project in `OTEL_RESOURCE_ATTRIBUTES`, after what that has already; and
    /// `ARIZE_API_KEY`, `ARIZE_SPACE_ID`, `ARIZE_PROJECT_NAME` and `ARIZE_COLLECTOR_ENDPOINT`, for `arize-otel` and this
    /// crate. Headers of the registration's own go along. Where there is no route or nothing is exported, none is set, and that is told.
    ///
    /// A `Command` shows its variables in its `Debug` text: do not log it.
    fn export_to_arize(&mut self) -> &mut Self;
}

impl CommandContextExt for std::process::Command {
    fn trace_context(&mut self) -> &mut Self {
        Context::map_current(|context| {
            let Some(parent) = Parent::of(context) else {
                return;
            };
            self.env(TRACEPARENT, parent.traceparent);
            for (name, value) in [(TRACESTATE, parent.tracestate), (BAGGAGE, baggage(context))] {
                match value {
                    Some(value) => self.env(name, value),
                    None => self.env_remove(name),
                };
            }
        });
        self
    }

    fn export_to_arize(&mut self) -> &mut Self {
        let variables = Context::map_current(|context| {
            let pipeline = tracer::of(context)?;
            let exporter = pipeline.exporter_variables.as_ref()?;
            let fixed = pipeline.defaults.fixed.as_ref();
            Some(exporter(fixed.or_else(|| Routing::of(context))?))
        });
        match variables {
            Some(variables) => {
                self.envs(variables);
            }
            None => warn(Notice::Child, || NOTHING_SET.to_owned()),
        }
        self
    }
}

#[cfg(feature = "export")]
#[cfg_attr(docsrs, doc(cfg(feature = "export")))]
impl CommandContextExt for tokio::process::Command {
    fn trace_context(&mut self) -> &mut Self {
        self.as_std_mut().trace_context();
        self
    }

    fn export_to_arize(&mut self) -> &mut Self {
        self.as_std_mut().export_to_arize();
        self
    }
}

const NOTHING_SET: &str = "a child process was given no exporter, since there is no route here or nothing is exported; call \
                           `export_to_arize()` inside a handler or `set_routing_context(routing, || ..)`, after `install()`";

const TRACEPARENT: &str = "TRACEPARENT";
const TRACESTATE: &str = "TRACESTATE";
const BAGGAGE: &str = "BAGGAGE";

/// The Context that the parent process gave this one, by `TRACEPARENT`, `TRACESTATE` and `BAGGAGE`: its span is the
/// parent, and its baggage, or else `ARIZE_SPACE_ID` and `ARIZE_PROJECT_NAME` as the registration read them, the route.
/// Read like the headers of a request, by [`extract`]; what is missing is absent.
///
/// ```no_run
/// use arize_runtime::{chain, context_from_env};
/// use opentelemetry::context::FutureExt;
///
/// #[chain]
/// async fn work() { /* under the parent process's span */ }
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let arize = arize_runtime::register_with_routing().install()?;
///     work().with_context(context_from_env()).await;
///     arize.shutdown(std::time::Duration::from_secs(5)).await?;
///     Ok(())
/// }
/// ```
#[must_use = "a Context does nothing until it is attached"]
pub fn context_from_env() -> Context {
    extract(&ProcessEnvironment)
}

struct ProcessEnvironment;

impl HeaderSource for ProcessEnvironment {
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8])) {
        let known = [
            (&semconv::TRACEPARENT, TRACEPARENT),
            (&semconv::TRACESTATE, TRACESTATE),
            (&semconv::BAGGAGE, BAGGAGE),
        ];
        for (_, variable) in known.iter().filter(|(header, _)| *header == name) {
            if let Ok(value) = std::env::var(variable) {
                line(value.as_bytes());
            }
        }
    }
}
