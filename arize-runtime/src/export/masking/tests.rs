use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{Event, SpanContext, SpanId, SpanKind};
use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};

use super::*;

/// The keys that each setting removes and redacts, of all that it may concern.
#[test]
fn each_setting_has_its_effects() {
    const KEYS: [&str; 22] = [
        "input.value",
        "input.mime_type",
        "output.value",
        "output.mime_type",
        "llm.input_messages.0.message.role",
        "llm.input_messages.0.message.content",
        "llm.input_messages.1.message.contents.0.message_content.text",
        "llm.input_messages.1.message.contents.1.message_content.image.image.url",
        "llm.output_messages.0.message.content",
        "llm.invocation_parameters",
        "llm.tools.0.tool.json_schema",
        "llm.prompts.0.prompt.text",
        "llm.choices.0.completion.text",
        "retrieval.documents.0.document.id",
        "retrieval.documents.0.document.content",
        "retrieval.documents.0.document.metadata",
        "embedding.embeddings.0.embedding.vector",
        "embedding.embeddings.0.embedding.text",
        "llm.model_name",
        "reranker.query",
        "input.images.0.image.url",
        "output.images.0.image.url",
    ];
    let messages = &KEYS[4..8];
    let documents = &KEYS[14..16];
    let cases: [(Hidden, &[&str], &[&str]); 14] = [
        (
            Hidden::Inputs,
            &[&KEYS[1..2], messages, &KEYS[10..11], &KEYS[20..21]].concat(),
            &[KEYS[0], KEYS[11], KEYS[19]],
        ),
        (
            Hidden::Outputs,
            &[KEYS[3], KEYS[8], KEYS[21]],
            &[&[KEYS[2], KEYS[12]], documents].concat(),
        ),
        (Hidden::InputMessages, messages, &[]),
        (Hidden::OutputMessages, &KEYS[8..9], &[]),
        (Hidden::InputText, &[], &KEYS[5..7]),
        (Hidden::OutputText, &[], &KEYS[8..9]),
        (Hidden::InputImages, &[KEYS[7], KEYS[20]], &[]),
        (Hidden::InvocationParameters, &KEYS[9..10], &[]),
        (Hidden::Tools, &KEYS[10..11], &[]),
        (Hidden::Prompts, &[], &KEYS[11..12]),
        (Hidden::Choices, &[], &KEYS[12..13]),
        (Hidden::RetrievalDocuments, &[], documents),
        (Hidden::EmbeddingsVectors, &[], &KEYS[16..17]),
        (Hidden::EmbeddingsText, &[], &KEYS[17..18]),
    ];
    for (hidden, removed, redacted) in cases {
        let mut masking = Masking::default();
        masking.hide(hidden);
        for key in KEYS {
            let fate = match key {
                key if removed.contains(&key) => Fate::Removed,
                key if redacted.contains(&key) => Fate::Redacted,
                _ => Fate::Kept,
            };
            assert_eq!(masking.fate(key), fate, "{hidden:?} {key}");
        }
    }
}

fn span(attributes: Vec<KeyValue>, events: Vec<Event>) -> SpanData {
    let mut all = SpanEvents::default();
    all.events = events;
    SpanData {
        span_context: SpanContext::NONE,
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "chat".into(),
        start_time: SystemTime::UNIX_EPOCH,
        end_time: SystemTime::UNIX_EPOCH,
        attributes,
        dropped_attributes_count: 0,
        events: all,
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

fn event(name: &'static str, attributes: Vec<KeyValue>) -> Event {
    Event::new(name, SystemTime::UNIX_EPOCH, attributes, 0)
}

fn hiding(hidden: Hidden) -> TraceConfig {
    let mut config = TraceConfig::default();
    config.masking.hide(hidden);
    config
}

/// Every way by which libraries say what was asked and answered.
fn of_library() -> SpanData {
    let said = r#"[{"role":"user","parts":[{"type":"text","content":"4711"}]}]"#;
    let keys = [
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.system_instructions",
        "gen_ai.prompt",
        "gen_ai.prompt.0.content",
        "gen_ai.completion",
        "gen_ai.completion.0.content",
    ];
    let mut attributes: Vec<_> = keys.map(|key| KeyValue::new(key, said)).into();
    attributes.push(KeyValue::new("gen_ai.request.model", "gpt-5"));
    gen_ai::translate(&mut attributes);
    let content = || vec![KeyValue::new("content", "4711")];
    let details = vec![KeyValue::new("gen_ai.input.messages", said)];
    span(
        attributes,
        vec![
            event("gen_ai.user.message", content()),
            event("request: 4711", content()),
            event("details", details),
            event(EXCEPTION, vec![KeyValue::new("exception.type", "E")]),
        ],
    )
}

#[test]
fn what_is_hidden_of_messages_is_in_no_other_words() {
    let sides = [
        [Hidden::Inputs, Hidden::Outputs],
        [Hidden::InputMessages, Hidden::OutputMessages],
        [Hidden::InputText, Hidden::OutputText],
    ];
    for both in sides {
        let mut span = of_library();
        assert!(format!("{span:?}").contains("4711"));
        let mut config = hiding(both[0]);
        config.masking.hide(both[1]);
        apply(&config, &mut span);
        assert!(!format!("{span:?}").contains("4711"), "{both:?}: {span:#?}");
        let names: Vec<_> = span.events.iter().map(|event| &*event.name).collect();
        let hidden = [REDACTED, REDACTED, EXCEPTION];
        assert_eq!(names, [&["gen_ai.user.message"], &hidden[..]].concat());
        assert_eq!(span.events[3].attributes.len(), 1);
        let model = |kv: &KeyValue| kv.key.as_str() == "gen_ai.request.model";
        assert!(span.attributes.iter().any(model));
    }
}

#[test]
fn one_side_that_is_hidden_leaves_the_other() {
    let value = |span: &SpanData, key: &str| {
        let mut all = span.attributes.iter();
        all.find(|kv| kv.key.as_str() == key)
            .unwrap()
            .value
            .to_string()
    };
    let mut span = of_library();
    apply(&hiding(Hidden::InputText), &mut span);
    assert_eq!(value(&span, INPUT_VALUE), REDACTED);
    assert_eq!(value(&span, OUTPUT_VALUE), "4711");
    assert!(value(&span, "gen_ai.output.messages").contains("4711"));
}

#[test]
fn events_of_other_spans_stay_but_for_attributes_of_the_conventions() {
    let said = vec![
        KeyValue::new("gen_ai.input.messages", "4711"),
        KeyValue::new("n", 1),
    ];
    let mut span = span(
        vec![KeyValue::new("shop.items", 3)],
        vec![event("sold", said)],
    );
    apply(&hiding(Hidden::InputMessages), &mut span);
    assert_eq!(span.events[0].name, "sold");
    assert_eq!(span.events[0].attributes, [KeyValue::new("n", 1)]);
}

#[test]
fn masked_keys_and_the_limit_of_values_are_for_events_too() {
    let keys = MaskedKeys::new(&["card".to_owned()]).unwrap();
    let config = TraceConfig {
        masked_keys: Some(Arc::new(keys)),
        max_value_length: 80,
        ..TraceConfig::default()
    };
    let attributes = vec![KeyValue::new("body", r#"{"card": 4711}"#)];
    let log = event(r#"request: {"card": 4711}"#, attributes);
    let mut span = span(
        Vec::new(),
        vec![log, event("request: no JSON {", Vec::new())],
    );
    span.events.events[1].name = format!("request: {}", "x".repeat(100)).into();
    apply(&config, &mut span);
    assert!(!format!("{span:?}").contains("4711"), "{span:#?}");
    assert!(span.events[0].name.starts_with(r#"request: {"card": ""#));
    assert!(
        span.events[1].name.contains("cut"),
        "{}",
        span.events[1].name
    );
}
