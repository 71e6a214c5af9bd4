//! A row's trace: what was asked, and the spans as a tree.

use std::io::{self, Write};

use serde_json::Value;

use super::text::{Paint, WIDTH, duration, fit, folded};
use crate::report::RowReport;
use crate::span::Span;
use crate::tree::{Line, Node, Trace};

const ANSWER_INDENT: &str = "  ";

/// Prints a row's trace; `shown` are the rows before it, and `with_route` where the run has several routes.
pub(super) fn print_trace(
    out: &mut impl Write,
    paint: Paint,
    row: &RowReport,
    shown: &[&RowReport],
    with_route: bool,
) -> io::Result<()> {
    let number = format!("row {}  ", row.row);
    let trace_id = format!("  trace {}", row.trace_id);
    let used = number.chars().count() + trace_id.chars().count();
    let input = fit(&beginning(&row.input), WIDTH.saturating_sub(used).max(20));
    writeln!(
        out,
        "{}{}",
        paint.bold(&format!("{number}{input}")),
        paint.dim(&trace_id)
    )?;
    if row.failure.is_some() {
        print_answer(out, paint, row, shown)?;
    }
    let time = duration(row.duration);
    let about = if with_route {
        let (project, space) = (fit(&row.project, 24), fit(&row.space_id, 28));
        format!("  {time}  project {project}, space {space}")
    } else {
        format!("  {time}")
    };
    writeln!(out, "agent.experiment.run{}", paint.dim(&about))?;
    if row.spans.is_empty() {
        return writeln!(out, "└─ {}", paint.dim("no span of this trace arrived"));
    }
    print_lines(
        out,
        paint,
        &Trace::new(&row.span_id, &row.spans).lines(),
        never_arrived,
    )
}

/// What is said of the place of a parent that is not there.
pub(super) fn never_arrived(span_id: &str) -> String {
    format!("? span {span_id} never arrived")
}

/// The answer of a request that failed: the agent says there what it did not like.
///
/// One that another row shows already is not repeated: it may be a page of HTML.
fn print_answer(
    out: &mut impl Write,
    paint: Paint,
    row: &RowReport,
    shown: &[&RowReport],
) -> io::Result<()> {
    let (Some(status), Some(response)) = (row.status, &row.response) else {
        return Ok(()); // there was none, as the table says
    };
    let body = match response {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let body = body.trim();
    if body.is_empty() {
        let empty = format!("answered {status} with an empty body");
        return writeln!(out, "{}", paint.red(&empty));
    }
    let same = |other: &&&RowReport| (other.status, &other.response) == (row.status, &row.response);
    if let Some(other) = shown.iter().find(same) {
        let as_before = format!("answered {status}: as row {}", other.row);
        return writeln!(out, "{}", paint.red(&as_before));
    }
    writeln!(out, "{}", paint.red(&format!("answered {status}:")))?;
    for line in folded(body, WIDTH - ANSWER_INDENT.len()) {
        writeln!(out, "{ANSWER_INDENT}{line}")?;
    }
    Ok(())
}

/// What a person knows an input by: its first string, or else its JSON.
pub(crate) fn beginning(input: &Value) -> String {
    let first = match input {
        Value::String(text) => Some(text.as_str()),
        Value::Object(fields) => fields.values().find_map(Value::as_str),
        _ => None,
    };
    first.map_or_else(|| input.to_string(), str::to_owned)
}

pub(super) fn print_lines(
    out: &mut impl Write,
    paint: Paint,
    lines: &[Line<'_>],
    missing: impl Fn(&str) -> String,
) -> io::Result<()> {
    for line in lines {
        match line.node {
            Node::Span(span) => print_span(out, paint, line, span)?,
            Node::Missing(id) => {
                writeln!(out, "{}{}", line.branch, paint.yellow(&missing(id)))?;
            }
        }
    }
    Ok(())
}

fn print_span(out: &mut impl Write, paint: Paint, line: &Line<'_>, span: &Span) -> io::Result<()> {
    let room = WIDTH.saturating_sub(line.branch.chars().count()).max(20);
    let kind = span
        .openinference_kind()
        .map(|kind| format!(" [{}]", fit(kind, 20)))
        .unwrap_or_default();
    let time = format!("  {}", duration(span.duration()));
    let name = fit(
        &span.name,
        room.saturating_sub(kind.chars().count() + time.chars().count())
            .max(20),
    );
    write!(
        out,
        "{}{name}{}{}",
        line.branch,
        paint.cyan(&kind),
        paint.dim(&time)
    )?;
    if span.is_error() {
        let used = name.chars().count() + kind.chars().count() + time.chars().count() + 2;
        let error = fit(
            &format!("ERROR {}", span.status.message),
            room.saturating_sub(used).max(20),
        );
        write!(out, "  {}", paint.red(error.trim_end()))?;
    }
    writeln!(out)?;
    for event in span.events.iter().filter(|event| event.name == "exception") {
        let text = |key| {
            event
                .attr(key)
                .and_then(crate::AttributeValue::as_str)
                .unwrap_or_default()
        };
        let (kind, message) = (text("exception.type"), text("exception.message"));
        // Most instrumentations put the message into the status as well: once is enough.
        let told = message.is_empty() || span.status.message.contains(message);
        let exception = if told {
            format!("• exception {kind}")
        } else {
            format!("• exception {kind}: {message}")
        };
        writeln!(out, "{}{}", line.below, paint.red(&fit(&exception, room)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_input_is_known_by_its_first_string() {
        for (input, text) in [
            (
                json!({"nights": 3, "goal": "a trip", "from": "BER"}),
                "a trip",
            ),
            (json!("a trip"), "a trip"),
            (json!({"row": 1}), r#"{"row":1}"#),
            // Deeper strings say less than the whole: here it would be `user`.
            (
                json!({"messages": [{"role": "user", "content": "a trip"}]}),
                r#"{"messages":[{"role":"user","content":"a trip"}]}"#,
            ),
        ] {
            assert_eq!(beginning(&input), text);
        }
    }
}
