//! Spans as a tree in text.

use opentelemetry::trace::{SpanId, Status, TraceId};

use super::span::CapturedSpan;

/// A place in the tree: a span, or a parent that was not captured.
type Place = (TraceId, SpanId);

pub(super) fn of(spans: &[CapturedSpan]) -> String {
    let mut roots: Vec<Place> = Vec::new();
    for span in spans {
        let root = root_above(span, spans);
        if let Some(root) = root
            && !roots.contains(&root)
        {
            roots.push(root);
        }
    }
    let mut text = String::new();
    for root in roots {
        text += &line(root, spans);
        add_children(root, spans, "", &mut text);
    }
    text
}

fn place(span: &CapturedSpan) -> Place {
    (span.trace_id(), span.span_id())
}

fn parent(span: &CapturedSpan) -> Option<Place> {
    Some((span.trace_id(), span.parent_span_id()?))
}

fn find(place_of: Place, spans: &[CapturedSpan]) -> Option<&CapturedSpan> {
    spans.iter().find(|span| place(span) == place_of)
}

/// The root that this span is, or that stands in for its parent; none where it has a parent.
fn root_above(span: &CapturedSpan, spans: &[CapturedSpan]) -> Option<Place> {
    match parent(span) {
        Some(parent) if find(parent, spans).is_some() => None,
        Some(parent) if !span.has_remote_parent() => Some(parent),
        _ => Some(place(span)),
    }
}

fn add_children(of: Place, spans: &[CapturedSpan], indent: &str, text: &mut String) {
    let missing = find(of, spans).is_none();
    let mut children = spans
        .iter()
        .filter(|span| parent(span) == Some(of) && !(missing && span.has_remote_parent()))
        .peekable();
    while let Some(child) = children.next() {
        let (branch, below) = match children.peek() {
            Some(_) => ("├─ ", "│  "),
            None => ("└─ ", "   "),
        };
        *text += &format!("{indent}{branch}{}", line(place(child), spans));
        add_children(place(child), spans, &format!("{indent}{below}"), text);
    }
}

fn line(of: Place, spans: &[CapturedSpan]) -> String {
    let Some(span) = find(of, spans) else {
        return "? (not captured)\n".to_owned();
    };
    let mut line = span.name().to_owned();
    if let Some(kind) = span.kind() {
        line += &format!(" [{kind}]");
    }
    if let Status::Error { description } = span.status() {
        line += "  ERROR";
        if !description.is_empty() {
            line += &format!(" {description}");
        }
    }
    if !span.has_ended() {
        line += "  (not ended)";
    }
    on_one_line(&line) + "\n"
}

fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}
