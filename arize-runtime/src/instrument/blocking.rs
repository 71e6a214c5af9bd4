//! The body of a synchronous function, run inside its span.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::{Begin as _, Call, Capturing, Observe, Plain, Record, begin};
use crate::inputs::Inputs;
use crate::outcome::Outcome;
use crate::recording;
use crate::span::{ActiveSpan, SpanSpec};

/// A synchronous call that knows its body.
#[derive(Debug)]
pub struct SyncCall<F> {
    pub(super) call: Call,
    pub(super) body: F,
}

impl<R, F: FnOnce() -> R> SyncCall<F> {
    /// Runs the body inside the span and records what `record` takes of its result.
    #[inline]
    pub fn outcome(self, record: Record<R>) -> R {
        self.observed(&mut Plain(record))
    }

    /// [`outcome`](Self::outcome) with a closure that may capture.
    #[inline]
    pub fn outcome_with<O>(self, record: impl FnOnce(Outcome<'_, R>) -> O) -> R {
        self.observed(&mut Capturing::new(record))
    }

    #[inline]
    fn observed(self, record: &mut dyn Observe<R>) -> R {
        let Call { spec, inputs } = self.call;
        let Some(inputs) = inputs else {
            return (self.body)();
        };
        run_inside(spec, inputs, &mut Once(Some(self.body)), record)
    }

    /// What the body returned, and the span that it ran in, which is not ended.
    pub(crate) fn open(self, record: &mut dyn Observe<R>) -> (R, Option<ActiveSpan>) {
        let Some(mut span) = self.call.begin() else {
            return ((self.body)(), None);
        };
        let returned = run(&mut span, &mut Once(Some(self.body)), record);
        (returned, Some(span))
    }
}

/// A body that can be called behind a reference. Unlike `dyn FnMut` it brings nothing else along for each function.
trait Body<R> {
    fn run(&mut self) -> R;
}

struct Once<F>(Option<F>);

impl<R, F: FnOnce() -> R> Body<R> for Once<F> {
    fn run(&mut self) -> R {
        (self.0.take().expect("a body runs once"))()
    }
}

#[inline(never)]
fn run_inside<R>(
    spec: &'static SpanSpec,
    inputs: Box<Inputs>,
    body: &mut dyn Body<R>,
    record: &mut dyn Observe<R>,
) -> R {
    let Some(mut span) = begin(spec, inputs) else {
        return body.run();
    };
    let returned = run(&mut span, body, record);
    span.end();
    returned
}

/// A panic of the body is told and goes on; one of what is recorded is told.
#[inline]
fn run<R>(span: &mut ActiveSpan, body: &mut dyn Body<R>, record: &mut dyn Observe<R>) -> R {
    let mut returned = None;
    let observed = catch_unwind(AssertUnwindSafe(|| {
        let guard = span.attach();
        let returned = returned.insert(body.run());
        drop(guard);
        if span.is_recording() {
            record.observe(Outcome::new(returned, span));
        }
    }));
    match (returned, observed) {
        (Some(returned), Ok(())) => returned,
        (Some(returned), Err(_)) => {
            recording::tell_not_described();
            returned
        }
        (None, Err(panic)) => {
            span.panicked(&*panic);
            resume_unwind(panic)
        }
        (None, Ok(())) => unreachable!("a body returns or panics"),
    }
}
