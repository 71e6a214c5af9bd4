//! One trace as a tree under its experiment span.

use std::collections::{HashMap, HashSet};

use crate::openinference::is_chain;
use crate::span::Span;

/// Where a span hangs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Parent<'a> {
    /// Under the experiment span.
    Experiment,
    /// Under a received span.
    Span(&'a Span),
    /// Under a span that never arrived.
    Missing(&'a str),
    /// Nowhere: it says that it is a root.
    None,
}

/// The spans of one trace with their relations. A span delivered twice counts once.
#[derive(Debug)]
pub(crate) struct Trace<'a> {
    experiment_span_id: &'a str,
    pub(crate) spans: Vec<&'a Span>,
    by_id: HashMap<&'a str, &'a Span>,
}

impl<'a> Trace<'a> {
    pub(crate) fn new(experiment_span_id: &'a str, spans: &'a [Span]) -> Self {
        let mut by_id = HashMap::new();
        let mut unique: Vec<&Span> = Vec::new();
        for span in spans {
            by_id.entry(span.span_id.as_str()).or_insert_with(|| {
                unique.push(span);
                span
            });
        }
        Self {
            experiment_span_id,
            spans: unique,
            by_id,
        }
    }

    /// A trace that no experiment asked for.
    pub(crate) fn unasked(spans: &'a [Span]) -> Self {
        Self::new("-", spans) // no span's id
    }

    pub(crate) fn parent(&self, span: &'a Span) -> Parent<'a> {
        match span.parent_span_id.as_deref() {
            None => Parent::None,
            Some(id) if id == self.experiment_span_id => Parent::Experiment,
            Some(id) => self
                .by_id
                .get(id)
                .map_or(Parent::Missing(id), |parent| Parent::Span(parent)),
        }
    }

    /// The received spans above a span, nearest first, and where the uppermost of them hangs.
    pub(crate) fn ancestors(&self, span: &'a Span) -> (Vec<&'a Span>, Parent<'a>) {
        let mut above: Vec<&Span> = Vec::new();
        let mut at = span;
        loop {
            match self.parent(at) {
                // A parent that comes again is a circle: nothing above it.
                Parent::Span(parent) if above.len() < self.spans.len() => {
                    above.push(parent);
                    at = parent;
                }
                Parent::Span(_) => return (above, Parent::None),
                end => return (above, end),
            }
        }
    }

    /// Whether a span is known to have a parent that has not come yet, because it has not ended.
    pub(crate) fn awaits_parent(&self) -> bool {
        let missing = |span: &&Span| matches!(self.parent(span), Parent::Missing(_));
        self.spans
            .iter()
            .copied()
            .filter(missing)
            .any(|span| match span.parent_is_remote() {
                Some(remote) => !remote,
                // The parent of a CHAIN is the caller's, more often than not.
                None => !is_chain(span),
            })
    }

    /// The trace from top to bottom, as lines to print.
    pub(crate) fn lines(&self) -> Vec<Line<'a>> {
        let mut children: HashMap<&str, Vec<&'a Span>> = HashMap::new();
        let mut missing: Vec<&'a str> = Vec::new();
        for span in &self.spans {
            let key = match self.parent(span) {
                Parent::Experiment => self.experiment_span_id,
                Parent::Span(parent) => &parent.span_id,
                Parent::Missing(id) => {
                    if !missing.contains(&id) {
                        missing.push(id);
                    }
                    id
                }
                Parent::None => "",
            };
            children.entry(key).or_default().push(span);
        }
        for siblings in children.values_mut() {
            siblings.sort_by_key(|span| span.start_unix_nano);
        }
        let mut top: Vec<Node<'a>> = Vec::new();
        for key in [self.experiment_span_id, ""] {
            top.extend(
                children
                    .get(key)
                    .into_iter()
                    .flatten()
                    .map(|span| Node::Span(span)),
            );
        }
        top.extend(missing.into_iter().map(Node::Missing));
        let mut lines = descend(top, &children);
        self.add_circles(&mut lines);
        lines
    }

    /// Spans that are their own ancestors hang nowhere; they are shown all the same.
    fn add_circles(&self, lines: &mut Vec<Line<'a>>) {
        let shown: HashSet<&str> = lines
            .iter()
            .filter_map(|line| line.node.span())
            .map(|s| s.span_id.as_str())
            .collect();
        for span in self
            .spans
            .iter()
            .filter(|span| !shown.contains(span.span_id.as_str()))
        {
            lines.push(Line {
                branch: "└─ ".into(),
                below: "   ".into(),
                node: Node::Span(span),
            });
        }
    }
}

/// What stands on a line of the tree.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Node<'a> {
    Span(&'a Span),
    /// The place of a parent that never arrived.
    Missing(&'a str),
}

impl<'a> Node<'a> {
    fn span(self) -> Option<&'a Span> {
        match self {
            Self::Span(span) => Some(span),
            Self::Missing(_) => None,
        }
    }

    fn id(self) -> &'a str {
        match self {
            Self::Span(span) => &span.span_id,
            Self::Missing(id) => id,
        }
    }
}

/// A line of the tree: `branch` goes before the node, `below` before what belongs to it on further lines.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) branch: String,
    pub(crate) below: String,
    pub(crate) node: Node<'a>,
}

/// Depth first with a stack of our own: an agent decides how deep a trace is.
fn descend<'a>(top: Vec<Node<'a>>, children: &HashMap<&str, Vec<&'a Span>>) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    let mut stack: Vec<(Node<'a>, String, bool)> = Vec::new();
    let push = |stack: &mut Vec<(Node<'a>, String, bool)>, nodes: Vec<Node<'a>>, indent: &str| {
        for (from_last, node) in nodes.into_iter().rev().enumerate() {
            stack.push((node, indent.to_owned(), from_last == 0));
        }
    };
    push(&mut stack, top, "");
    while let Some((node, indent, is_last)) = stack.pop() {
        let below = format!("{indent}{}", if is_last { "   " } else { "│  " });
        let nodes = children
            .get(node.id())
            .into_iter()
            .flatten()
            .map(|span| Node::Span(span))
            .collect();
        push(&mut stack, nodes, &below);
        lines.push(Line {
            branch: format!("{indent}{}", if is_last { "└─ " } else { "├─ " }),
            below,
            node,
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::tests::span;

    fn draw(spans: &[Span]) -> Vec<String> {
        let lines = Trace::new("E", spans).lines();
        let text = |node: Node<'_>| match node {
            Node::Span(span) => span.name.clone(),
            Node::Missing(id) => format!("? {id}"),
        };
        lines
            .iter()
            .map(|line| format!("{}{}", line.branch, text(line.node)))
            .collect()
    }

    #[test]
    fn children_stand_under_their_parents_in_the_order_they_started() {
        let mut late = span("c", "b", "late", "TOOL");
        late.start_unix_nano = 9;
        let spans = [
            late,
            span("d", "b", "early", "TOOL"),
            span("b", "E", "run", "CHAIN"),
            span("e", "d", "http", ""),
        ];
        assert_eq!(
            draw(&spans),
            ["└─ run", "   ├─ early", "   │  └─ http", "   └─ late"]
        );
    }

    #[test]
    fn spans_without_their_parent_are_shown_under_its_place() {
        let spans = [
            span("b", "x", "one", "TOOL"),
            span("c", "x", "two", "TOOL"),
            span("d", "", "root", ""),
        ];
        assert_eq!(
            draw(&spans),
            ["├─ root", "└─ ? x", "   ├─ one", "   └─ two"]
        );
    }

    #[test]
    fn a_circle_and_a_span_sent_twice_do_no_harm() {
        let spans = [
            span("a", "b", "a", ""),
            span("b", "a", "b", ""),
            span("a", "b", "a", ""),
        ];
        assert_eq!(draw(&spans), ["└─ a", "└─ b"]);
        let trace = Trace::new("E", &spans);
        assert_eq!(trace.ancestors(trace.spans[0]).1, Parent::None);
    }

    #[test]
    fn a_parent_is_awaited_unless_it_is_the_callers() {
        let with_flags = |flags, kind| {
            let mut child = span("b", "x", "child", kind);
            child.flags = flags;
            Trace::unasked(&[child, span("c", "b", "below", "")]).awaits_parent()
        };
        assert!(with_flags(0x100, "CHAIN"), "it is in the same process");
        assert!(!with_flags(0x300, "TOOL"), "it is in another process");
        assert!(
            with_flags(1, "TOOL") && !with_flags(1, "CHAIN"),
            "nobody knows"
        );
    }

    #[test]
    fn a_very_deep_trace_does_not_overflow_the_stack() {
        let mut spans = vec![span("0", "E", "0", "")];
        spans.extend((1..3_000).map(|n| span(&n.to_string(), &(n - 1).to_string(), "n", "")));
        assert_eq!(draw(&spans).len(), 3_000);
    }
}
