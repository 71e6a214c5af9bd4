//! Spans of libraries that follow OpenTelemetry's conventions for generative AI.

mod hiding;
mod operations;
mod traced_client;

use std::convert::Infallible;
use std::process::Command;

use arize_local::{AttributeValue, Span};
use arize_runtime::{AgentRequest, RegisterWithRouting, experiment_handler, tool};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::StreamExt as _;
use genai::adapter::AdapterKind;
use genai::chat::{ChatMessage, ChatRequest};
use genai::resolver::{AuthData, Endpoint, ServiceTargetResolver};
use genai::{ModelIden, ServiceTarget};
use http::HeaderMap;
use opentelemetry::trace::TracerProvider as _;
use rig_agent::prelude::{AgentBuilder, Tool};
use rig_core::providers::openai::OpenAIConfig;
use rig_core::tool::ToolContext;
use serde_json::{Value, json};
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::harness::{
    PARENT, SOON, TRACE, TRACEPARENT, any_port, named, post as ask, registration, route, serve,
};
use crate::llm_server::{ANSWER, ARGUMENTS, LlmServer};

const BODY: &str =
    r#"{"input": "weather?", "arize_metadata": {"space_id": "s", "project_name": "p"}}"#;
const SECRET: &str = "the code is 4711";

fn rig(url: &str) -> rig_core::driver::Model<rig_core::providers::openai::wire::Chat> {
    OpenAIConfig::new("hunter2")
        .with_base_url(url)
        .client()
        .chat("gpt-5")
}

/// A tool of rig that calls an annotated function.
struct Weather;

#[derive(serde::Deserialize)]
struct City {
    city: String,
}

impl Tool for Weather {
    const NAME: &'static str = "weather";
    type Args = City;
    type Output = String;
    type Error = Infallible;

    fn description(&self) -> String {
        "Tells the weather.".to_owned()
    }

    fn parameters(&self) -> Value {
        json!({"type": "object", "properties": {"city": {"type": "string"}}})
    }

    async fn call(&self, _: &mut ToolContext, args: City) -> Result<String, Infallible> {
        Ok(look_up(&args.city))
    }
}

#[tool]
fn look_up(city: &str) -> String {
    format!("22 °C in {city}")
}

async fn with_rig(url: &str, question: &str, records_content: bool) {
    let answer = agent(url, records_content).prompt(question).max_turns(3);
    // without a span around it rig begins a trace of its own
    let around = tracing::info_span!("plan", gen_ai.operation.name = "invoke_agent");
    let answer = async move { answer.await }
        .instrument(around)
        .await
        .unwrap();
    assert_eq!(answer.to_string(), ANSWER);
}

fn agent(url: &str, records_content: bool) -> rig_agent::Agent {
    AgentBuilder::new(rig(url))
        .preamble(SECRET)
        .temperature(0.5)
        .tool(Weather)
        .record_content_telemetry(records_content)
        .build()
}

fn genai(url: &str) -> genai::Client {
    let endpoint = Endpoint::from_owned(format!("{url}/"));
    let resolver = ServiceTargetResolver::from_resolver_fn(
        move |target: ServiceTarget| -> Result<ServiceTarget, genai::resolver::Error> {
            Ok(ServiceTarget {
                endpoint: endpoint.clone(),
                auth: AuthData::from_single("hunter2"),
                model: ModelIden::new(AdapterKind::OpenAI, target.model.model_name),
            })
        },
    );
    let client = genai::Client::builder().with_service_target_resolver(resolver);
    client.build().unwrap()
}

async fn with_genai(url: &str, question: &str) {
    let client = genai(url);
    let request = ChatRequest::new(vec![
        ChatMessage::system(SECRET),
        ChatMessage::user(question),
    ]);
    let answer = client
        .exec_chat("gpt-5", request.clone(), None)
        .await
        .unwrap();
    assert_eq!(answer.first_text(), Some(ANSWER));
    let weather = genai::chat::Tool::new("weather").with_schema(json!({"type": "object"}));
    let request = request.with_tools([weather]);
    let mut stream = client
        .exec_chat_stream("gpt-5", request, None)
        .await
        .unwrap()
        .stream;
    while let Some(event) = stream.next().await {
        event.unwrap();
    }
}

#[derive(Clone)]
struct World {
    llm: String,
    library: Library,
}

#[derive(Clone, Copy)]
enum Library {
    Rig,
    RigWithoutContent,
    RigStreaming,
    RigOverTracedClient,
    Genai,
    Embeddings,
}

#[tool(skip(world))]
async fn ask_model(world: &World, question: &str) {
    match world.library {
        Library::Rig => with_rig(&world.llm, question, true).await,
        Library::RigWithoutContent => with_rig(&world.llm, question, false).await,
        Library::RigOverTracedClient => traced_client::chat(&world.llm, question).await,
        Library::RigStreaming => operations::stream(&world.llm, question).await,
        Library::Genai => with_genai(&world.llm, question).await,
        Library::Embeddings => operations::embed(&world.llm, question).await,
    }
}

#[experiment_handler]
async fn run_agent(
    State(world): State<World>,
    headers: HeaderMap,
    Json(request): Json<AgentRequest<String>>,
) -> Json<usize> {
    ask_model(&world, &request.input).await;
    tracing::info_span!("not of a model", shop.items = 3).in_scope(|| {});
    Json(1)
}

/// The spans of one request, as they arrived.
async fn spans(
    library: Library,
    configured: impl FnOnce(RegisterWithRouting) -> RegisterWithRouting,
) -> Vec<Span> {
    let llm = LlmServer::start().await;
    let receiver = arize_local::Receiver::bind(any_port()).await.unwrap();
    let arize = configured(registration(&receiver, &[])).build().unwrap();
    let tracer = arize.tracer_provider().tracer("libraries");
    let subscriber =
        tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer));
    let dispatch = tracing::Dispatch::new(subscriber);
    let around = move |request: Request, next: Next| {
        let dispatch = dispatch.clone();
        async move { next.run(request).with_subscriber(dispatch).await }
    };
    let world = World {
        llm: llm.openai(),
        library,
    };
    let router = Router::new()
        .route("/invoke", post(run_agent))
        .with_state(world);
    let url = serve(router.layer(from_fn(around)), arize.context()).await;
    let (status, answer) = ask(&url, &[("traceparent", TRACEPARENT)], BODY).await;
    assert_eq!((status.as_u16(), answer.as_str()), (200, "1"));
    arize.force_flush(SOON).await.unwrap();
    receiver.spans()
}

/// `Name [KIND]` of each span, under its parent.
fn tree(spans: &[Span], parent: &str, depth: usize) -> String {
    let mut children: Vec<_> = spans
        .iter()
        .filter(|span| span.parent_span_id.as_deref() == Some(parent))
        .collect();
    children.sort_by_key(|span| span.start_unix_nano);
    let line = |span: &&Span| {
        let kind = span.attr_str("openinference.span.kind").unwrap_or("-");
        let line = format!("{}{} [{kind}]\n", "  ".repeat(depth), span.name);
        line + &tree(spans, &span.span_id, depth + 1)
    };
    children.iter().map(line).collect()
}

fn chats(spans: &[Span]) -> Vec<&Span> {
    let mut chats: Vec<_> = spans
        .iter()
        .filter(|span| span.attr_str("openinference.span.kind") == Some("LLM"))
        .collect();
    chats.sort_by_key(|span| span.start_unix_nano);
    chats
}

fn assert_text(span: &Span, wanted: &[(&str, &str)]) {
    for (key, value) in wanted {
        assert_eq!(span.attr_str(key), Some(*value), "{key} of {span:#?}");
    }
}

fn integer(span: &Span, key: &str) -> Option<i64> {
    match span.attr(key) {
        Some(AttributeValue::Int(number)) => Some(*number),
        _ => None,
    }
}

/// What both libraries say of what was asked, with content.
fn assert_asked(spans: &[Span]) {
    let chats = chats(spans);
    assert_eq!(chats.len(), 2);
    for chat in chats {
        assert_text(
            chat,
            &[
                ("llm.provider", "openai"),
                ("llm.system", "openai"),
                ("llm.request.model_name", "gpt-5"),
                ("llm.input_messages.0.message.role", "system"),
                ("llm.input_messages.0.message.content", SECRET),
                ("llm.input_messages.1.message.role", "user"),
                ("llm.input_messages.1.message.content", "weather?"),
                ("input.mime_type", "application/json"),
            ],
        );
    }
}

fn assert_answered(chat: &Span) {
    assert_text(
        chat,
        &[
            ("llm.output_messages.0.message.role", "assistant"),
            ("llm.output_messages.0.message.content", ANSWER),
            ("output.value", ANSWER),
        ],
    );
    assert!(
        integer(chat, "llm.token_count.prompt") > Some(0),
        "{chat:#?}"
    );
    assert!(
        integer(chat, "llm.token_count.total") > Some(1),
        "{chat:#?}"
    );
}

#[tokio::test]
async fn an_agent_of_rig_is_in_the_tree_with_its_chats_and_tools_and_ours_below_them() {
    let spans = spans(Library::Rig, |registration| registration).await;
    assert_eq!(
        tree(&spans, PARENT, 0),
        "\
run_agent [CHAIN]
  ask_model [TOOL]
    plan [AGENT]
      chat [LLM]
      execute_tool [TOOL]
        look_up [TOOL]
      chat [LLM]
  not of a model [-]
"
    );
    for span in &spans {
        assert_eq!(
            (span.trace_id.as_str(), route(span)),
            (TRACE, ("s", "s", "p"))
        );
    }
    assert_asked(&spans);
    let call = "llm.output_messages.0.message.tool_calls.0.tool_call.function";
    assert_text(
        chats(&spans)[0],
        &[
            (&format!("{call}.name"), "weather"),
            (&format!("{call}.arguments"), ARGUMENTS),
        ],
    );
    assert_answered(chats(&spans)[1]);
    assert_text(
        named(&spans, "execute_tool"),
        &[
            ("tool.name", "weather"),
            ("input.value", ARGUMENTS),
            ("output.value", "22 °C in Rome"),
        ],
    );
}

#[tokio::test]
async fn genai_s_chats_are_llm_spans_without_content_unless_it_is_asked_for() {
    let spans = spans(Library::Genai, |registration| registration).await;
    assert_eq!(
        tree(&spans, PARENT, 0),
        "run_agent [CHAIN]\n  ask_model [TOOL]\n    chat gpt-5 [LLM]\n    chat gpt-5 [LLM]\n  not of a model [-]\n"
    );
    for chat in chats(&spans) {
        assert_text(chat, &[("llm.provider", "openai")]);
        assert!(!format!("{chat:?}").contains(SECRET));
    }
}

/// genai reads its variable once for the process, so this test is run in one of its own.
#[tokio::test]
async fn genai_s_messages_are_read_where_it_records_them() {
    let this = std::env::current_exe().unwrap();
    let name = "gen_ai::genai_with_content";
    let run = Command::new(this)
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(genai::otel::CAPTURE_CONTENT_ENV, "true")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "run by the test above, with a variable set"]
async fn genai_with_content() {
    let spans = spans(Library::Genai, |registration| registration).await;
    assert_asked(&spans);
    assert_answered(chats(&spans)[0]);
    assert_text(chats(&spans)[0], &[("llm.finish_reason", "stop")]);
}
