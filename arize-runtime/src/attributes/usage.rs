//! What a call of a model used: tokens, and what they cost.

use super::list::{List, setters};

/// A number of tokens or results: any integer, or an `Option` of one, of which `None` is left out.
pub trait Count {
    /// The value of the attribute. None for a count beyond 64 bits, which there is not.
    #[doc(hidden)]
    fn get(self) -> Option<i64>;
}

macro_rules! counts {
    ($($integer:ty),+) => {$(
        impl Count for $integer {
            fn get(self) -> Option<i64> {
                i64::try_from(self).ok()
            }
        }

        impl Count for Option<$integer> {
            fn get(self) -> Option<i64> {
                self.and_then(Count::get)
            }
        }
    )+};
}

counts!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

/// The tokens of one call, for [`Llm::token_count`](super::Llm::token_count).
///
/// The details are parts of `prompt` and `completion` and not more of them: where a provider counts cached
/// tokens apart, add them to `prompt`.
///
/// ```
/// use arize_runtime::attributes::TokenCount;
/// let cached: Option<u32> = Some(128); // as responses have it
/// let count = TokenCount::new().prompt(200).completion(31).total(231).cache_read(cached);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TokenCount {
    pub(super) list: List,
}

impl TokenCount {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// All tokens of the input: `llm.token_count.prompt`.
        prompt: count "llm.token_count.prompt";
        /// All tokens of the output: `llm.token_count.completion`.
        completion: count "llm.token_count.completion";
        /// Both: `llm.token_count.total`.
        total: count "llm.token_count.total";
        /// Of the input, those read from a cache: `llm.token_count.prompt_details.cache_read`.
        cache_read: count "llm.token_count.prompt_details.cache_read";
        /// Of the input, those written to a cache: `llm.token_count.prompt_details.cache_write`.
        cache_write: count "llm.token_count.prompt_details.cache_write";
        /// Of the input, those that were cached, where reading and writing are not told apart:
        /// `llm.token_count.prompt_details.cache_input`.
        cache_input: count "llm.token_count.prompt_details.cache_input";
        /// Of the input, those of audio: `llm.token_count.prompt_details.audio`.
        prompt_audio: count "llm.token_count.prompt_details.audio";
        /// Of the output, those of reasoning: `llm.token_count.completion_details.reasoning`.
        reasoning: count "llm.token_count.completion_details.reasoning";
        /// Of the output, those of audio: `llm.token_count.completion_details.audio`.
        completion_audio: count "llm.token_count.completion_details.audio";
    }
}

/// What one call cost, in US dollars, for [`Llm::cost`](super::Llm::cost).
///
/// ```
/// use arize_runtime::attributes::Cost;
/// let cost = Cost::new().prompt(0.0021).completion(0.0045).total(0.0066);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cost {
    pub(super) list: List,
}

impl Cost {
    /// No cost told yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// All of the input: `llm.cost.prompt`.
        prompt: float "llm.cost.prompt";
        /// All of the output: `llm.cost.completion`.
        completion: float "llm.cost.completion";
        /// Both: `llm.cost.total`.
        total: float "llm.cost.total";
        /// Of the input, its plain tokens: `llm.cost.prompt_details.input`.
        input: float "llm.cost.prompt_details.input";
        /// Of the input, what was read from a cache: `llm.cost.prompt_details.cache_read`.
        cache_read: float "llm.cost.prompt_details.cache_read";
        /// Of the input, what was written to a cache: `llm.cost.prompt_details.cache_write`.
        cache_write: float "llm.cost.prompt_details.cache_write";
        /// Of the input, what was cached, where reading and writing are not told apart:
        /// `llm.cost.prompt_details.cache_input`.
        cache_input: float "llm.cost.prompt_details.cache_input";
        /// Of the input, its audio: `llm.cost.prompt_details.audio`.
        prompt_audio: float "llm.cost.prompt_details.audio";
        /// Of the output, its plain tokens: `llm.cost.completion_details.output`.
        output: float "llm.cost.completion_details.output";
        /// Of the output, its reasoning: `llm.cost.completion_details.reasoning`.
        reasoning: float "llm.cost.completion_details.reasoning";
        /// Of the output, its audio: `llm.cost.completion_details.audio`.
        completion_audio: float "llm.cost.completion_details.audio";
    }
}
