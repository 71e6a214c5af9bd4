//! What builders take as it comes: `Option`s, `f32`s, several builders at once.

use std::borrow::Cow;

use arize_local::AttributeValue;
use arize_runtime::attributes::{
    Attributes, Document, Embedding, IntoAttributes, Llm, Message, Retriever, ToolCall,
};
use arize_runtime::{Scope, chain, llm, record};

use crate::attributes::traced;
use crate::harness::{Pipeline, named};

struct Name(&'static str);

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.to_owned()
    }
}

fn generic(model: impl Into<String>) -> Llm {
    Llm::new().request_model(model)
}

#[llm(scope = Scope::new().session_id(session).user_id("u").user_id(None::<String>))]
fn complete(session: Option<&str>, answer: Option<String>) -> usize {
    let call = ToolCall::new("weather", "{}").id(Some("call-1"));
    let stopped: Option<&String> = None;
    record(|| {
        generic(Name("asked"))
            .model(Cow::Borrowed("gpt-5"))
            .response_model(answer.as_deref())
            .finish_reason(stopped)
            .prompt_template_version(Some('2'))
            .output_message(Message::assistant(answer).tool_call(call))
    });
    0
}

#[tokio::test]
async fn a_text_may_be_an_option_of_which_none_is_left_out() {
    let pipeline = Pipeline::start(&[]).await;
    traced(&pipeline, async { complete(None, None) }).await;
    let spans = pipeline.spans().await;
    let span = named(&spans, "complete");
    let message = "llm.output_messages.0.message";
    for (key, value) in [
        ("llm.request.model_name", Some("asked")),
        ("llm.model_name", Some("gpt-5")),
        ("llm.response.model_name", None),
        ("llm.finish_reason", None),
        ("llm.prompt_template.version", Some("2")),
        (&format!("{message}.role"), Some("assistant")),
        (&format!("{message}.content"), None),
        (
            &format!("{message}.tool_calls.0.tool_call.id"),
            Some("call-1"),
        ),
        ("session.id", None),
        ("user.id", Some("u")),
    ] {
        assert_eq!(span.attr_str(key), value, "{key}");
    }
}

#[chain]
fn embed(found: Option<f32>) -> usize {
    let vector = [0.1_f32, -0.0231, 3.0];
    record((
        Embedding::new().vector("Rome", &vector).model("small"),
        Retriever::new().document(Document::new("Rome").score(0.87_f32)),
    ));
    record(|| Some(Attributes::new().agent_name("kept")));
    record(found.map(|score| Attributes::new().attribute("found", &score)));
    let two = (Attributes::new().attribute("b", &1), None::<Llm>);
    record((Attributes::new().attribute("a", &1), || two, vec![]));
    0
}

#[tokio::test]
async fn an_f32_arrives_as_it_prints_and_builders_may_come_together_or_not_at_all() {
    let pipeline = Pipeline::start(&[]).await;
    traced(&pipeline, async { embed(None) }).await;
    let spans = pipeline.spans().await;
    let span = named(&spans, "embed");
    let numbers = [0.1, -0.0231, 3.0].map(AttributeValue::Double);
    for (key, value) in [
        (
            "embedding.embeddings.0.embedding.vector",
            AttributeValue::Array(numbers.to_vec()),
        ),
        (
            "embedding.model_name",
            AttributeValue::String("small".to_owned()),
        ),
        (
            "retrieval.documents.0.document.score",
            AttributeValue::Double(0.87),
        ),
        ("agent.name", AttributeValue::String("kept".to_owned())),
        ("a", AttributeValue::Int(1)),
        ("b", AttributeValue::Int(1)),
    ] {
        assert_eq!(span.attr(key), Some(&value), "{key}");
    }
    assert_eq!(span.attr("found"), None);
}

#[test]
fn builders_of_a_tuple_keep_their_order() {
    let one = |value: i64| Attributes::new().attribute("n", &value);
    let all = (one(1), one(2), Some(one(3))).into_attributes();
    let all: Vec<_> = all.iter().map(|kv| kv.value.to_string()).collect();
    assert_eq!(all, ["1", "2", "3"]);
}
