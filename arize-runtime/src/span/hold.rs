//! What keeps a handler's span open beyond the handler: streams that its response is made of.

use std::any::Any;
use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ActiveSpan;
use crate::recording::Recorded;

/// The streams that hold one span.
#[derive(Debug, Default)]
pub(crate) struct Hold(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    streams: usize,
    /// Once its handler has returned.
    span: Option<ActiveSpan>,
    /// Those of the streams that are over.
    outputs: Vec<Recorded>,
}

/// How a stream ended.
pub(crate) enum End<'a> {
    /// At its end, or by somebody who had read enough.
    Complete,
    /// While somebody waited for an item, or before anybody did.
    Cancelled,
    Panicked(&'a (dyn Any + Send)),
}

impl Hold {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the span of a handler that has returned. It ends with the last stream, which may be now.
    pub(super) fn keep(&self, span: Option<ActiveSpan>) {
        let mut state = self.state();
        if state.streams > 0 {
            state.span = span;
            return;
        }
        drop(state);
        if let Some(mut span) = span {
            span.end();
        }
    }

    /// One stream is over. While the handler still runs, what became of the stream is the handler's affair.
    /// `failed` says that an error was among its items.
    pub(crate) fn release(&self, end: &End<'_>, output: Option<Recorded>, failed: bool) {
        let mut state = self.state();
        state.streams -= 1;
        let last = state.streams == 0;
        let State { span, outputs, .. } = &mut *state;
        let Some(span) = span else {
            return;
        };
        outputs.extend(output);
        if failed {
            span.failed.set(true);
        }
        match end {
            End::Complete => {}
            End::Cancelled => span.cancelled(),
            End::Panicked(payload) => span.panic(*payload),
        }
        if last && !span.output_settled.get() {
            record(span, std::mem::take(outputs));
        }
        let span = state.span.take_if(|_| last);
        drop(state); // a span processor may do anything as the span ends
        if let Some(mut span) = span {
            span.end();
        }
    }
}

/// The output of one stream as it is, those of several as the items of one.
fn record(span: &mut ActiveSpan, mut outputs: Vec<Recorded>) {
    if outputs.len() > 1 {
        span.collect_items();
        outputs.drain(..).for_each(|output| span.output(output));
        span.output_items();
    } else if let Some(output) = outputs.pop() {
        span.output(output);
    }
}

/// Whose body is being run.
#[derive(Debug, Default)]
pub(super) enum Frame {
    #[default]
    Outside,
    /// A handler's, and what holds its span.
    Handler(Option<Arc<Hold>>),
}

thread_local! {
    static FRAME: Cell<Frame> = const { Cell::new(Frame::Outside) };
}

/// The hold of the handler whose body is being run on this thread, with one stream more; none outside of one.
pub(crate) fn hold() -> Option<Arc<Hold>> {
    let frame = FRAME.try_with(Cell::take).unwrap_or_default();
    let Frame::Handler(made_before) = frame else {
        return None;
    };
    let hold = made_before.unwrap_or_default();
    hold.state().streams += 1;
    let _ = FRAME.try_with(|frame| frame.set(Frame::Handler(Some(hold.clone()))));
    Some(hold)
}

/// Runs a handler's body, or a part of it, so that streams which it makes find `held`.
pub(super) fn run<R>(held: &mut Option<Arc<Hold>>, body: impl FnOnce() -> R) -> R {
    // a thread that ends has no frame
    let outer = FRAME.try_with(|frame| frame.replace(Frame::Handler(held.take())));
    let result = body();
    if let Ok(outer) = outer
        && let Ok(Frame::Handler(hold)) = FRAME.try_with(|frame| frame.replace(outer))
    {
        *held = hold;
    }
    result
}
