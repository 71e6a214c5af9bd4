//! A stream that a handler's response is made of.

use std::fmt;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use futures_core::Stream;
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use pin_project_lite::pin_project;
use serde::Serialize;

use super::{InContext, Step};
use crate::items::Items;
use crate::notice::{self, Notice};
use crate::recording::{self, Recorded};
use crate::span::{End, Hold, hold};
use crate::trace_config::{Hidden, TraceConfig};
use crate::tracer;

/// Keeps the span of a handler open until this stream, which its response is made of, has ended or is dropped.
///
/// The stream is polled inside the [`Context`] that is current here, so that tools which are called while the
/// response is sent are under the handler's span and go to its space. Its items pass through unchanged. A
/// stream that is dropped while somebody waits for an item, as a server does when the client goes away, makes
/// the span an ERROR, `cancelled`; one that is dropped after an item had a reader who had enough.
///
/// ```
/// use std::convert::Infallible;
///
/// use arize_runtime::{AgentRequest, experiment_handler, hold_span};
/// use axum::Json;
/// use axum::http::HeaderMap;
/// use axum::response::sse::{Event, Sse};
/// use futures_util::{Stream, StreamExt as _, stream};
///
/// #[experiment_handler]
/// async fn invoke(
///     headers: HeaderMap,
///     Json(request): Json<AgentRequest<String>>,
/// ) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
///     let words = stream::iter(["It", " rains"]); // an LLM's, say
///     let held = hold_span(words).output(|word| *word); // `output.value` is "It rains"
///     Sse::new(held.map(|word| Ok(Event::default().data(word))))
/// }
/// ```
///
/// `Body::from_stream(hold_span(stream))` of axum, `HttpResponse::Ok().streaming(hold_span(stream))` of
/// actix-web and the like work in the same way. Call it where the handler's own body runs, or in a function that
/// it awaits, and not in a task that it spawns. A function that is no handler is marked `stream` instead.
pub fn hold_span<S: Stream>(stream: S) -> HeldSpan<S> {
    let context = Context::current();
    let hold = hold();
    let config = tracer::of(&context).map(|pipeline| pipeline.trace_config.clone());
    if hold.is_none() && config.is_some() && context.span().is_recording() {
        notice::warn(Notice::Unheld, || UNHELD.to_owned());
    }
    HeldSpan {
        stream: InContext::new(stream, Some(context)),
        config: config.filter(|_| hold.is_some()),
        hold,
        output: None,
    }
}

const UNHELD: &str = "`hold_span` was called outside the body of a handler, so no span stays open for its stream; call it in \
                      the handler itself and not in a task that it spawns, and mark other functions `stream`";

pin_project! {
    /// A stream that keeps its handler's span open, from [`hold_span`].
    #[must_use = "streams do nothing unless polled"]
    pub struct HeldSpan<S: Stream> {
        #[pin]
        stream: InContext<S>,
        hold: Option<Arc<Hold>>,
        // None where nothing is held
        config: Option<TraceConfig>,
        output: Option<Output<S::Item>>,
    }

    impl<S: Stream> PinnedDrop for HeldSpan<S> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let end = this.stream.close();
            release(this.hold, this.output, &end);
        }
    }
}

type Record<T> = Box<dyn Fn(&T) -> Option<Recorded> + Send>;

/// What is recorded of the items.
struct Output<T> {
    of: Record<T>,
    items: Items,
}

impl<S: Stream> HeldSpan<S> {
    /// Records what `of` takes of each item, together as the handler's `output.value`: texts are joined, other
    /// values are a JSON array. Not called where nothing is traced.
    pub fn output<T>(mut self, of: impl Fn(&S::Item) -> &T + Send + 'static) -> Self
    where
        T: Serialize + ?Sized,
    {
        if let Some(config) = &self.config {
            let config = config.clone();
            self.output = Some(Output {
                items: Items::new(config.max_value_length),
                of: Box::new(move |item| {
                    if config.masking.hides(Hidden::Outputs) {
                        return Some(Recorded::Redacted);
                    }
                    let recorded = Recorded::of(of(item))?;
                    Some(match &config.masked_keys {
                        Some(keys) => recorded.masked(keys, ""),
                        None => recorded,
                    })
                }),
            });
        }
        self
    }
}

impl<S: Stream> fmt::Debug for HeldSpan<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldSpan").finish_non_exhaustive()
    }
}

impl<S: Stream> Stream for HeldSpan<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        match this.stream.step(cx) {
            Step::Pending => Poll::Pending,
            Step::Item(item) => {
                if let Some(output) = this.output
                    && let Some(recorded) = recording::guarded(|| (output.of)(&item)).flatten()
                {
                    output.items.push(recorded);
                }
                Poll::Ready(Some(item))
            }
            Step::End => {
                release(this.hold, this.output, &End::Complete);
                Poll::Ready(None)
            }
            Step::Panicked(panic) => {
                release(this.hold, this.output, &End::Panicked(&*panic));
                resume_unwind(panic)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

fn release<T>(hold: &mut Option<Arc<Hold>>, output: &mut Option<Output<T>>, end: &End<'_>) {
    if let Some(hold) = hold.take() {
        let output = output.take().and_then(|output| output.items.finish());
        hold.release(end, output);
    }
}
