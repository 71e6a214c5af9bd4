//! What may be recorded, and how much of it: OpenInference's trace config, known wherever a value is
//! recorded and where spans are exported.

use std::fmt;
use std::sync::Arc;

use opentelemetry::KeyValue;

use crate::masked_keys::MaskedKeys;

/// What a pipeline records. Small, since each live span has a copy.
#[derive(Debug, Clone)]
pub(crate) struct TraceConfig {
    pub(crate) masking: Masking,
    /// Bytes of a text that are kept.
    pub(crate) max_value_length: usize,
    /// Bytes of the URL of an image that is its own base64; a longer one is hidden.
    pub(crate) base64_image_max_length: usize,
    /// None where no keys are masked.
    pub(crate) masked_keys: Option<Arc<MaskedKeys>>,
}

/// Hides nothing and cuts nothing.
impl Default for TraceConfig {
    fn default() -> Self {
        Self {
            masking: Masking::default(),
            max_value_length: usize::MAX,
            base64_image_max_length: usize::MAX,
            masked_keys: None,
        }
    }
}

impl TraceConfig {
    /// `attribute` without what stands under masked keys.
    pub(crate) fn masked(&self, mut attribute: KeyValue) -> KeyValue {
        if let Some(keys) = &self.masked_keys {
            keys.mask_attribute(&mut attribute);
        }
        attribute
    }
}

/// What is hidden, named after the variables `OPENINFERENCE_HIDE_*`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Masking(u16);

/// One thing that can be hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hidden {
    /// `input.value`, input messages and images, tools, prompts and a reranker's query, and the texts of errors,
    /// which may repeat them.
    Inputs,
    /// `output.value`, output messages and images, choices and retrieved documents.
    Outputs,
    /// `llm.input_messages.*`
    InputMessages,
    /// `llm.output_messages.*`
    OutputMessages,
    /// The texts inside input messages.
    InputText,
    /// The texts inside output messages.
    OutputText,
    /// The images inside input messages, and `input.images.*`.
    InputImages,
    /// `llm.invocation_parameters`
    InvocationParameters,
    /// `llm.tools.*`
    Tools,
    /// `llm.prompts.*`
    Prompts,
    /// `llm.choices.*`
    Choices,
    /// Content and metadata of `retrieval.documents.*` and of a reranker's documents.
    RetrievalDocuments,
    /// `embedding.embeddings.*.embedding.vector`
    EmbeddingsVectors,
    /// `embedding.embeddings.*.embedding.text`
    EmbeddingsText,
}

impl Hidden {
    /// Each with the ends of its variables' names.
    pub(crate) const ALL: [(Self, &'static [&'static str]); 14] = [
        (Self::Inputs, &["INPUTS"]),
        (Self::Outputs, &["OUTPUTS"]),
        (Self::InputMessages, &["INPUT_MESSAGES"]),
        (Self::OutputMessages, &["OUTPUT_MESSAGES"]),
        (Self::InputText, &["INPUT_TEXT"]),
        (Self::OutputText, &["OUTPUT_TEXT"]),
        (Self::InputImages, &["INPUT_IMAGES"]),
        (Self::InvocationParameters, &["LLM_INVOCATION_PARAMETERS"]),
        (Self::Tools, &["LLM_TOOLS"]),
        (Self::Prompts, &["PROMPTS"]),
        (Self::Choices, &["CHOICES"]),
        (Self::RetrievalDocuments, &["RETRIEVAL_DOCUMENTS"]),
        // Both spellings are in use.
        (
            Self::EmbeddingsVectors,
            &["EMBEDDINGS_VECTORS", "EMBEDDING_VECTORS"],
        ),
        (Self::EmbeddingsText, &["EMBEDDINGS_TEXT", "EMBEDDING_TEXT"]),
    ];
}

impl Masking {
    pub(crate) fn hide(&mut self, hidden: Hidden) {
        self.0 |= 1 << hidden as u16;
    }

    #[inline]
    pub(crate) fn hides(self, hidden: Hidden) -> bool {
        self.0 & (1 << hidden as u16) != 0
    }
}

/// What a text longer than `most` bytes is cut to, between characters; it says how long it was. None for a
/// text that is short enough, or was cut to that length before.
pub(crate) fn cut(text: &str, most: usize) -> Option<String> {
    if text.len() <= most || was_cut(text, most) {
        return None;
    }
    let end = (0..=most).rev().find(|&at| text.is_char_boundary(at));
    let kept = &text[..end.unwrap_or(0)];
    Some(format!("{kept}{}", CutMark(text.len())))
}

/// Stands after what is kept of a text of so many bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CutMark(pub(crate) usize);

const BEFORE_LENGTH: &str = "… (cut; it had ";
const AFTER_LENGTH: &str = " bytes)";

impl fmt::Display for CutMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(length) = self;
        write!(f, "{BEFORE_LENGTH}{length}{AFTER_LENGTH}")
    }
}

/// Whether `text` ends in the mark of a longer one.
fn was_cut(text: &str, most: usize) -> bool {
    let Some((kept, length)) = text
        .strip_suffix(AFTER_LENGTH)
        .and_then(|text| text.rsplit_once(BEFORE_LENGTH))
    else {
        return false;
    };
    kept.len() <= most && length.parse::<usize>().is_ok_and(|length| length > most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_once() {
        let text = "ü".repeat(5);
        assert_eq!(cut(&text, 10), None);
        let short = cut(&text, 5).expect("it is longer");
        assert_eq!(short, "üü… (cut; it had 10 bytes)");
        assert_eq!(cut(&short, 5), None);
        assert_eq!(cut(&short, 4), None, "no more than four bytes are kept");
        assert_eq!(cut(&short, 3).as_deref(), Some("ü… (cut; it had 30 bytes)"));
        assert_eq!(cut(&text, 0).as_deref(), Some("… (cut; it had 10 bytes)"));
        assert!(cut("aaaaaa… (cut; it had 5 bytes)", 5).is_some());
    }
}
