//! The forms that a request may have: what Arize sends, and what of it may be missing or wrong.

use std::fmt;

use http::HeaderMap;

use crate::template::Template;

/// The form of an experiment's requests: all that Arize sends, where nothing else is said.
///
/// # Examples
///
/// ```
/// use arize_local::{Baggage, BodyShape, RequestForm};
///
/// let mut form = RequestForm::default();
/// form.body = BodyShape::TopLevel;
/// form.baggage = Baggage::None;
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct RequestForm {
    /// Where the row stands in the body.
    pub body: BodyShape,
    /// The body, where it has neither of Arize's shapes; `body` says nothing then.
    pub template: Option<Template>,
    /// What `arize_metadata` says.
    pub metadata: Metadata,
    /// What the `baggage` header says.
    pub baggage: Baggage,
    /// What the `traceparent` header says.
    pub traceparent: Traceparent,
    /// More headers, for authorization for example; they replace ours of the same name.
    pub headers: HeaderMap,
}

/// What the requests of a form name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named {
    /// Both halves of a route; an agent need not make anything of one half.
    pub(crate) route: bool,
    /// The trace that the agent's spans belong into.
    pub(crate) trace: bool,
}

impl RequestForm {
    pub(crate) fn names(&self) -> Named {
        Named {
            route: self.metadata == Metadata::Full || self.baggage != Baggage::None,
            trace: matches!(
                self.traceparent,
                Traceparent::Sampled | Traceparent::Unsampled
            ),
        }
    }
}

impl fmt::Debug for RequestForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The headers' values may be secret.
        f.debug_struct("RequestForm")
            .field("body", &self.body)
            .field("template", &self.template)
            .field("metadata", &self.metadata)
            .field("baggage", &self.baggage)
            .field("traceparent", &self.traceparent)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Where the row stands in the body of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyShape {
    /// As `input`: `{"input": {"goal": "..."}, "arize_metadata": {...}}`.
    #[default]
    Wrapped,
    /// Its fields beside the metadata: `{"goal": "...", "arize_metadata": {...}}`. A row that is no JSON object
    /// is wrapped all the same.
    TopLevel,
}

/// What the body's `arize_metadata` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Metadata {
    /// Space, project and the ids of the run.
    #[default]
    Full,
    /// Everything but `project_name`, which some samples leave out.
    NoProject,
    /// There is none.
    None,
    /// It is `null`.
    Null,
}

/// What the `baggage` header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Baggage {
    /// Space and project in one header line.
    #[default]
    OneLine,
    /// Space and project in a header line each, as RFC 9110 allows for every list.
    TwoLines,
    /// A space and project that are not the row's.
    Other {
        /// The space.
        space_id: String,
        /// The project.
        project: String,
    },
    /// There is none.
    None,
}

/// What the `traceparent` header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Traceparent {
    /// The experiment span, sampled.
    #[default]
    Sampled,
    /// The experiment span, not sampled: nothing of the trace is to be exported.
    Unsampled,
    /// Not what W3C Trace Context allows: its trace id is not hexadecimal.
    Malformed,
    /// There is none, nor a `tracestate`.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_headers_are_not_shown() {
        let mut form = RequestForm::default();
        let value = http::HeaderValue::from_static("Bearer secret");
        form.headers.insert("authorization", value);
        let shown = format!("{form:?}");
        assert!(
            shown.contains("authorization") && !shown.contains("secret"),
            "{shown}"
        );
    }
}
