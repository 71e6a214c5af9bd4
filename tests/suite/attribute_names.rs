//! Every name that the builders give, and its type, against OpenInference's table.

use std::collections::BTreeMap;

use arize_local::AttributeValue;
use arize_runtime::attributes::{
    Annotation, AnnotatorKind, Attributes, Audio, Content, Cost, Decision, Document, Embedding,
    Evaluation, Feedback, Llm, LlmTool, Message, Prompt, Provider, Reranker, Retriever, System,
    TokenCount, Tool, ToolCall,
};
use arize_runtime::{chain, record};
use serde_json::{Value, json};

use crate::attributes::traced;
use crate::harness::{Pipeline, named};

/// Names with `*` for an index, and types.
type Names = BTreeMap<String, String>;

/// Those of the table that a builder has to give.
fn table() -> Names {
    let rows = include_str!("../fixtures/openinference.txt").lines();
    let rows = rows.filter(|row| !row.is_empty() && !row.starts_with('#'));
    let rows: Vec<Vec<&str>> = rows.map(|row| row.split_whitespace().collect()).collect();
    let mut names = Names::new();
    expand(&rows, "span", "", &mut names);
    names
}

fn expand(rows: &[Vec<&str>], owner: &str, prefix: &str, names: &mut Names) {
    for row in rows.iter().filter(|row| row[0] == owner) {
        let name = format!("{prefix}{}", row[1]);
        match row[2..] {
            ["list", inner] => expand(rows, inner, &format!("{name}.*."), names),
            ["under", inner] => expand(rows, inner, &format!("{name}."), names),
            ["with", inner] => expand(rows, inner, prefix, names),
            ["omitted", _, ..] => {}
            [kind] => assert!(names.insert(name, kind.to_owned()).is_none(), "{row:?}"),
            _ => panic!("no row of the table: {row:?}"),
        }
    }
}

fn without_indices(key: &str) -> String {
    let part = |part| match str::parse::<usize>(part) {
        Ok(_) => "*",
        Err(_) => part,
    };
    key.split('.').map(part).collect::<Vec<_>>().join(".")
}

/// The type, as the table names it; a string is JSON where JSON is wanted.
fn type_of(value: &AttributeValue, wanted: Option<&String>) -> String {
    match value {
        AttributeValue::String(text) if wanted.is_some_and(|kind| kind == "json") => {
            let json: Value = serde_json::from_str(text).unwrap_or_default();
            if json.is_object() { "json" } else { "no JSON" }.to_owned()
        }
        AttributeValue::Double(_) => "float".to_owned(),
        AttributeValue::Array(elements) => format!("{}[]", type_of(&elements[0], None)),
        other => other.type_name().to_owned(),
    }
}

fn document() -> Document {
    Document::new("Rome is the capital.")
        .id("rome-1")
        .score(0.5_f32)
        .metadata(&json!({"source": "atlas"}))
        .url("https://a.example/rome.pdf")
        .mime_type("application/pdf")
        .name("rome.pdf")
}

fn audio() -> Audio {
    Audio::new()
        .url("https://a.example/a.wav")
        .mime_type("audio/wav")
        .transcript("to Rome")
}

fn message() -> Message {
    let call = || {
        ToolCall::new("weather", &json!({"city": "Rome"}))
            .id("call_1")
            .reasoning_signature("CiQB")
    };
    let reasoning = Content::reasoning("a lookup is needed").id("rs_1");
    Message::tool("call_1", "22 degrees")
        .name("weather")
        .part(Content::text("look"))
        .part(reasoning.signature("EuYB"))
        .part(Content::hidden_reasoning().data("Emw"))
        .part(Content::hidden_reasoning().encrypted_content("gAA"))
        .parts([
            Content::image("https://a.example/a.png"),
            Content::audio(audio()),
            Content::video("https://a.example/a.mp4"),
            Content::document(document()),
            Content::tool_use(call()),
        ])
        .tool_calls([call()])
}

fn common() -> Attributes {
    Attributes::new()
        .session_id("s")
        .user_id("u")
        .metadata(&json!({"tier": "gold"}))
        .tags(["a", "b"])
        .agent_name("planner")
        .graph_node_id("n1")
        .graph_node_name("search")
        .graph_node_parent_id("n0")
        .input(&json!({"q": 1}))
        .output("done")
        .input_image("https://a.example/a.png")
        .output_image("https://a.example/b.png")
        .input_document(document())
        .output_document(document())
        .input_audio(audio())
        .output_audio(audio())
}

fn llm() -> Llm {
    let schema = json!({"type": "function"});
    Llm::new()
        .model("m")
        .request_model("m")
        .response_model("m-2")
        .provider(Provider::Azure)
        .system(System::OpenAi)
        .invocation_parameters(&json!({"temperature": 0.2}))
        .input_message(message())
        .output_message(message())
        .tool(
            LlmTool::new("weather")
                .description("Tells it.")
                .json_schema(&schema),
        )
        .tools([LlmTool::of_schema(r#"{"type":"function"}"#)])
        .prompt("once")
        .choice(" upon a time")
        .prompt_template("to {city}")
        .prompt_template_version("2")
        .prompt_template_variables(&json!({"city": "Rome"}))
        .finish_reason("stop")
        .token_count(token_count())
        .cost(cost())
}

fn token_count() -> TokenCount {
    TokenCount::new()
        .prompt(9_u64)
        .completion(8_usize)
        .total(17)
        .cache_read(Some(1_u32))
        .cache_write(2_i64)
        .cache_input(3_u8)
        .prompt_audio(4_u16)
        .reasoning(5)
        .completion_audio(6)
}

fn cost() -> Cost {
    Cost::new()
        .prompt(0.5)
        .completion(0.25)
        .total(0.75)
        .input(0.1)
        .cache_read(0.1)
        .cache_write(0.1)
        .cache_input(0.1)
        .prompt_audio(0.1)
        .output(0.1)
        .reasoning(0.1)
        .completion_audio(0.1)
}

fn feedback(feedback: Feedback) -> Feedback {
    let metadata = json!({"rubric": 2});
    let annotation = Annotation::new("helpful").score(1).label("yes");
    let evaluation = Evaluation::new("relevance").score(0.9).label("relevant");
    feedback
        .annotation(
            annotation
                .explanation("it says where")
                .by(AnnotatorKind::Human)
                .identifier("reviewer-42")
                .metadata(&metadata),
        )
        .evaluation(
            evaluation
                .explanation("it answers")
                .by("LLM")
                .identifier("judge-2")
                .metadata(&metadata),
        )
}

#[chain(skip_output)]
fn everything() {
    record(common());
    record(llm);
    record(feedback(Feedback::of_span()));
    record(feedback(Feedback::of_trace()));
    record(feedback(Feedback::of_session()));
    record(Retriever::new().documents([document()]));
    let reranker = Reranker::new().query("capital").model("r").top_k(3);
    record(
        reranker
            .input_documents([document()])
            .output_documents([document()]),
    );
    let embedding = Embedding::new()
        .model("e")
        .invocation_parameters(&json!({"d": 2}));
    record(embedding.text("a").vector("to Rome", &[0.5_f32, 1.0]));
    let decision = Decision::new()
        .model("d")
        .request_model("d")
        .response_model("d");
    let decision = decision.provider(Provider::Typesafe).system("typesafe");
    record(decision.input_tokens(1).output_tokens(2));
    record(
        Prompt::new()
            .vendor("arize")
            .id("p")
            .url("https://a.example/p"),
    );
    let tool = Tool::new()
        .id("call_1")
        .name("weather")
        .description("Tells it.");
    record(
        tool.parameters(&json!({"type": "object"}))
            .json_schema(r#"{"type":"function"}"#),
    );
}

#[tokio::test]
async fn the_builders_give_all_names_of_the_table_and_no_others_each_with_its_type() {
    let pipeline = Pipeline::start(&[]).await;
    traced(&pipeline, async { everything() }).await;
    let spans = pipeline.spans().await;
    let wanted = table();
    assert!(wanted.len() > 150, "{}", wanted.len());
    let mut given = Names::new();
    for (key, value) in &named(&spans, "everything").attributes {
        if key == "arize.space_id" || key == "arize.project.name" {
            continue;
        }
        let name = without_indices(key);
        let kind = type_of(value, wanted.get(&name));
        if let Some(other) = given.insert(name.clone(), kind.clone()) {
            assert_eq!(other, kind, "{name} has two types");
        }
    }
    let differences: Vec<_> = given
        .iter()
        .filter(|(name, kind)| wanted.get(*name) != Some(kind))
        .map(|(name, kind)| format!("given: {name} {kind}"))
        .chain(
            wanted
                .iter()
                .filter(|(name, kind)| given.get(*name) != Some(kind))
                .map(|(name, kind)| format!("wanted: {name} {kind}")),
        )
        .collect();
    assert!(differences.is_empty(), "{differences:#?}");
}
