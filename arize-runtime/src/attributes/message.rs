//! Messages to and from a model.

use serde::Serialize;

use super::list::{List, setters};
use super::media::{Audio, Document};
use super::{Role, Text};

/// A message of a chat, for [`Llm::input_message`](super::Llm::input_message) and
/// [`Llm::output_message`](super::Llm::output_message).
///
/// ```
/// use arize_runtime::attributes::{Content, Message, Role, ToolCall};
/// use serde_json::json;
///
/// let question = Message::user("what is the weather in Rome?");
/// let call = Message::new(Role::Assistant)
///     .part(Content::reasoning("a lookup is needed").signature("EuYB"))
///     .tool_call(ToolCall::new("weather", &json!({"city": "Rome"})).id("call_1"));
/// let result = Message::tool("call_1", "22 degrees");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub(super) list: List,
    parts: usize,
    tool_calls: usize,
}

impl Message {
    /// A message of this role that says nothing yet: `message.role`.
    #[must_use]
    pub fn new(role: impl Into<Role>) -> Self {
        let mut list = List::default();
        list.put("message.role", role.into());
        Self {
            list,
            parts: 0,
            tool_calls: 0,
        }
    }

    /// What the application tells the model beforehand.
    #[must_use]
    pub fn system(content: impl Into<String>) -> Self {
        Self::new(Role::System).content(content)
    }

    /// What the user says.
    #[must_use]
    pub fn user(content: impl Into<String>) -> Self {
        Self::new(Role::User).content(content)
    }

    /// What the model says; `None` where it only asks for tools.
    #[must_use]
    pub fn assistant<Form>(content: impl Text<Form>) -> Self {
        Self::new(Role::Assistant).content(content)
    }

    /// What a tool returned for the call of this id.
    #[must_use]
    pub fn tool(call_id: impl Into<String>, content: impl Into<String>) -> Self {
        Self::new(Role::Tool).tool_call_id(call_id).content(content)
    }

    setters! {
        /// The text, where it is all that the message has: `message.content`.
        content: text "message.content";
        /// The tool that speaks: `message.name`.
        name: text "message.name";
        /// The call that this message answers: `message.tool_call_id`.
        tool_call_id: text "message.tool_call_id";
    }

    /// Another part of a message of several, in their order: `message.contents`.
    #[must_use]
    pub fn part(mut self, part: Content) -> Self {
        self.list
            .element("message.contents", &mut self.parts, part.list);
        self
    }

    /// Further parts, in their order.
    #[must_use]
    pub fn parts(self, parts: impl IntoIterator<Item = Content>) -> Self {
        parts.into_iter().fold(self, Self::part)
    }

    /// Another call that the model asks for: `message.tool_calls`.
    #[must_use]
    pub fn tool_call(mut self, call: ToolCall) -> Self {
        self.list
            .element("message.tool_calls", &mut self.tool_calls, call.list);
        self
    }

    /// Further calls that the model asks for.
    #[must_use]
    pub fn tool_calls(self, calls: impl IntoIterator<Item = ToolCall>) -> Self {
        calls.into_iter().fold(self, Self::tool_call)
    }
}

/// One part of a [`Message`].
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    list: List,
}

impl Content {
    fn new(kind: &'static str) -> Self {
        let mut list = List::default();
        list.put("message_content.type", kind);
        Self { list }
    }

    fn with_text(mut self, text: impl Into<String>) -> Self {
        self.list.put("message_content.text", text.into());
        self
    }

    fn nested(mut self, prefix: &str, inner: List) -> Self {
        self.list.nest(prefix, inner);
        self
    }

    /// A text: `message_content.text`.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new("text").with_text(text)
    }

    /// An image, by its URL or a data URL: `message_content.image.image.url`.
    #[must_use]
    pub fn image(url: impl Into<String>) -> Self {
        let mut image = List::default();
        image.put("image.url", url.into());
        Self::new("image").nested("message_content.image", image)
    }

    /// Something heard or said: `message_content.audio.audio.*`.
    #[must_use]
    pub fn audio(audio: Audio) -> Self {
        Self::new("audio").nested("message_content.audio", audio.list)
    }

    /// A video, by its URL or a data URL: `message_content.video.video.url`.
    #[must_use]
    pub fn video(url: impl Into<String>) -> Self {
        let mut video = List::default();
        video.put("video.url", url.into());
        Self::new("video").nested("message_content.video", video)
    }

    /// A file: `message_content.document.document.*`.
    #[must_use]
    pub fn document(document: Document) -> Self {
        Self::new("document").nested("message_content.document", document.list)
    }

    /// What a model thought, or its summary: `message_content.text`.
    #[must_use]
    pub fn reasoning(text: impl Into<String>) -> Self {
        Self::new("reasoning").with_text(text)
    }

    /// What a model thought and its vendor shows only as [`data`](Self::data) or
    /// [`encrypted_content`](Self::encrypted_content).
    #[must_use]
    pub fn hidden_reasoning() -> Self {
        Self::new("reasoning")
    }

    /// A call among other parts, where their order counts; else [`Message::tool_call`].
    #[must_use]
    pub fn tool_use(call: ToolCall) -> Self {
        let mut part = Self::new("tool_use");
        part.list.extend(call.list.into_vec());
        part
    }

    setters! {
        /// The vendor's id of this part: `message_content.id`.
        id: text "message_content.id";
        /// The vendor's signature, as it came: `message_content.signature`.
        signature: text "message_content.signature";
        /// The vendor's data of redacted reasoning, as it came: `message_content.data`.
        data: text "message_content.data";
        /// The vendor's encrypted reasoning, as it came: `message_content.encrypted_content`.
        encrypted_content: text "message_content.encrypted_content";
    }
}

/// A call of a tool that a model asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    list: List,
}

impl ToolCall {
    /// `tool_call.function.name` and `tool_call.function.arguments`. The arguments are JSON: a string is taken
    /// as the model wrote it, anything else is serialised.
    #[must_use]
    pub fn new(name: impl Into<String>, arguments: &(impl Serialize + ?Sized)) -> Self {
        let mut list = List::default();
        list.put("tool_call.function.name", name.into());
        list.json("tool_call.function.arguments", arguments);
        Self { list }
    }

    setters! {
        /// By which the result will name the call: `tool_call.id`.
        id: text "tool_call.id";
        /// The vendor's signature of the reasoning that led here: `tool_call.reasoning_signature`.
        reasoning_signature: text "tool_call.reasoning_signature";
    }
}
