//! Streams, embeddings, and helpers for spans of one's own.

use arize_local::Span;
use futures_util::StreamExt as _;
use genai::otel::agent::{AgentSpan, ExecuteToolSpan};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use rig_core::providers::openai::OpenAIConfig;
use tracing::Instrument as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{
    Library, agent, assert_answered, assert_asked, assert_text, chats, genai, integer, spans, tree,
};
use crate::harness::{PARENT, SOON, any_port, named, registration};

pub(super) async fn stream(url: &str, question: &str) {
    let around = tracing::info_span!("plan", gen_ai.operation.name = "invoke_agent");
    let prompt = agent(url, true).prompt(question).max_turns(3);
    let mut stream = around.in_scope(|| prompt.stream());
    async {
        while let Some(item) = stream.next().await {
            item.unwrap();
        }
    }
    .instrument(around)
    .await;
}

pub(super) async fn embed(url: &str, text: &str) {
    let client = OpenAIConfig::new("hunter2").with_base_url(url).client();
    let model = client.embedding("text-embedding-3-small", None);
    model.embed_text(text).await.unwrap();
    let client = genai(url);
    client
        .embed("text-embedding-3-small", text, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_streaming_agent_of_rig_has_the_same_tree() {
    let spans = spans(Library::RigStreaming, |arize| arize).await;
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
    assert_asked(&spans);
    assert_answered(chats(&spans)[1]);
}

#[tokio::test]
async fn embeddings_of_both_have_their_model_and_tokens() {
    let spans = spans(Library::Embeddings, |arize| arize).await;
    let kind = |span: &&Span| span.attr_str("openinference.span.kind") == Some("EMBEDDING");
    let embeddings: Vec<_> = spans.iter().filter(kind).collect();
    assert_eq!(embeddings.len(), 2, "{spans:#?}");
    for embedding in embeddings {
        assert_text(
            embedding,
            &[("embedding.model_name", "text-embedding-3-small")],
        );
        assert!(integer(embedding, "llm.token_count.prompt") > Some(0));
    }
}

/// What goes elsewhere from a provider of the user's stays as its library made it.
#[tokio::test]
async fn only_what_goes_to_arize_is_translated() {
    let backend = arize_local::Receiver::bind(any_port()).await.unwrap();
    let ours = arize_local::Receiver::bind(any_port()).await.unwrap();
    let (processor, arize) = registration(&ours, &[]).into_processor().unwrap();
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(backend.endpoint());
    let provider = SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_batch_exporter(exporter.build().unwrap())
        .build();
    let arize = arize.with_provider(&provider);
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("library"));
    let routing = arize_runtime::Routing::new("s", "p").unwrap();
    arize_runtime::set_routing_context(routing, || {
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let agent = AgentSpan::invoke_agent().with_name("planner").internal();
            agent.start().in_scope(|| {
                let tool = ExecuteToolSpan::new("weather").with_call_id("c1");
                tool.start().in_scope(|| {});
            });
        });
    });
    let flushed = tokio::task::spawn_blocking(move || provider.force_flush());
    flushed.await.unwrap().unwrap();
    arize.force_flush(SOON).await.unwrap();
    let (ours, theirs) = (ours.spans(), backend.spans());
    let (agent, tool) = ("invoke_agent planner", "execute_tool weather");
    assert_text(
        named(&ours, agent),
        &[
            ("openinference.span.kind", "AGENT"),
            ("agent.name", "planner"),
        ],
    );
    assert_text(
        named(&ours, tool),
        &[
            ("openinference.span.kind", "TOOL"),
            ("tool.name", "weather"),
            ("tool.id", "c1"),
            ("gen_ai.tool.name", "weather"),
        ],
    );
    for name in [agent, tool] {
        let attributes = &named(&theirs, name).attributes;
        let mut keys = attributes.iter().map(|(key, _)| key);
        assert!(keys.all(|key| !key.starts_with("openinference") && !key.starts_with("tool.")));
    }
}
