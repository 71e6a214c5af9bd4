//! Each `OPENINFERENCE_HIDE_*` variable, on a span that has one attribute of every sort.

use std::collections::BTreeMap;

use arize_local::AttributeValue;
use arize_runtime::{Routing, set_routing_context};
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Array, KeyValue, Value};

use crate::harness::Pipeline;

const MESSAGE: &str = "llm.input_messages.0.message.content";
const PART: &str = "llm.input_messages.1.message.contents.0.message_content.text";
const IMAGE: &str = "llm.input_messages.1.message.contents.1.message_content.image.image.url";
const ANSWER: &str = "llm.output_messages.0.message.content";
const PARAMETERS: &str = "llm.invocation_parameters";
const TOOL: &str = "llm.tools.0.tool.json_schema";
const PROMPT: &str = "llm.prompts.0.prompt.text";
const CHOICE: &str = "llm.choices.0.completion.text";
const VECTOR: &str = "embedding.embeddings.0.embedding.vector";
const EMBEDDED: &str = "embedding.embeddings.0.embedding.text";
const CONTENT: &str = "retrieval.documents.0.document.content";
const ABOUT: &str = "retrieval.documents.0.document.metadata";
const INPUT: [&str; 2] = ["input.value", "input.mime_type"];
const OUTPUT: [&str; 2] = ["output.value", "output.mime_type"];
const KEYS: [&str; 15] = [
    MESSAGE, PART, IMAGE, ANSWER, PARAMETERS, TOOL, PROMPT, CHOICE, EMBEDDED, CONTENT, ABOUT,
    INPUT[0], INPUT[1], OUTPUT[0], OUTPUT[1],
];

/// What arrives of the span under these variables.
async fn arrived(variables: &[(&str, &str)]) -> BTreeMap<String, AttributeValue> {
    let pipeline = Pipeline::start(variables).await;
    let tracer = pipeline.arize.tracer_provider().tracer("a library");
    set_routing_context(Routing::new("s", "p").unwrap(), || {
        let mut span = tracer.start("llm");
        for key in KEYS {
            span.set_attribute(KeyValue::new(key, "as it was"));
        }
        let vector = Value::Array(Array::F64(vec![0.1, 0.2]));
        span.set_attribute(KeyValue::new(VECTOR, vector));
        span.end();
    });
    let spans = pipeline.spans().await;
    spans[0].attributes.iter().cloned().collect()
}

#[tokio::test]
async fn each_variable_hides_what_it_names_and_nothing_else() {
    let cases: [(&[&str], &[&str], &[&str]); 15] = [
        (&[], &[], &[]),
        (
            &["INPUTS"],
            &[MESSAGE, PART, IMAGE, TOOL, INPUT[1]],
            &[PROMPT, INPUT[0]],
        ),
        (
            &["OUTPUTS"],
            &[ANSWER, OUTPUT[1]],
            &[CHOICE, CONTENT, ABOUT, OUTPUT[0]],
        ),
        (
            &["INPUTS", "OUTPUTS"],
            &[MESSAGE, PART, IMAGE, TOOL, INPUT[1], ANSWER, OUTPUT[1]],
            &[PROMPT, INPUT[0], CHOICE, CONTENT, ABOUT, OUTPUT[0]],
        ),
        (&["INPUT_MESSAGES"], &[MESSAGE, PART, IMAGE], &[]),
        (&["OUTPUT_MESSAGES"], &[ANSWER], &[]),
        (&["INPUT_IMAGES"], &[IMAGE], &[]),
        (&["INPUT_TEXT"], &[], &[MESSAGE, PART]),
        (&["OUTPUT_TEXT"], &[], &[ANSWER]),
        (&["EMBEDDING_VECTORS"], &[], &[VECTOR]),
        (&["EMBEDDINGS_TEXT"], &[], &[EMBEDDED]),
        (&["LLM_INVOCATION_PARAMETERS"], &[PARAMETERS], &[]),
        (&["LLM_TOOLS"], &[TOOL], &[]),
        (&["PROMPTS", "CHOICES"], &[], &[PROMPT, CHOICE]),
        (&["RETRIEVAL_DOCUMENTS"], &[], &[CONTENT, ABOUT]),
    ];
    let all = arrived(&[]).await;
    assert_eq!(all.len(), KEYS.len() + 3, "{all:?}");
    for (variables, removed, redacted) in cases {
        let names: Vec<_> = variables
            .iter()
            .map(|name| format!("OPENINFERENCE_HIDE_{name}"))
            .collect();
        let environment: Vec<_> = names.iter().map(|name| (name.as_str(), "true")).collect();
        let mut expected = all.clone();
        expected.retain(|key, _| !removed.contains(&key.as_str()));
        for key in redacted {
            let hidden = AttributeValue::String("__REDACTED__".to_owned());
            expected.insert((*key).to_owned(), hidden);
        }
        assert_eq!(arrived(&environment).await, expected, "{variables:?}");
    }
}

#[tokio::test]
async fn a_variable_that_cannot_be_read_hides() {
    for (value, hides) in [
        ("TRUE", true),
        ("1", true),
        ("", true),
        (" true", true),
        ("false", false),
    ] {
        let attributes = arrived(&[("OPENINFERENCE_HIDE_INPUTS", value)]).await;
        let input = attributes["input.value"].as_str();
        assert_eq!(input == Some("__REDACTED__"), hides, "{value:?}");
    }
}
