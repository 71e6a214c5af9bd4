//! Which attributes of the span the user may give: not those that have a better place, and each key once.

use std::collections::HashSet;

use crate::args::{AttributeKey, SpanAttribute};
use crate::errors::Errors;
use crate::kind::{Inputs, Kind};

pub(crate) fn check(kind: &Kind, attributes: &[SpanAttribute], errors: &mut Errors) {
    let mut seen = HashSet::new();
    for attribute in attributes {
        let AttributeKey::Text(key) = &attribute.key else {
            continue;
        };
        let text = key.value();
        if text.trim().is_empty() {
            errors.add(key, "the key is empty; write one, such as `\"shop.items\"`");
        } else if let Some(instead) = instead_of(kind, &text) {
            errors.add(key, format!("`{text}` {instead}"));
        } else if !seen.insert(text.clone()) {
            errors.add(key, format!("duplicate key `{text}`; write it once"));
        }
    }
}

/// Why a key is not taken, and what to write.
fn instead_of(kind: &Kind, key: &str) -> Option<&'static str> {
    let handler = kind.inputs == Inputs::Body;
    let tool = kind.inputs == Inputs::Parameters;
    let instead = match key {
        "session.id" => "has an argument of its own; write `session_id = ..`",
        "user.id" => "has an argument of its own; write `user_id = ..`",
        "metadata" => "has an argument of its own; write `metadata = ..` outside of `attributes`",
        "tag.tags" => "has an argument of its own; write `tags = ..`",
        "input.value" | "input.mime_type" => "is the recorded input; write `input = ..`",
        "output.value" | "output.mime_type" => {
            "is the recorded output; write `output = |value| ..`"
        }
        "openinference.span.kind" if handler => "has an argument of its own; write `kind = \"..\"`",
        "openinference.span.kind" => {
            "is what the attribute stands for; write the attribute of that kind, such as `#[llm]`"
        }
        "arize.space_id" | "arize.project.name" => {
            "is where the span goes; write `set_routing_context(routing, || ..)` or \
             `future.with_routing(routing)` around the call"
        }
        "tool.name" if tool => "has an argument of its own; write `name = \"..\"`",
        "tool.description" if tool => "has an argument of its own; write `description = \"..\"`",
        "tool.parameters" if tool => "has an argument of its own; write `parameters = \"..\"`",
        _ => return None,
    };
    Some(instead)
}
