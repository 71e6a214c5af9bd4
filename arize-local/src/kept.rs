//! A received request, as far as its spans were not forgotten.

use std::collections::HashSet;

use crate::protocol::Protocol;
use crate::request::ExportRequest;
use crate::span::Span;

/// A request from which spans can be forgotten. Spans are named by their place in the request as it came.
///
/// The spans of a request share one allocation, which is made anew when half of them are forgotten: so forgetting
/// costs little for each span, and no more than twice of what is left is kept.
#[derive(Debug)]
pub(crate) struct KeptRequest {
    request: ExportRequest,
    /// The place that each of the request's spans had, in ascending order.
    places: Vec<usize>,
    forgotten: HashSet<usize>,
}

impl KeptRequest {
    pub(crate) fn new(request: ExportRequest) -> Self {
        Self {
            places: (0..request.spans.len()).collect(),
            request,
            forgotten: HashSet::new(),
        }
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.request.protocol
    }

    /// Whether every span is forgotten.
    pub(crate) fn is_empty(&self) -> bool {
        self.places.len() == self.forgotten.len()
    }

    pub(crate) fn span(&self, place: usize) -> Option<&Span> {
        let at = self.places.binary_search(&place).ok()?;
        (!self.forgotten.contains(&place)).then(|| &self.request.spans[at])
    }

    /// Forgets the span of this place.
    pub(crate) fn forget(&mut self, place: usize) {
        if self.span(place).is_none() {
            return;
        }
        self.forgotten.insert(place);
        if self.forgotten.len() * 2 > self.places.len() {
            self.request = self.left();
            self.places.retain(|place| !self.forgotten.contains(place));
            self.forgotten.clear();
        }
    }

    /// The spans that are left, in their order.
    pub(crate) fn spans(&self) -> impl Iterator<Item = &Span> {
        let placed = self.places.iter().zip(&*self.request.spans);
        placed
            .filter(|(place, _)| !self.forgotten.contains(place))
            .map(|(_, span)| span)
    }

    /// The request with the spans that are left.
    pub(crate) fn left(&self) -> ExportRequest {
        let mut request = self.request.clone();
        if !self.forgotten.is_empty() {
            request.spans = self.spans().cloned().collect();
        }
        request
    }
}
