//! Rows whose requests name no trace: which of the traces that arrived are theirs.

use std::collections::HashMap;

use super::routing::SPACE;
use super::structure::under_way;
use crate::openinference::kind;
use crate::report::RowReport;
use crate::span::Span;

/// Moves the spans of each trace that nobody asked for to the row that seems to have made it.
///
/// That is a row which was under way when the trace started, best of all one that asked for the trace's space and
/// has no trace yet. A trace without any OpenInference kind, such as that of a web framework's health check, is
/// left where it is.
pub(crate) fn adopt(rows: &mut [RowReport], stray: &mut Vec<Span>) {
    let mut traces: HashMap<String, Vec<Span>> = HashMap::new();
    for span in stray.drain(..) {
        traces.entry(span.trace_id.clone()).or_default().push(span);
    }
    let mut traces: Vec<Vec<Span>> = traces.into_values().collect();
    traces.sort_by_key(|spans| first(spans).map(|span| span.start_unix_nano));
    let mut adopted = vec![0; rows.len()];
    for spans in traces {
        let parent = first(&spans)
            .filter(|_| spans.iter().any(|span| kind(span).is_some()))
            .and_then(|first| {
                (0..rows.len())
                    .filter(|row| under_way(&rows[*row], first))
                    .min_by_key(|row| (!names_space(&spans, &rows[*row]), adopted[*row], *row))
            });
        match parent {
            Some(row) => {
                adopted[row] += 1;
                rows[row].spans.extend(spans);
            }
            None => stray.extend(spans),
        }
    }
}

fn first(spans: &[Span]) -> Option<&Span> {
    spans.iter().min_by_key(|span| span.start_unix_nano)
}

fn names_space(spans: &[Span], row: &RowReport) -> bool {
    spans.iter().any(|span| {
        span.space_header.as_deref() == Some(&row.space_id)
            || span.attr_str(SPACE) == Some(&row.space_id)
    })
}
