//! Documents and sounds, which several kinds of span have.

use super::list::{List, setters};

/// A document that was found, ordered or handed over.
///
/// ```
/// use arize_runtime::attributes::Document;
/// use serde_json::json;
///
/// let page = Document::new("Rome is the capital of Italy.")
///     .id("rome-1")
///     .score(0.87)
///     .metadata(&json!({"source": "atlas"}));
/// let scan = Document::default().url("https://example.com/ticket.pdf").mime_type("application/pdf");
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    pub(super) list: List,
}

impl Document {
    /// A document of this text: `document.content`.
    #[must_use]
    pub fn new(content: impl Into<String>) -> Self {
        let mut list = List::default();
        list.put("document.content", content.into());
        Self { list }
    }

    setters! {
        /// `document.id`
        id: text "document.id";
        /// How well it fits, the higher the better: `document.score`.
        score: float "document.score";
        /// Anything else, as a JSON object: `document.metadata`.
        metadata: object "document.metadata";
        /// Where it is, or a data URL: `document.url`.
        url: text "document.url";
        /// `document.mime_type`
        mime_type: text "document.mime_type";
        /// The name of the file: `document.name`.
        name: text "document.name";
    }
}

/// Something heard or said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Audio {
    pub(super) list: List,
}

impl Audio {
    /// Audio of which nothing is known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// Where it is, or a data URL: `audio.url`.
        url: text "audio.url";
        /// `audio.mime_type`
        mime_type: text "audio.mime_type";
        /// Its words: `audio.transcript`.
        transcript: text "audio.transcript";
    }
}
