//! Where a prompt comes from.

use super::list::{List, setters};

/// A prompt that is kept elsewhere: `prompt.*`. Its text and variables are [`Llm`](super::Llm)'s.
///
/// ```
/// use arize_runtime::attributes::Prompt;
/// use arize_runtime::record;
///
/// record(|| Prompt::new().vendor("arize").id("trip-planner"));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prompt {
    list: List,
}

into_attributes!(Prompt);

impl Prompt {
    /// Nothing said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Who keeps it: `prompt.vendor`.
        vendor: text "prompt.vendor";
        /// The vendor's id of it: `prompt.id`.
        id: text "prompt.id";
        /// Where it is on the web: `prompt.url`.
        url: text "prompt.url";
    }
}
