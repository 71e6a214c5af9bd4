//! What turning text into vectors says of itself.

use opentelemetry::{Array, Value};

use super::Number;
use super::list::{List, setters};

/// A call that turns texts into vectors: `embedding.*`.
///
/// ```
/// use arize_runtime::attributes::Embedding;
/// use arize_runtime::record;
///
/// # let vector = vec![0.1_f32, 0.7];
/// record(|| Embedding::new().model("text-embedding-3-small").vector("to Rome", &vector));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Embedding {
    list: List,
    embeddings: usize,
}

into_attributes!(Embedding);

impl Embedding {
    /// Nothing embedded yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// `embedding.model_name`
        model: text "embedding.model_name";
        /// What the model was asked with, as JSON; a string counts as JSON that is written already:
        /// `embedding.invocation_parameters`.
        invocation_parameters: json "embedding.invocation_parameters";
    }

    /// Another text without its vector, which is long: `embedding.embeddings.*.embedding.text`.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        let mut embedding = List::default();
        embedding.put("embedding.text", text.into());
        self.add(embedding);
        self
    }

    /// Another text and its vector: `embedding.embeddings.*.embedding.vector`. The numbers of an `f32` vector
    /// arrive as they are printed.
    #[must_use]
    pub fn vector(mut self, text: impl Into<String>, vector: &[impl Copy + Number]) -> Self {
        let mut embedding = List::default();
        embedding.put("embedding.text", text.into());
        let vector = vector.iter().map(|&number| number.get()).collect();
        embedding.put("embedding.vector", Value::Array(Array::F64(vector)));
        self.add(embedding);
        self
    }

    fn add(&mut self, embedding: List) {
        let count = &mut self.embeddings;
        self.list.element("embedding.embeddings", count, embedding);
    }
}
