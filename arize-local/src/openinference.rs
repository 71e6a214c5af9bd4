//! The OpenInference vocabulary: attribute names and their types, span kinds, and what is close to a name.
//!
//! From `openinference-semantic-conventions` 0.1.42 (Python).

use crate::span::{AttributeValue, Span};
use crate::spelling::distance;
use Type::{List, Object};
use table::{ELEMENTS, SPAN};

mod table;

/// The span kinds.
pub(crate) const SPAN_KINDS: [&str; 12] = [
    "LLM",
    "EMBEDDING",
    "CHAIN",
    "RETRIEVER",
    "RERANKER",
    "TOOL",
    "AGENT",
    "GUARDRAIL",
    "EVALUATOR",
    "PROMPT",
    "DECISION",
    "UNKNOWN",
];

/// The kind that a span means. Its spelling is judged by one check, and must not fail the others.
pub(crate) fn kind(span: &Span) -> Option<&'static str> {
    nearest_kind(span.openinference_kind()?)
}

/// A CHAIN, or an AGENT, which may stand for it.
pub(crate) fn is_chain(span: &Span) -> bool {
    matches!(kind(span), Some("CHAIN" | "AGENT"))
}

/// The type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    /// A JSON document in a string.
    Json,
    Int,
    /// Integers are taken too: many languages send 1.0 as 1.
    Float,
    Texts,
    Floats,
    /// Integer or string.
    Id,
    /// A list that is flattened: `<name>.<i>.<element>.*`, where the element is a namespace below.
    List(&'static str),
    /// An object that is flattened: `<name>.<element>.*`.
    Object(&'static str),
}

impl Type {
    pub(crate) fn takes(self, value: &AttributeValue) -> bool {
        use AttributeValue::{Array, Double, Int, String};
        match (self, value) {
            (Self::Text | Self::Json | Self::Id, String(_))
            | (Self::Int | Self::Float | Self::Id, Int(_))
            | (Self::Float, Double(_)) => true,
            (Self::Texts, Array(values)) => values.iter().all(|value| matches!(value, String(_))),
            (Self::Floats, Array(values)) => values
                .iter()
                .all(|value| matches!(value, Double(_) | Int(_))),
            _ => false,
        }
    }

    /// What to send, in words.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Json => "a JSON document in a string",
            Self::Int => "an integer",
            Self::Float => "a number",
            Self::Texts => "an array of strings",
            Self::Floats => "an array of numbers",
            Self::Id => "a string or an integer",
            Self::List(_) => "a list, flattened to `<name>.<i>.*`",
            Self::Object(_) => "an object, flattened to `<name>.*`",
        }
    }
}

/// Namespaces that only OpenInference uses: an unknown name in them is a mistake.
///
/// `session`, `user`, `agent`, `graph`, `prompt`, `trace`, `document`, `image`, `audio` and `video` are left
/// out, for other conventions and people's own attributes have names there as well.
const OWN_NAMESPACES: [&str; 17] = [
    "annotation",
    "annotations",
    "completion",
    "decision",
    "embedding",
    "evaluation",
    "evaluations",
    "input",
    "llm",
    "message",
    "message_content",
    "openinference",
    "output",
    "reranker",
    "retrieval",
    "tool",
    "tool_call",
];

/// What a name is to OpenInference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// One of its attributes.
    Known(Type),
    /// Not an attribute, though in its namespace. Holds the nearest name that is one.
    Unknown(Option<String>),
    /// Outside its namespaces, but so close to this name that it is likely a slip.
    Suspect(String),
    /// None of its business.
    Foreign,
}

/// Looks a name up.
pub(crate) fn look_up(name: &str) -> Name {
    let namespace = name.split('.').next().unwrap_or(name);
    if let Some(known) = resolve(name) {
        return Name::Known(known);
    }
    if OWN_NAMESPACES.contains(&namespace) || namespace == "tag" {
        return Name::Unknown(nearest(name));
    }
    // A short name is near to many others by chance.
    let suspect = |known: &str| {
        name.len() >= 12 && known.len().abs_diff(name.len()) <= 2 && distance(name, known) <= 2
    };
    match names().find(|(known, _)| suspect(known)) {
        Some((near, _)) => Name::Suspect(near.to_owned()),
        None => Name::Foreign,
    }
}

/// The type of a name, with lists and objects followed: `llm.tools.0.tool.json_schema`.
fn resolve(name: &str) -> Option<Type> {
    names()
        .find(|(known, _)| *known == name)
        .map(|(_, kind)| kind)
        .or_else(|| {
            let (element, rest) = descend(name)?;
            let inside = rest.strip_prefix(element)?.starts_with('.');
            if inside { resolve(rest) } else { None }
        })
}

/// Splits a flattened name after its first list or object: the namespace expected there, and the rest.
fn descend(name: &str) -> Option<(&'static str, &str)> {
    names().find_map(|(known, kind)| {
        let rest = name.strip_prefix(known)?.strip_prefix('.')?;
        match kind {
            List(element) => {
                let (index, rest) = rest.split_once('.')?;
                index
                    .bytes()
                    .all(|byte| byte.is_ascii_digit())
                    .then_some((element, rest))
            }
            Object(element) => Some((element, rest)),
            _ => None,
        }
    })
}

/// The known name that is nearest, spelled with the list prefix of the name asked for.
fn nearest(name: &str) -> Option<String> {
    if let Some((element, rest)) = descend(name) {
        let prefix = &name[..name.len() - rest.len()];
        let near = if rest.starts_with(element) {
            nearest(rest)?
        } else {
            nearest(&format!("{element}.{rest}"))?
        };
        return Some(format!("{prefix}{near}"));
    }
    let (near, distance) = names()
        .map(|(known, _)| (known, distance(name, known)))
        .min_by_key(|(_, d)| *d)?;
    (distance <= name.len() / 2).then(|| near.to_owned())
}

/// The nearest span kind, where one is near.
pub(crate) fn nearest_kind(kind: &str) -> Option<&'static str> {
    if let Some(exact) = SPAN_KINDS.into_iter().find(|known| *known == kind) {
        return Some(exact);
    }
    let kind = kind.trim().to_uppercase();
    let near = SPAN_KINDS
        .into_iter()
        .min_by_key(|known| distance(known, &kind))?;
    (distance(near, &kind) <= near.len() / 2).then_some(near)
}

fn names() -> impl Iterator<Item = (&'static str, Type)> {
    SPAN.iter().chain(ELEMENTS).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Type::{Float, Floats, Json, Text};

    #[test]
    fn flattened_names_are_followed() {
        for (name, kind) in [
            ("llm.input_messages.0.message.role", Text),
            (
                "llm.output_messages.12.message.tool_calls.3.tool_call.function.arguments",
                Json,
            ),
            (
                "llm.input_messages.0.message.contents.1.message_content.image.image.url",
                Text,
            ),
            ("llm.tools.0.tool.json_schema", Json),
            ("retrieval.documents.2.document.score", Float),
            ("embedding.embeddings.0.embedding.vector", Floats),
            ("llm.prompts.0.prompt.text", Text),
        ] {
            assert_eq!(look_up(name), Name::Known(kind), "{name}");
        }
    }

    #[test]
    fn a_slip_is_told_with_the_nearest_name() {
        for (name, near) in [
            ("llm.model.name", "llm.model_name"),
            ("tool.nmae", "tool.name"),
            ("input.valeu", "input.value"),
            ("llm.token_count.promt", "llm.token_count.prompt"),
            (
                "llm.input_messages.0.message.rol",
                "llm.input_messages.0.message.role",
            ),
            (
                "llm.input_messages.0.role",
                "llm.input_messages.0.message.role",
            ),
            ("tag.tag", "tag.tags"),
        ] {
            assert_eq!(
                look_up(name),
                Name::Unknown(Some(near.to_owned())),
                "{name}"
            );
        }
        assert_eq!(
            look_up("openinfernce.span.kind"),
            Name::Suspect("openinference.span.kind".to_owned())
        );
        assert_eq!(nearest_kind("chain"), Some("CHAIN"));
        assert_eq!(nearest_kind("TOOLS"), Some("TOOL"));
        assert_eq!(nearest_kind("banana"), None);
    }

    #[test]
    fn names_of_others_are_not_judged() {
        for name in [
            "http.request.method",
            "gen_ai.request.model",
            "arize.space_id",
            "arize.project.name",
            "user.email",
            "session.previous_id",
            "server.address",
            "my.own",
            "url.full",
            "document.collection",
        ] {
            assert_eq!(look_up(name), Name::Foreign, "{name}");
        }
    }
}
