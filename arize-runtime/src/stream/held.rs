//! A stream that a handler's response is made of.

use futures_core::Stream;
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;

use super::{InContext, InSpanStream, Owner};
use crate::notice::{self, Notice};
use crate::outcome::Outcome;
use crate::span::{ActiveSpan, hold};

/// Keeps the span of a handler open until this stream, which its response is made of, has ended or is dropped.
///
/// As a function, `hold_span(stream)`, it records nothing of the items, so an `Err` among them is not seen. As a macro,
/// [`hold_span!`](crate::hold_span!), it records them as functions marked `stream` do.
///
/// The stream is polled inside the [`Context`] that is current here, so that tools which are called while the
/// response is sent are under the handler's span and go to its space. What calls tools belongs inside, and only what
/// formats the items comes after it: `hold_span(answer).map(event)`. Items pass through unchanged. A stream that is
/// dropped while somebody waits for an item, as a server does when the client goes away, makes the span an ERROR,
/// `cancelled`; one that is dropped after an item had a reader who had enough.
///
/// `Sse::new(hold_span(stream))` and `Body::from_stream(hold_span(stream))` of axum,
/// `HttpResponse::Ok().streaming(hold_span(stream))` of actix-web and the like work in the same way. Call it where the
/// handler's own body runs, or in a function that it awaits, and not in a task that it spawns. A function that is no
/// handler is marked `stream` instead.
///
/// ```
/// use arize_runtime::{AgentRequest, experiment_handler, hold_span};
/// use axum::{Json, body::{Body, Bytes}, http::HeaderMap, response::Response};
/// use futures_util::stream;
///
/// #[experiment_handler]
/// async fn invoke(headers: HeaderMap, Json(request): Json<AgentRequest<String>>) -> Response {
///     let pages = stream::iter([Ok::<_, std::io::Error>(Bytes::from("a page"))]);
///     Response::new(Body::from_stream(hold_span(pages)))
/// }
/// ```
pub fn hold_span<S: Stream>(stream: S) -> impl Stream<Item = S::Item> {
    held(stream, |_| None, |_: Outcome<'_, S::Item>| ())
}

/// [`hold_span`], and what `record` takes of each item is the handler's output.
pub fn hold_items<S, O, G>(stream: S, record: G) -> impl Stream<Item = S::Item>
where
    S: Stream,
    G: Fn(Outcome<'_, S::Item>) -> O,
{
    held(stream, ActiveSpan::observer, record)
}

/// [`hold_span()`](crate::hold_span()) for a stream whose items are recorded, as those of functions marked `stream`
/// are: together they are the handler's `output.value`.
///
/// Texts are joined, other values are a JSON array; of a `Result` the value counts, and an `Err` makes the handler's
/// span an ERROR. `hold_span!(stream, output = |item| expr)` records something else of each item, nothing where that
/// is `None`; `output = none` only errors, as for items that are formatted already (`Event`). What the handler's
/// attribute says of its output goes before the items. Several streams are recorded in the order in which they end. The
/// type of the items has to be known: `Ok::<_, Infallible>(event)`.
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
///     let answer = hold_span!(words); // `output.value` is "It rains"
///     Sse::new(answer.map(|word| Ok(Event::default().data(word))))
/// }
/// ```
#[macro_export]
macro_rules! hold_span {
    ($stream:expr $(,)?) => {
        $crate::__private::hold_items($stream, move |o| o.value().record())
    };
    ($stream:expr, output = none $(,)?) => {
        $crate::__private::hold_items($stream, move |o| o.value().skip())
    };
    ($stream:expr, output = $output:expr $(,)?) => {
        $crate::__private::hold_items($stream, move |o| o.value().at($output).get().record())
    };
}

fn held<S, G>(
    stream: S,
    observer: fn(&Context) -> Option<ActiveSpan>,
    record: G,
) -> InSpanStream<S, G> {
    let context = Context::current();
    let hold = hold();
    if hold.is_none() && context.span().is_recording() && ActiveSpan::observer(&context).is_some() {
        notice::warn(Notice::Unheld, || UNHELD.to_owned());
    }
    let observer = observer(&context);
    InSpanStream {
        owner: hold.map(|hold| Owner::Handler { hold, observer }),
        stream: InContext::new(stream, Some(context)),
        record,
    }
}

const UNHELD: &str = "`hold_span` was called outside the body of a handler, so no span stays open for its stream; call it in \
                      the handler itself and not in a task that it spawns, and mark other functions `stream`";
