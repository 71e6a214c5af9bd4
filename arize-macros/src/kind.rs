//! One row for each attribute. A new kind of span is one row.

/// What an attribute makes of a function.
#[derive(Debug)]
pub(crate) struct Kind {
    /// The attribute's name.
    pub(crate) attribute: &'static str,
    /// The value of `openinference.span.kind`.
    pub(crate) openinference: &'static str,
    /// The arguments that it takes in its parentheses.
    pub(crate) keys: &'static [&'static str],
    pub(crate) inputs: Inputs,
}

/// How the inputs are recorded where `input = ..` does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inputs {
    /// The request's body: a handler.
    Body,
    /// A JSON object of the arguments by name, and their schema: a tool.
    Parameters,
    /// A JSON object of the arguments by name.
    Object,
    /// One argument bare, several as a JSON object.
    Bare,
}

const HANDLER: &[&str] = &[
    "name",
    "kind",
    "input",
    "output",
    "project_name",
    "headers",
    "body",
    "session_id",
    "user_id",
    "metadata",
    "tags",
    "scope",
    "attributes",
    "flush",
    "crate",
];
const TOOL: &[&str] = &[
    "name",
    "description",
    "parameters",
    "definition",
    "skip",
    "skip_all",
    "debug",
    "redact",
    "input",
    "output",
    "skip_output",
    "stream",
    "session_id",
    "user_id",
    "metadata",
    "tags",
    "scope",
    "attributes",
    "crate",
];
const STEP: &[&str] = &[
    "name",
    "skip",
    "skip_all",
    "debug",
    "redact",
    "input",
    "output",
    "skip_output",
    "stream",
    "session_id",
    "user_id",
    "metadata",
    "tags",
    "scope",
    "attributes",
    "crate",
];

pub(crate) static KINDS: &[Kind] = &[
    Kind {
        attribute: "experiment_handler",
        openinference: "CHAIN",
        keys: HANDLER,
        inputs: Inputs::Body,
    },
    Kind {
        attribute: "tool",
        openinference: "TOOL",
        keys: TOOL,
        inputs: Inputs::Parameters,
    },
    Kind {
        attribute: "chain",
        openinference: "CHAIN",
        keys: STEP,
        inputs: Inputs::Bare,
    },
    Kind {
        attribute: "agent",
        openinference: "AGENT",
        keys: STEP,
        inputs: Inputs::Bare,
    },
    Kind {
        attribute: "llm",
        openinference: "LLM",
        keys: STEP,
        inputs: Inputs::Object,
    },
    Kind {
        attribute: "retriever",
        openinference: "RETRIEVER",
        keys: STEP,
        inputs: Inputs::Bare,
    },
    Kind {
        attribute: "reranker",
        openinference: "RERANKER",
        keys: STEP,
        inputs: Inputs::Bare,
    },
    Kind {
        attribute: "embedding",
        openinference: "EMBEDDING",
        keys: STEP,
        inputs: Inputs::Bare,
    },
    Kind {
        attribute: "guardrail",
        openinference: "GUARDRAIL",
        keys: STEP,
        inputs: Inputs::Bare,
    },
    Kind {
        attribute: "evaluator",
        openinference: "EVALUATOR",
        keys: STEP,
        inputs: Inputs::Bare,
    },
    Kind {
        attribute: "prompt",
        openinference: "PROMPT",
        keys: STEP,
        inputs: Inputs::Object,
    },
    Kind {
        attribute: "decision",
        openinference: "DECISION",
        keys: STEP,
        inputs: Inputs::Object,
    },
];

impl Kind {
    /// The row of an attribute that `lib.rs` exports.
    pub(crate) fn of(attribute: &str) -> &'static Self {
        KINDS
            .iter()
            .find(|kind| kind.attribute == attribute)
            .expect("each attribute has its row")
    }
}

/// The attributes that take this argument, as users write them.
pub(crate) fn taking(key: &str) -> Vec<String> {
    let takes = KINDS.iter().filter(|kind| kind.keys.contains(&key));
    takes.map(|kind| format!("#[{}]", kind.attribute)).collect()
}

/// Values of `kind = ".."`.
pub(crate) const SPAN_KINDS: &[&str] = &[
    "AGENT",
    "CHAIN",
    "DECISION",
    "EMBEDDING",
    "EVALUATOR",
    "GUARDRAIL",
    "LLM",
    "PROMPT",
    "RERANKER",
    "RETRIEVER",
    "TOOL",
    "UNKNOWN",
];
