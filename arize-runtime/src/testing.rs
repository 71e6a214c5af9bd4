//! The spans of a test, caught in memory.
//!
//! A [`Capture`] is a tracer provider of its own that sends nothing, starts no thread and sets nothing
//! global, so tests run in parallel. Code finds it in the [`Context`], as it finds a pipeline: across
//! awaits, in the requests of a served router, and in spawned tasks that take the Context along.
//!
//! Switch the cargo feature `testing` on for your tests alone:
//!
//! ```toml
//! [dev-dependencies]
//! arize-runtime = { path = "../arize/arize-runtime", features = ["testing"] }
//! ```
//!
//! The tree of spans tells most of what a test asks; [`Capture::span`] has the rest:
//!
//! ```
//! use arize_runtime::{testing, tool};
//!
//! #[tool]
//! fn plan_trip(to: &str) -> Result<String, std::fmt::Error> {
//!     let flight = search_flights(to);
//!     book_hotel(to).map(|()| flight)
//! }
//!
//! #[tool]
//! fn search_flights(to: &str) -> String {
//!     format!("to {to} at 07:40")
//! }
//!
//! #[tool]
//! fn book_hotel(_to: &str) -> Result<(), std::fmt::Error> {
//!     Err(std::fmt::Error)
//! }
//!
//! let capture = testing::capture();
//! assert!(capture.run(|| plan_trip("LIS")).is_err());
//!
//! let error = "Error: an error occurred when formatting an argument";
//! capture.assert_tree(&format!("
//!     plan_trip [TOOL]  ERROR {error}
//!     ├─ search_flights [TOOL]
//!     └─ book_hotel [TOOL]  ERROR {error}
//! "));
//! assert_eq!(capture.span("search_flights").output(), Some("to LIS at 07:40"));
//! ```
//!
//! A router is served with the capture around each request:
//!
//! ```
//! use arize_runtime::opentelemetry::context::FutureExt;
//! use arize_runtime::testing::Capture;
//! use axum::{Router, extract::Request, middleware::{Next, from_fn}};
//!
//! fn captured(router: Router, capture: &Capture) -> Router {
//!     let context = capture.context();
//!     router.layer(from_fn(move |request: Request, next: Next| {
//!         next.run(request).with_context(context.clone())
//!     }))
//! }
//! ```
//!
//! What is seen is what Arize would get: each attribute once, the values that the code set by hand before
//! those of the attribute, the route as two attributes. Three things differ. Spans without a route are
//! captured too, since a unit test of a tool need not know of spaces ([`CapturedSpan::routing`] tells;
//! a handler without one is warned of as ever). Nothing is hidden, masked or cut short, as a registration may ask
//! ([`hide`](crate::Registration::hide)). And the environment is not read: a request that names no
//! space has none. Nothing is captured under an unsampled parent.
//!
//! What a registration hides and masks is tested with [`Registration::capture`](crate::Registration::capture), in
//! the place of [`capture`]: the same, with the registration's trace config and default route.
//!
//! To see what goes over the wire, test against the receiver of `arize-local` with
//! [`build`](crate::Registration::build).

mod collector;
mod difference;
mod span;
mod tree;

use std::future::Future;
use std::sync::Arc;

use opentelemetry::Context;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

use crate::error::InstallError;
use crate::export::ExcludedSpans;
use crate::register::{MAX_ATTRIBUTES, Registration, Routes, tracer_of};
use crate::resolve::Defaults;
use crate::trace_config::TraceConfig;
use crate::trace_routes::TraceRoutes;
use crate::tracer::Pipeline;
use crate::within::Within;

use collector::Collector;
pub use span::CapturedSpan;

/// Said where nothing was captured, which has one usual reason.
const NOTHING: &str = "nothing was captured; run the code in `capture.run(|| ..)` or \
                       `capture.scope(future).await`, serve a router in `capture.context()`, and let \
                       tasks take their Context along (`arize_runtime::spawn`)";

/// Starts to capture: see the [module](self).
///
/// ```
/// let capture = arize_runtime::testing::capture();
/// assert_eq!(capture.tree(), "");
/// ```
#[must_use]
pub fn capture() -> Capture {
    captured(
        Defaults::default(),
        TraceConfig::default(),
        ExcludedSpans::default(),
    )
}

impl<R: Routes> Registration<R> {
    /// Starts to capture as this registration would send: with its default route, and with what it hides,
    /// masks and cuts short, from code and environment. Nothing is sent, so neither an endpoint nor a key is needed,
    /// and which spaces are allowed is not asked. With the feature `testing`: see [`testing`](crate::testing).
    ///
    /// ```
    /// use arize_runtime::{register_with_routing, tool};
    ///
    /// #[tool]
    /// fn log_in(user: &str, password: &str) -> bool {
    ///     user.len() < password.len()
    /// }
    ///
    /// let registration = register_with_routing().mask_keys(["password"]);
    /// let capture = registration.with_environment(|_variable| None).capture()?;
    /// capture.run(|| log_in("ada", "tiger"));
    /// let input = r#"{"user":"ada","password":"__REDACTED__"}"#;
    /// assert_eq!(capture.span("log_in").input(), Some(input));
    /// # Ok::<(), arize_runtime::InstallError>(())
    /// ```
    ///
    /// # Errors
    /// A default route or a path of masked keys that cannot be one, or for [`register`](crate::register) none.
    pub fn capture(self) -> Result<Capture, InstallError> {
        let (defaults, trace_config) = self.unsent()?;
        Ok(captured(defaults, trace_config, self.excluded()))
    }
}

fn captured(defaults: Defaults, trace_config: TraceConfig, excluded: ExcludedSpans) -> Capture {
    let trace_routes = Arc::<TraceRoutes>::default();
    let spans = Collector::new(
        trace_config.clone(),
        defaults.fixed.clone(),
        Arc::clone(&trace_routes),
        excluded,
    );
    let provider = SdkTracerProvider::builder()
        .with_resource(Resource::builder_empty().build())
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_max_attributes_per_span(MAX_ATTRIBUTES)
        .with_span_processor(spans.clone())
        .build();
    let pipeline = Pipeline::open(
        tracer_of(&provider),
        defaults,
        trace_config,
        trace_routes,
        None,
        None,
    );
    Capture(Arc::new(Inner {
        pipeline,
        provider,
        spans,
    }))
}

/// The spans of one test, from [`capture`] or [`Registration::capture`].
///
/// A clone is a handle to the same spans. Once the last handle is dropped, annotated functions are bare
/// in its Context.
#[derive(Debug, Clone)]
pub struct Capture(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pipeline: Arc<Pipeline>,
    provider: SdkTracerProvider,
    spans: Collector,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.pipeline.close();
    }
}

impl Capture {
    /// Runs `f` and captures its spans.
    ///
    /// ```
    /// # use arize_runtime::{testing, tool};
    /// #[tool]
    /// fn double(n: u32) -> u32 {
    ///     n * 2
    /// }
    /// let capture = testing::capture();
    /// assert_eq!(capture.run(|| double(21)), 42);
    /// assert_eq!(capture.tree(), "double [TOOL]\n");
    /// ```
    pub fn run<T>(&self, f: impl FnOnce() -> T) -> T {
        let _guard = self.context().attach();
        f()
    }

    /// Captures the spans of `future`, wherever it is polled.
    ///
    /// ```
    /// # use arize_runtime::{testing, tool};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// #[tool]
    /// async fn double(n: u32) -> u32 {
    ///     n * 2
    /// }
    /// let capture = testing::capture();
    /// assert_eq!(capture.scope(double(21)).await, 42);
    /// assert_eq!(capture.tree(), "double [TOOL]\n");
    /// # }
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> Within<F> {
        let pipeline = self.0.pipeline.clone();
        Within::new(future, move |context| pipeline.put_into(context))
    }

    /// The current [`Context`] with this capture in it, in the place of any pipeline: to wrap a served
    /// router, or to hand to a thread.
    #[must_use]
    pub fn context(&self) -> Context {
        Context::map_current(|context| self.0.pipeline.put_into(context))
    }

    /// The provider, for spans of other instrumentation: only what it starts is captured. A library that
    /// takes its tracer from OpenTelemetry's global provider does not find it.
    #[must_use]
    pub fn tracer_provider(&self) -> &SdkTracerProvider {
        &self.0.provider
    }

    /// The spans that have ended, in the order in which they started.
    #[must_use]
    pub fn spans(&self) -> Vec<CapturedSpan> {
        let mut spans = self.0.spans.all();
        spans.retain(CapturedSpan::has_ended);
        spans
    }

    /// The span of this name.
    ///
    /// # Panics
    /// None of this name has ended, or several have: [`spans`](Self::spans) has them all.
    #[must_use]
    #[track_caller]
    pub fn span(&self, name: &str) -> CapturedSpan {
        let mut found: Vec<_> = self.spans();
        found.retain(|span| span.name() == name);
        match found.len() {
            1 => found.remove(0),
            0 => panic!("no span `{name}` has ended; {}", self.shown()),
            n => panic!("{n} spans are named `{name}`; {}", self.shown()),
        }
    }

    /// The spans as a tree: a line for each, with its OpenInference kind and the error that it ended with.
    ///
    /// ```text
    /// run_agent [CHAIN]
    /// ├─ search_flights [TOOL]
    /// │  └─ GET /flights
    /// └─ book_hotel [TOOL]  ERROR SoldOut: no room left
    /// ```
    ///
    /// There are no times and no ids, so that the same code gives the same text. Siblings, and trees, are
    /// in the order in which they started; spans that start at once on several threads have no order
    /// to rely on. Control characters are escaped.
    ///
    /// - A span that has not ended says `(not ended)` at the end of its line.
    /// - A span is a root where its parent is remote (a request's `traceparent`), unless the parent was
    ///   captured too.
    /// - Where the parent is a span of this process that was not captured, such as one of another tracer
    ///   provider, `? (not captured)` stands for it.
    #[must_use]
    pub fn tree(&self) -> String {
        tree::of(&self.0.spans.all())
    }

    /// Compares the [`tree`](Self::tree) with `expected`, from which the indentation that all lines share
    /// is taken away, and blank lines before and after. Start it on a line of its own:
    ///
    /// ```
    /// # let capture = arize_runtime::testing::capture();
    /// # #[arize_runtime::tool] fn search_flights() {}
    /// # #[arize_runtime::chain] fn run_agent() { search_flights() }
    /// capture.run(run_agent);
    /// capture.assert_tree("
    ///     run_agent [CHAIN]
    ///     └─ search_flights [TOOL]
    /// ");
    /// ```
    ///
    /// # Panics
    /// They differ: the message has both as one text, `-` before lines that were expected and `+` before
    /// those that came instead.
    #[track_caller]
    pub fn assert_tree(&self, expected: &str) {
        let captured = self.tree();
        let expected = difference::dedent(expected);
        if captured == expected {
            return;
        }
        let difference = difference::lines(&expected, &captured);
        let hint = if captured.is_empty() { NOTHING } else { "" };
        panic!("the spans differ (- expected, + captured):\n\n{difference}{hint}");
    }

    fn shown(&self) -> String {
        let tree = self.tree();
        if tree.is_empty() {
            NOTHING.to_owned()
        } else {
            format!("captured are:\n\n{tree}")
        }
    }
}
