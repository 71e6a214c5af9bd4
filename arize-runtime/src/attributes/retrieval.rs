//! What finding and ordering documents says of itself.

use super::list::{List, setters};
use super::media::Document;

/// A search for documents: `retrieval.documents`, best first.
///
/// ```
/// use arize_runtime::attributes::{Document, Retriever};
/// use arize_runtime::record;
///
/// record(|| Retriever::new().documents([Document::new("Rome is the capital.").score(0.9)]));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Retriever {
    list: List,
    documents: usize,
}

into_attributes!(Retriever);

impl Retriever {
    /// Nothing found yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Another document that was found.
    #[must_use]
    pub fn document(mut self, document: Document) -> Self {
        let count = &mut self.documents;
        self.list
            .element("retrieval.documents", count, document.list);
        self
    }

    /// Further documents that were found.
    #[must_use]
    pub fn documents(self, documents: impl IntoIterator<Item = Document>) -> Self {
        documents.into_iter().fold(self, Self::document)
    }
}

/// Ordering documents anew by how well they fit: `reranker.*`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reranker {
    list: List,
    input_documents: usize,
    output_documents: usize,
}

into_attributes!(Reranker);

impl Reranker {
    /// Nothing ordered yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// What the documents should fit: `reranker.query`.
        query: text "reranker.query";
        /// `reranker.model_name`
        model: text "reranker.model_name";
        /// How many documents are wanted: `reranker.top_k`.
        top_k: count "reranker.top_k";
    }

    /// Another document as it came: `reranker.input_documents`.
    #[must_use]
    pub fn input_document(mut self, document: Document) -> Self {
        let count = &mut self.input_documents;
        self.list
            .element("reranker.input_documents", count, document.list);
        self
    }

    /// Further documents as they came.
    #[must_use]
    pub fn input_documents(self, documents: impl IntoIterator<Item = Document>) -> Self {
        documents.into_iter().fold(self, Self::input_document)
    }

    /// Another document in the new order: `reranker.output_documents`.
    #[must_use]
    pub fn output_document(mut self, document: Document) -> Self {
        let count = &mut self.output_documents;
        self.list
            .element("reranker.output_documents", count, document.list);
        self
    }

    /// Further documents in the new order.
    #[must_use]
    pub fn output_documents(self, documents: impl IntoIterator<Item = Document>) -> Self {
        documents.into_iter().fold(self, Self::output_document)
    }
}
