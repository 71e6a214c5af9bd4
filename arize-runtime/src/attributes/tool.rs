//! What a tool says of itself, beyond what `#[tool]` knows.

use super::list::{List, setters};

/// The tool that a TOOL span runs: `tool.*`. What is given goes before what `#[tool]` says.
///
/// ```
/// use arize_runtime::attributes::Tool;
/// use arize_runtime::record;
///
/// # let call_id = "call_1";
/// record(|| Tool::new().id(call_id));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tool {
    list: List,
}

into_attributes!(Tool);

impl Tool {
    /// Nothing said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// The call that the tool answers, as the model named it: `tool.id`.
        id: text "tool.id";
        /// `tool.name`
        name: text crate::semconv::TOOL_NAME;
        /// `tool.description`
        description: text crate::semconv::TOOL_DESCRIPTION;
        /// The JSON Schema of the arguments; a string counts as JSON that is written already:
        /// `tool.parameters`.
        parameters: json crate::semconv::TOOL_PARAMETERS;
        /// The whole definition, as models are given it; a string counts as JSON that is written already:
        /// `tool.json_schema`.
        json_schema: json "tool.json_schema";
    }
}
