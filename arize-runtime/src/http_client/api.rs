//! The API that a request calls, told by its path's end and the shape of its body, and by no host: there are proxies,
//! gateways and servers of one's own.

use serde_json::Value;

use crate::attributes::{Provider, System};
use crate::semconv::OpenInferenceSpanKind;

/// An API of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// `OpenAI`'s, and whoever speaks it.
    ChatCompletions,
    /// `OpenAI`'s before chat.
    Completions,
    /// `OpenAI`'s, and whoever speaks it.
    Embeddings,
    /// Anthropic's.
    Messages,
    /// `OpenAI`'s.
    Responses,
}

impl Api {
    /// The only one that a path can be the end of.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        let is = |end| path.ends_with(end);
        Some(if is("/chat/completions") {
            Self::ChatCompletions
        } else if is("/completions") {
            Self::Completions
        } else if is("/embeddings") {
            Self::Embeddings
        } else if is("/messages") {
            Self::Messages
        } else if is("/responses") {
            Self::Responses
        } else {
            return None;
        })
    }

    /// Whether a request of this body is one of this API.
    pub(super) fn takes(self, body: &Value) -> bool {
        let has_model = body["model"].is_string();
        match self {
            Self::ChatCompletions => is_chat(&body["messages"]),
            Self::Completions => !body["prompt"].is_null(),
            Self::Embeddings => body["input"].is_string() || body["input"].is_array(),
            Self::Messages => {
                is_chat(&body["messages"]) && has_model && body["max_tokens"].is_number()
            }
            Self::Responses => {
                has_model
                    && (body["input"].is_string()
                        || body["input"].is_array()
                        || body["prompt"].is_object())
            }
        }
    }

    /// As `OpenInference`'s own instrumentation calls these spans.
    pub(super) const fn span_name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "ChatCompletion",
            Self::Completions => "Completion",
            Self::Embeddings => "CreateEmbeddings",
            Self::Messages => "Messages",
            Self::Responses => "Response",
        }
    }

    pub(super) const fn span_kind(self) -> OpenInferenceSpanKind {
        match self {
            Self::Embeddings => OpenInferenceSpanKind::Embedding,
            _ => OpenInferenceSpanKind::Llm,
        }
    }

    /// The vendor whose API it is.
    pub(super) const fn system(self) -> System {
        match self {
            Self::Messages => System::Anthropic,
            _ => System::OpenAi,
        }
    }
}

fn is_chat(messages: &Value) -> bool {
    let messages = messages.as_array().map_or(&[][..], Vec::as_slice);
    !messages.is_empty() && messages.iter().all(|message| message["role"].is_string())
}

/// Hosts whose provider is known, by their ends.
const PROVIDERS: [(&str, Provider); 17] = [
    ("openai.com", Provider::OpenAi),
    ("anthropic.com", Provider::Anthropic),
    ("azure.com", Provider::Azure),
    ("amazonaws.com", Provider::Aws),
    ("googleapis.com", Provider::Google),
    ("groq.com", Provider::Groq),
    ("mistral.ai", Provider::MistralAi),
    ("deepseek.com", Provider::DeepSeek),
    ("together.xyz", Provider::Together),
    ("fireworks.ai", Provider::Fireworks),
    ("perplexity.ai", Provider::Perplexity),
    ("cerebras.ai", Provider::Cerebras),
    ("cohere.com", Provider::Cohere),
    ("cohere.ai", Provider::Cohere),
    ("moonshot.ai", Provider::Moonshot),
    ("x.ai", Provider::XAi),
    ("z.ai", Provider::Zai),
];

/// Who hosts the model; none for a host that could be anybody's.
pub(super) fn provider(host: &str) -> Option<Provider> {
    let is_of = |domain: &str| {
        let before = host.strip_suffix(domain);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    let known = PROVIDERS.into_iter().find(|(domain, _)| is_of(domain));
    known.map(|(_, provider)| provider)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn recognised(path: &str, body: &Value) -> Option<Api> {
        Api::of_path(path).filter(|api| api.takes(body))
    }

    #[test]
    fn a_request_is_recognised_by_path_and_shape() {
        let chat = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
        let anthropic =
            json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]});
        let input = json!({"model": "m", "input": "x"});
        for (path, body, api) in [
            ("/v1/chat/completions", &chat, Some(Api::ChatCompletions)),
            (
                "/openai/deployments/d/chat/completions",
                &chat,
                Some(Api::ChatCompletions),
            ),
            ("/chat/completions/", &chat, Some(Api::ChatCompletions)),
            ("/v1/messages", &anthropic, Some(Api::Messages)),
            ("/v1/embeddings", &input, Some(Api::Embeddings)),
            ("/v1/responses", &input, Some(Api::Responses)),
            (
                "/v1/completions",
                &json!({"model": "m", "prompt": "x"}),
                Some(Api::Completions),
            ),
            // a chat of people, a survey, a path that only looks like one
            ("/rooms/3/messages", &chat, None),
            ("/rooms/3/messages", &json!({"text": "x"}), None),
            ("/surveys/1/responses", &json!({"input": "x"}), None),
            ("/v1/chat/completions", &json!({"messages": []}), None),
            ("/v1/chat/completions", &json!({"messages": "x"}), None),
            ("/v1/chat/completions", &json!([1]), None),
            ("/v1/chat/completions/7", &chat, None),
            ("/v1/models", &chat, None),
        ] {
            assert_eq!(recognised(path, body), api, "{path} {body}");
        }
    }

    #[test]
    fn a_provider_is_told_by_its_own_domain() {
        assert_eq!(provider("api.openai.com"), Some(Provider::OpenAi));
        assert_eq!(provider("own.openai.azure.com"), Some(Provider::Azure));
        assert_eq!(provider("api.x.ai"), Some(Provider::XAi));
        for other in ["evil-openai.com", "localhost", "openai.com.example.org", ""] {
            assert_eq!(provider(other), None, "{other}");
        }
    }
}
