//! Judgements of a span, its trace or its session.

use super::AnnotatorKind;
use super::list::{List, setters};

/// Judgements of a span, of its trace or of its session, which needs a `session.id`.
///
/// ```
/// use arize_runtime::attributes::{Annotation, AnnotatorKind, Evaluation, Feedback};
/// use arize_runtime::record;
///
/// record(|| {
///     Feedback::of_span()
///         .evaluation(Evaluation::new("relevance").score(0.9).label("relevant").by(AnnotatorKind::Llm))
///         .annotation(Annotation::new("helpful").label("yes").by(AnnotatorKind::Human))
/// });
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    list: List,
    scope: &'static str,
    annotations: usize,
    evaluations: usize,
}

into_attributes!(Feedback);

impl Feedback {
    fn of(scope: &'static str) -> Self {
        Self {
            list: List::default(),
            scope,
            annotations: 0,
            evaluations: 0,
        }
    }

    /// Of the span: `annotations`, `evaluations`.
    #[must_use]
    pub fn of_span() -> Self {
        Self::of("")
    }

    /// Of the span's trace: `trace.annotations`, `trace.evaluations`.
    #[must_use]
    pub fn of_trace() -> Self {
        Self::of("trace.")
    }

    /// Of the span's session: `session.annotations`, `session.evaluations`.
    #[must_use]
    pub fn of_session() -> Self {
        Self::of("session.")
    }

    /// Another annotation.
    #[must_use]
    pub fn annotation(mut self, annotation: Annotation) -> Self {
        let prefix = format!("{}annotations", self.scope);
        self.list
            .element(&prefix, &mut self.annotations, annotation.list);
        self
    }

    /// Another evaluation.
    #[must_use]
    pub fn evaluation(mut self, evaluation: Evaluation) -> Self {
        let prefix = format!("{}evaluations", self.scope);
        self.list
            .element(&prefix, &mut self.evaluations, evaluation.list);
        self
    }
}

/// Annotations and evaluations have the same fields under two words.
macro_rules! judgement {
    ($(#[$doc:meta])* $name:ident $word:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            list: List,
        }

        impl $name {
            #[doc = concat!("A judgement by this criterion: `", $word, ".name`.")]
            #[must_use]
            pub fn new(name: impl Into<String>) -> Self {
                let mut list = List::default();
                list.put(concat!($word, ".name"), name.into());
                Self { list }
            }

            setters! {
                #[doc = concat!("The result as a number: `", $word, ".score`.")]
                score: float concat!($word, ".score");
                #[doc = concat!("The result as a word: `", $word, ".label`.")]
                label: text concat!($word, ".label");
                #[doc = concat!("Why: `", $word, ".explanation`.")]
                explanation: text concat!($word, ".explanation");
                #[doc = concat!("One name for the same judgement, given again: `", $word, ".identifier`.")]
                identifier: text concat!($word, ".identifier");
                #[doc = concat!("Anything else, as a JSON object: `", $word, ".metadata`.")]
                metadata: object concat!($word, ".metadata");
            }

            #[doc = concat!("Who judged: `", $word, ".annotator_kind`.")]
            #[must_use]
            pub fn by(mut self, kind: impl Into<AnnotatorKind>) -> Self {
                self.list.put(concat!($word, ".annotator_kind"), kind.into());
                self
            }
        }
    };
}

judgement! {
    /// A judgement as annotations call it, for [`Feedback::annotation`].
    Annotation "annotation"
}

judgement! {
    /// A judgement as evaluations call it, for [`Feedback::evaluation`].
    Evaluation "evaluation"
}
