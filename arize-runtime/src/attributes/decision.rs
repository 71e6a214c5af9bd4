//! What a decision of a policy or model says of itself.

use super::list::{List, setters};
use super::{Provider, System};

/// A decision of a policy or model: `decision.*`.
///
/// ```
/// use arize_runtime::attributes::{Decision, Provider};
/// use arize_runtime::record;
///
/// record(|| Decision::new().model("policy-2").provider(Provider::Typesafe).input_tokens(12));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    list: List,
}

into_attributes!(Decision);

impl Decision {
    /// Nothing said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// The model: the one that answered if it is known, else the one that was asked:
        /// `decision.model_name`.
        model: text "decision.model_name";
        /// The model that was asked, where another may answer: `decision.request.model_name`.
        request_model: text "decision.request.model_name";
        /// The model that answered, where it may be another: `decision.response.model_name`.
        response_model: text "decision.response.model_name";
        /// `decision.token_count.input`
        input_tokens: count "decision.token_count.input";
        /// `decision.token_count.output`
        output_tokens: count "decision.token_count.output";
    }

    /// Who hosts the model, a [`Provider`] or any text: `decision.provider`.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<Provider>) -> Self {
        self.list.put("decision.provider", provider.into());
        self
    }

    /// The product that the model is, a [`System`] or any text: `decision.system`.
    #[must_use]
    pub fn system(mut self, system: impl Into<System>) -> Self {
        self.list.put("decision.system", system.into());
        self
    }
}
