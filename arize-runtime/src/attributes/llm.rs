//! What a call of a language model says of itself.

use serde::Serialize;

use super::list::{List, setters};
use super::message::Message;
use super::usage::{Cost, TokenCount};
use super::{Provider, System};

/// A call of a language model: `llm.*`.
///
/// Messages and tools are numbered in the order in which they are given. Give all input messages to one
/// builder, and all output messages to one: each counts from zero.
///
/// ```
/// use arize_runtime::attributes::{Llm, LlmTool, Message, Provider, TokenCount};
/// use arize_runtime::record;
/// use serde_json::json;
///
/// # let (answer, usage) = ("22 degrees", (200_u32, 31_u32));
/// record(|| {
///     Llm::new()
///         .model("gpt-5")
///         .provider(Provider::OpenAi)
///         .invocation_parameters(&json!({"temperature": 0.2}))
///         .tool(LlmTool::new("weather").description("Tells the weather."))
///         .input_message(Message::user("what is the weather in Rome?"))
///         .output_message(Message::assistant(answer))
///         .token_count(TokenCount::new().prompt(usage.0).completion(usage.1))
///         .finish_reason("stop")
/// });
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Llm {
    list: List,
    input_messages: usize,
    output_messages: usize,
    tools: usize,
    prompts: usize,
    choices: usize,
}

into_attributes!(Llm);

impl Llm {
    /// Nothing said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        /// The model: the one that answered if it is known, else the one that was asked: `llm.model_name`.
        model: text "llm.model_name";
        /// The model that was asked, where another may answer: `llm.request.model_name`.
        request_model: text "llm.request.model_name";
        /// The model that answered, where it may be another: `llm.response.model_name`.
        response_model: text "llm.response.model_name";
        /// What the model was asked with, such as its temperature, as JSON; a string counts as JSON that is
        /// written already: `llm.invocation_parameters`.
        invocation_parameters: json "llm.invocation_parameters";
        /// Why the model stopped: `llm.finish_reason`.
        finish_reason: text "llm.finish_reason";
        /// The prompt before its variables are put in: `llm.prompt_template.template`.
        prompt_template: text crate::semconv::PROMPT_TEMPLATE;
        /// `llm.prompt_template.version`
        prompt_template_version: text crate::semconv::PROMPT_TEMPLATE_VERSION;
        /// The prompt's variables, as a JSON object: `llm.prompt_template.variables`.
        prompt_template_variables: object crate::semconv::PROMPT_TEMPLATE_VARIABLES;
    }

    /// Who hosts the model, a [`Provider`] or any text: `llm.provider`.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<Provider>) -> Self {
        self.list.put("llm.provider", provider.into());
        self
    }

    /// The product that the model is, a [`System`] or any text: `llm.system`.
    #[must_use]
    pub fn system(mut self, system: impl Into<System>) -> Self {
        self.list.put("llm.system", system.into());
        self
    }

    /// Another message to the model: `llm.input_messages`.
    #[must_use]
    pub fn input_message(mut self, message: Message) -> Self {
        let count = &mut self.input_messages;
        self.list.element("llm.input_messages", count, message.list);
        self
    }

    /// Further messages to the model.
    #[must_use]
    pub fn input_messages(self, messages: impl IntoIterator<Item = Message>) -> Self {
        messages.into_iter().fold(self, Self::input_message)
    }

    /// Another message from the model: `llm.output_messages`.
    #[must_use]
    pub fn output_message(mut self, message: Message) -> Self {
        let count = &mut self.output_messages;
        self.list
            .element("llm.output_messages", count, message.list);
        self
    }

    /// Further messages from the model.
    #[must_use]
    pub fn output_messages(self, messages: impl IntoIterator<Item = Message>) -> Self {
        messages.into_iter().fold(self, Self::output_message)
    }

    /// Another tool that the model may call: `llm.tools`.
    #[must_use]
    pub fn tool(mut self, tool: LlmTool) -> Self {
        self.list.element("llm.tools", &mut self.tools, tool.list);
        self
    }

    /// Further tools that the model may call.
    #[must_use]
    pub fn tools(self, tools: impl IntoIterator<Item = LlmTool>) -> Self {
        tools.into_iter().fold(self, Self::tool)
    }

    /// Another text to complete, of a model without chat: `llm.prompts`.
    #[must_use]
    pub fn prompt(mut self, text: impl Into<String>) -> Self {
        let mut prompt = List::default();
        prompt.put("prompt.text", text.into());
        self.list.element("llm.prompts", &mut self.prompts, prompt);
        self
    }

    /// Another completion, of a model without chat: `llm.choices`.
    #[must_use]
    pub fn choice(mut self, text: impl Into<String>) -> Self {
        let mut choice = List::default();
        choice.put("completion.text", text.into());
        self.list.element("llm.choices", &mut self.choices, choice);
        self
    }

    /// The tokens that the call used: `llm.token_count.*`.
    #[must_use]
    pub fn token_count(mut self, count: TokenCount) -> Self {
        self.list.extend(count.list.into_vec());
        self
    }

    /// What the call cost: `llm.cost.*`.
    #[must_use]
    pub fn cost(mut self, cost: Cost) -> Self {
        self.list.extend(cost.list.into_vec());
        self
    }
}

/// A tool that a model may call, for [`Llm::tool`].
#[derive(Debug, Clone, PartialEq)]
pub struct LlmTool {
    list: List,
}

impl LlmTool {
    /// A tool that the model calls by this name: `tool.name`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let mut list = List::default();
        list.put(crate::semconv::TOOL_NAME, name.into());
        Self { list }
    }

    /// A tool as the request describes it, as JSON; a string counts as JSON that is written already:
    /// `tool.json_schema`.
    #[must_use]
    pub fn of_schema(json_schema: &(impl Serialize + ?Sized)) -> Self {
        let list = List::default();
        Self { list }.json_schema(json_schema)
    }

    setters! {
        /// What the model is told of the tool: `tool.description`.
        description: text crate::semconv::TOOL_DESCRIPTION;
        /// The tool as the request describes it, as JSON; a string counts as JSON that is written already:
        /// `tool.json_schema`.
        json_schema: json "tool.json_schema";
    }
}
