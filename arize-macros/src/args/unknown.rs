//! What is said of an argument that the attribute does not take.

use crate::errors::{listed, nearest};
use crate::kind::{self, Inputs, Kind};

pub(super) fn unknown(kind: &Kind, key: &str) -> String {
    if kind.inputs == Inputs::Body
        && let Some(instead) = instead_in_handlers(key)
    {
        return format!("`#[{}]` has no argument `{key}`{instead}", kind.attribute);
    }
    let elsewhere = kind::taking(key);
    let allowed = listed(kind.keys.iter().copied());
    if !elsewhere.is_empty() {
        let takes = if elsewhere.len() == 1 {
            "takes"
        } else {
            "take"
        };
        return format!(
            "`#[{}]` has no argument `{key}`, only {} {takes} it; it takes {allowed}",
            kind.attribute,
            listed(elsewhere.iter().map(String::as_str)),
        );
    }
    if let Some(instead) = instead_of_instrument(key) {
        return format!("unknown argument `{key}`; {instead}");
    }
    if let Some(builder) = builder_of(kind, key) {
        return format!(
            "unknown argument `{key}`; write `attributes = {builder}` with the builders of \
             `arize_runtime::attributes`"
        );
    }
    match nearest(key, kind.keys.iter().copied()) {
        Some(near) => {
            format!("unknown argument `{key}`; did you mean `{near}`? allowed are {allowed}")
        }
        None => format!("unknown argument `{key}`; allowed are {allowed}"),
    }
}

/// What a handler has in place of an argument that every other attribute takes.
fn instead_in_handlers(key: &str) -> Option<&'static str> {
    let instead = match key {
        "stream" => "; give the stream that the response is made of to `arize_runtime::hold_span!`",
        "redact" => {
            "; say what is recorded with `input = ..`, or hide the values of a field with `.mask_keys([..])` of the \
             registration"
        }
        "skip" | "debug" => {
            ", since it records the request's body and not its arguments; say what is recorded with `input = ..`"
        }
        "skip_all" => {
            ", since it records the request's body and not its arguments; write `input = none`"
        }
        "skip_output" => "; write `output = none`",
        _ => return None,
    };
    Some(instead)
}

/// What is written here in place of an option of `tracing::instrument`.
fn instead_of_instrument(key: &str) -> Option<&'static str> {
    let instead = match key {
        "fields" => "write `attributes(\"shop.items\" = items)`",
        "ret" | "err" => "results and errors are recorded without being asked for; remove it",
        "level" => "spans have no level; remove it",
        "target" => "spans have no target; remove it",
        _ => return None,
    };
    Some(instead)
}

/// What says it in the words of OpenInference, where somebody expects an argument.
fn builder_of(kind: &Kind, key: &str) -> Option<&'static str> {
    let builder = match key {
        "model" | "model_name" if kind.attribute == "embedding" => "Embedding::new().model(..)",
        "model" | "model_name" if kind.attribute == "reranker" => "Reranker::new().model(..)",
        "model" | "model_name" => "Llm::new().model(..)",
        "provider" => "Llm::new().provider(..)",
        "system" => "Llm::new().system(..)",
        "messages" | "input_messages" => "Llm::new().input_messages(..)",
        "temperature" | "max_tokens" | "top_p" | "invocation_parameters" => {
            "Llm::new().invocation_parameters(..)"
        }
        "tokens" | "token_count" | "usage" => "Llm::new().token_count(..)",
        "cost" => "Llm::new().cost(..)",
        "tools" => "Llm::new().tools(..)",
        "documents" => "Retriever::new().documents(..)",
        _ => return None,
    };
    Some(builder)
}
