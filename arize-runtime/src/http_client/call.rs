//! A request's span, from its start to the end of its answer.

use std::error::Error;

use http::HeaderMap;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use reqwest::Request;

use super::model::ModelCall;
use super::secrets::{Secrets, shown};
use crate::inject::Propagation;
use crate::recording::guarded;
use crate::tracer::{self, Pipeline};
use crate::{model_call, semconv};

/// A request that is under way. Dropped before it ended, it says that it was cancelled.
#[derive(Debug)]
pub(super) struct Call {
    context: Context,
    secrets: Secrets,
    model: Option<Box<ModelCall>>,
    failed: bool,
    ended: bool,
}

/// Starts the span of `request`; none where nothing is traced.
pub(super) fn start(request: &mut Request, propagation: &Propagation) -> Option<Call> {
    if !tracer::is_live() {
        return None;
    }
    let parent = Context::current();
    let pipeline = tracer::of(&parent)?;
    let mut model = recorded(&parent)
        .then(|| ModelCall::of(request, pipeline))
        .flatten();
    if model.is_none() && !parent.has_active_span() {
        return None; // a request of nobody's work is not traced
    }
    let span = pipeline
        .tracer
        .build_with_context(builder(request, model.as_mut()), &parent);
    let context = parent.with_span(span);
    let context = match &model {
        Some(model) => model_call::enter(model.span_kind(), context),
        None => context,
    };
    let recording = context.span().is_recording();
    if !request.headers().contains_key(&semconv::TRACEPARENT) {
        let url = request.url().as_str().to_owned();
        propagation.inject_context(&context, url.as_str(), request.headers_mut());
    }
    Some(Call {
        secrets: if recording {
            Secrets::of(request.headers(), request.url())
        } else {
            Secrets::default()
        },
        model: model.filter(|_| recording).map(Box::new),
        context,
        failed: false,
        ended: false,
    })
}

/// Whether a call of a model is recorded here: there is no span of it yet, and what is recorded is kept.
fn recorded(parent: &Context) -> bool {
    let span = parent.span();
    let is_unsampled = parent.has_active_span() && !span.span_context().is_sampled();
    !is_unsampled && !is_recorded_around(parent)
}

/// Whether the current span, ours or a library's, is one of the model's call already.
fn is_recorded_around(parent: &Context) -> bool {
    let annotated = model_call::annotated(parent);
    if annotated.is_some_and(|annotated| annotated.is_model_call) {
        return true;
    }
    // a span of `tracing` that nobody turns into one of OpenTelemetry's leaves the current one as it is
    let current = parent.span().span_context().span_id();
    let is_between = parent.has_active_span() && annotated.is_none_or(|a| a.span != current);
    is_between && is_in_span_of_library()
}

/// Whether `tracing`'s current span has the fields of OpenTelemetry's conventions for generative AI.
fn is_in_span_of_library() -> bool {
    const FIELDS: [&str; 2] = ["gen_ai.operation.name", "gen_ai.request.model"];
    let span = tracing::Span::current();
    let fields = span.metadata().map(tracing::Metadata::fields);
    fields.is_some_and(|fields| FIELDS.iter().any(|name| fields.field(name).is_some()))
}

fn builder(request: &Request, model: Option<&mut ModelCall>) -> SpanBuilder {
    let (method, url) = (request.method().as_str(), request.url());
    let mut attributes = vec![
        KeyValue::new("http.request.method", method.to_owned()),
        KeyValue::new("url.full", shown(url)),
    ];
    if let Some(host) = url.host_str() {
        attributes.push(KeyValue::new("server.address", host.to_owned()));
    }
    if let Some(port) = url.port_or_known_default() {
        attributes.push(KeyValue::new("server.port", i64::from(port)));
    }
    let name = match model {
        Some(model) => {
            attributes.extend(model.request_attributes());
            model.span_name().into()
        }
        None => method.to_owned().into(),
    };
    SpanBuilder {
        name,
        span_kind: Some(SpanKind::Client),
        attributes: Some(attributes),
        ..SpanBuilder::default()
    }
}

impl Call {
    pub(super) fn context(&self) -> Context {
        self.context.clone()
    }

    /// The head of the answer is there. The call, if it goes on until the body's end.
    pub(super) fn answered(
        mut self,
        status: http::StatusCode,
        headers: &HeaderMap,
    ) -> Option<Self> {
        let span = self.context.span();
        span.set_attribute(KeyValue::new(
            "http.response.status_code",
            i64::from(status.as_u16()),
        ));
        let is_error = status.is_client_error() || status.is_server_error();
        if is_error {
            let code = status.as_str();
            span.set_attribute(KeyValue::new(ERROR_TYPE, code.to_owned()));
            let reason = status.canonical_reason().unwrap_or("error");
            span.set_status(Status::error(format!("{code}: {reason}")));
        }
        self.failed = is_error;
        if let Some(model) = &mut self.model {
            model.answered(headers, is_error);
            return Some(self);
        }
        self.end();
        None
    }

    pub(super) fn received(&mut self, bytes: &[u8]) {
        if let Some(model) = &mut self.model {
            guarded(|| model.received(bytes));
        }
    }

    /// There was no answer, or no more of it.
    pub(super) fn failed(mut self, error: &(dyn Error + 'static), type_name: &'static str) {
        self.record_answer();
        let causes = std::iter::successors(Some(error), |&error| error.source()).take(MOST_CAUSES);
        let texts: Vec<_> = causes.map(ToString::to_string).collect();
        let message = self.secrets.removed_from(&texts.join(": "));
        self.error(type_name, &message, message.clone());
        self.end();
    }

    /// The answer is at its end, or nobody wanted more of it.
    pub(super) fn finish(mut self) {
        self.record_answer();
        if !self.failed {
            self.context.span().set_status(Status::Ok);
        }
        self.end();
    }

    /// Nobody waits for the rest any more.
    pub(super) fn abandoned(mut self) {
        if self.model.as_ref().is_some_and(|model| model.is_complete()) {
            self.finish();
            return;
        }
        self.record_answer();
        if !self.failed {
            self.context.span().set_status(Status::error("cancelled"));
        }
        self.end();
    }

    fn record_answer(&mut self) {
        let Some(model) = self.model.take() else {
            return;
        };
        let pipeline = tracer::of(&self.context);
        let answer = guarded(|| model.finish());
        let Some((mut attributes, error)) = answer else {
            return;
        };
        if let Some(keys) = pipeline.and_then(|p: &Pipeline| p.trace_config.masked_keys.as_ref()) {
            keys.mask_attributes(&mut attributes);
        }
        self.context.span().set_attributes(attributes);
        if let Some((kind, message)) = error {
            let message = self.secrets.removed_from(&message);
            self.error(&kind, &message, format!("{kind}: {message}"));
        }
    }

    fn error(&mut self, kind: &str, message: &str, description: String) {
        self.failed = true;
        let span = self.context.span();
        span.set_attribute(KeyValue::new(ERROR_TYPE, kind.to_owned()));
        let attributes = vec![
            KeyValue::new(semconv::EXCEPTION_TYPE, kind.to_owned()),
            KeyValue::new(semconv::EXCEPTION_MESSAGE, message.to_owned()),
        ];
        span.add_event(semconv::EXCEPTION, attributes);
        span.set_status(Status::error(description));
    }

    fn end(&mut self) {
        self.ended = true;
        self.context.span().end();
    }
}

const ERROR_TYPE: &str = "error.type";

/// An error may be its own source, so the chain is cut here.
const MOST_CAUSES: usize = 32;

impl Drop for Call {
    fn drop(&mut self) {
        if !self.ended {
            self.context.span().set_status(Status::error("cancelled"));
            self.end();
        }
    }
}
