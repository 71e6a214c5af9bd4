//! What the answers and the spans hold.

use std::collections::HashMap;

use serde_json::Value;

use super::{bounded, span_list};
use crate::openinference::{self, Name, Type, kind, nearest_kind};
use crate::report::{Check, RowReport};
use crate::span::{AttributeValue, Span};
use crate::tree::{Parent, Trace};

/// `request`: the agent answered with a 2xx status and JSON, and at once.
pub(super) fn request(row: &RowReport) -> Vec<Check> {
    if let (Some(error), Some(failure)) = (&row.error, row.failure) {
        let detail = match row.attempts {
            1 => error.clone(),
            attempts => format!("{error} (the last of {attempts} attempts)"),
        };
        return vec![Check::fail("request", detail, failure.remedy())];
    }
    let mut checks = Vec::new();
    if let Some((_, earlier)) = row.earlier.last() {
        checks.push(Check::warn(
            "request",
            format!("attempt {} was answered; before: {earlier}", row.attempts),
            "see in the agent's log why it could not answer at once; what it had done by then, it has done again",
        ));
    }
    if !row.response_is_json {
        checks.push(Check::warn(
            "request",
            "the response is not JSON".to_owned(),
            "answer with JSON: the experiment stores it as it is",
        ));
    }
    checks
}

/// `known-names`: names and types of OpenInference attributes, and span kinds.
pub(super) fn known_names(trace: &Trace<'_>) -> Vec<Check> {
    let mut faults = Faults::default();
    let mut doubts = Faults::default();
    let mut names: HashMap<&str, Name> = HashMap::new();
    for span in &trace.spans {
        for (key, value) in &span.attributes {
            let name = names
                .entry(key)
                .or_insert_with(|| openinference::look_up(key));
            judge_attribute(name, span, key, value, &mut faults, &mut doubts);
        }
        if let Some(sent) = span
            .openinference_kind()
            .filter(|sent| !openinference::SPAN_KINDS.contains(sent))
        {
            let near = hint(nearest_kind(sent));
            faults.add(
                span,
                "openinference.span.kind",
                &format!("is `{sent}`, no span kind{near}"),
            );
        }
        for key in span.duplicate_keys() {
            doubts.add(span, key, "was sent more than once");
        }
    }
    let mut checks = Vec::new();
    checks.extend(faults.detail().map(|detail| {
        let remedy = "rename or retype these attributes; others are kept, but no view or evaluation finds them";
        Check::fail("known-names", detail, remedy)
    }));
    checks.extend(doubts.detail().map(|detail| {
        Check::warn(
            "known-names",
            detail,
            "see whether these attributes are meant so",
        )
    }));
    checks
}

fn judge_attribute<'a>(
    name: &Name,
    span: &'a Span,
    key: &str,
    value: &AttributeValue,
    faults: &mut Faults<'a>,
    doubts: &mut Faults<'a>,
) {
    match name {
        Name::Unknown(near) => faults.add(
            span,
            key,
            &format!("is no OpenInference name{}", hint(near.as_deref())),
        ),
        Name::Suspect(near) => {
            doubts.add(span, key, &format!("looks like a slip{}", hint(Some(near))));
        }
        Name::Known(known) if !known.takes(value) => {
            faults.add(
                span,
                key,
                &format!("is {}, not {}", with_article(value), known.describe()),
            );
        }
        Name::Known(Type::Json) if !is_json(value) => doubts.add(span, key, "is not valid JSON"),
        Name::Known(_) | Name::Foreign => {}
    }
}

/// What is wrong with which attribute of which spans, each fault once.
#[derive(Default)]
struct Faults<'a>(Vec<(String, String, Vec<&'a Span>)>);

impl<'a> Faults<'a> {
    fn add(&mut self, span: &'a Span, key: &str, fault: &str) {
        match self
            .0
            .iter_mut()
            .find(|(known, is, _)| known == key && is == fault)
        {
            Some((_, _, spans)) => spans.push(span),
            None => self.0.push((key.to_owned(), fault.to_owned(), vec![span])),
        }
    }

    fn detail(&self) -> Option<String> {
        let text = |(key, fault, spans): &(String, String, Vec<&Span>)| {
            format!("`{key}` on {} {fault}", span_list(spans))
        };
        let texts: Vec<String> = self.0.iter().map(text).collect();
        (!texts.is_empty()).then(|| bounded(&texts, 4, "; "))
    }
}

fn hint(near: Option<&str>) -> String {
    near.map(|near| format!(" (did you mean `{near}`?)"))
        .unwrap_or_default()
}

fn with_article(value: &AttributeValue) -> String {
    match value.type_name() {
        name @ ("integer" | "array") => format!("an {name}"),
        name @ ("bytes" | "empty") => name.to_owned(),
        name => format!("a {name}"),
    }
}

fn is_json(value: &AttributeValue) -> bool {
    let text = value.as_str().unwrap_or_default();
    text == "__REDACTED__" || serde_json::from_str::<Value>(text).is_ok()
}

/// `input-output`: the CHAIN's are what an experiment shows, so only theirs must be there.
pub(super) fn input_output(trace: &Trace<'_>) -> Vec<Check> {
    let mut faults = Faults::default();
    let mut doubts = Faults::default();
    for span in &trace.spans {
        let must = match kind(span) {
            Some("CHAIN") => true,
            Some("AGENT") => trace.parent(span) == Parent::Experiment,
            Some("TOOL" | "LLM") => false,
            _ => continue,
        };
        for (key, messages) in [
            ("input.value", "llm.input_messages."),
            ("output.value", "llm.output_messages."),
        ] {
            if key == "output.value" && span.is_error() {
                continue; // what failed has no output
            }
            match span.attr(key) {
                None if span
                    .attributes
                    .iter()
                    .any(|(key, _)| key.starts_with(messages)) => {}
                None if must => faults.add(span, key, "is missing"),
                None => doubts.add(span, key, "is missing"),
                Some(value) if value.as_str() == Some("") => doubts.add(span, key, "is empty"),
                Some(_) => {}
            }
        }
    }
    let remedy =
        "set `input.value` when the span starts and `output.value` before it ends, as strings";
    let mut checks = Vec::new();
    checks.extend(
        faults
            .detail()
            .map(|detail| Check::fail("input-output", detail, remedy)),
    );
    checks.extend(
        doubts
            .detail()
            .map(|detail| Check::warn("input-output", detail, remedy)),
    );
    checks
}
