//! What every span of a scope has in common: session, user, metadata, tags, prompt template.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use serde::Serialize;

use crate::automatic::{self, AutomaticKey};
use crate::recording::{self, Recorded, tell_not_serialized};
use crate::text::Text;

/// Whether there ever was a scope: where there was none, none is looked for.
static USED: AtomicBool = AtomicBool::new(false);

/// What every span that starts inside it carries: session, user, metadata, tags, prompt template.
///
/// It reaches each span that starts in its [`Context`], by annotation, by hand or by another library, in this
/// task and in those that the Context is carried into. An inner scope goes before an outer one, attribute by
/// attribute, and what a span sets for itself goes before both. The names are those of OpenInference:
/// `session.id`, `user.id`, `metadata`, `tag.tags`, `llm.prompt_template.*`.
///
/// ```
/// use arize_runtime::{Scope, ScopeFutureExt};
/// use serde_json::json;
///
/// # async fn answer(question: &str) {}
/// # async fn f() {
/// let scope = Scope::new()
///     .session_id("conversation-7")
///     .user_id("user-1")
///     .metadata(&json!({"tier": "gold"}))
///     .tags(["beta", "eu"]);
/// answer("where to?").with_scope(scope).await;
/// # }
/// ```
///
/// An annotated function can be in a scope of its own, with its span:
/// `#[experiment_handler(scope = Scope::new().session_id(&request.input.session))]`.
#[derive(Clone, Default)]
pub struct Scope {
    attributes: Vec<KeyValue>,
}

/// Shows names and no values, which may be personal.
impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.attributes.iter().map(|kv| kv.key.as_str()).collect();
        f.debug_tuple("Scope").field(&names).finish()
    }
}

impl Scope {
    /// A scope that says nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The conversation that the spans belong to: `session.id`. `None` says nothing of it.
    #[must_use]
    pub fn session_id<Form>(self, id: impl Text<Form>) -> Self {
        self.with_given(&automatic::SESSION_ID, id.get())
    }

    /// The user that the spans belong to: `user.id`. `None` says nothing of it.
    #[must_use]
    pub fn user_id<Form>(self, id: impl Text<Form>) -> Self {
        self.with_given(&automatic::USER_ID, id.get())
    }

    /// Anything else, as a JSON object: `metadata`. Of a handler it is merged with what the request says of its
    /// experiment, and goes before it.
    ///
    /// What is no object, or cannot be serialised, is left out and told once a minute.
    #[must_use]
    pub fn metadata(self, object: &(impl Serialize + ?Sized)) -> Self {
        self.with_object(&automatic::METADATA, "metadata", object)
    }

    /// Labels: `tag.tags`.
    #[must_use]
    pub fn tags(self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let tags = tags.into_iter().map(|tag| shared(tag.into())).collect();
        self.with(&automatic::TAGS, Value::Array(Array::String(tags)))
    }

    /// The prompt before its variables are put in: `llm.prompt_template.template`.
    #[must_use]
    pub fn prompt_template(self, template: impl Into<String>) -> Self {
        self.with_text(&automatic::PROMPT_TEMPLATE, template.into())
    }

    /// Which version of the prompt it is: `llm.prompt_template.version`.
    #[must_use]
    pub fn prompt_template_version(self, version: impl Into<String>) -> Self {
        self.with_text(&automatic::PROMPT_TEMPLATE_VERSION, version.into())
    }

    /// The prompt's variables, as a JSON object: `llm.prompt_template.variables`. What is no object is left out,
    /// as in [`metadata`](Self::metadata).
    #[must_use]
    pub fn prompt_template_variables(self, object: &(impl Serialize + ?Sized)) -> Self {
        let key = &automatic::PROMPT_TEMPLATE_VARIABLES;
        self.with_object(key, "prompt template variables", object)
    }

    /// Runs `f` inside the scope. In async code use [`with_scope`](crate::ScopeFutureExt::with_scope).
    ///
    /// ```
    /// use arize_runtime::Scope;
    /// let answer = Scope::new().user_id("user-1").run(|| "a tool's answer");
    /// assert_eq!(answer, "a tool's answer");
    /// ```
    pub fn run<T>(self, f: impl FnOnce() -> T) -> T {
        let _guard = Context::map_current(|context| self.put_into(context)).attach();
        f()
    }

    /// `context` with this scope over those that it is in.
    pub(crate) fn put_into(self, context: &Context) -> Context {
        USED.store(true, Relaxed);
        let mut attributes = self.attributes;
        for outer in attributes_of(context) {
            if attributes.iter().all(|inner| inner.key != outer.key) {
                attributes.push(outer.clone());
            }
        }
        context.with_value(InScope(attributes.into()))
    }

    fn with_given(self, key: &AutomaticKey, text: Option<String>) -> Self {
        match text {
            Some(text) => self.with_text(key, text),
            None => self,
        }
    }

    fn with_text(self, key: &AutomaticKey, text: String) -> Self {
        self.with(key, Value::String(shared(text)))
    }

    fn with_object(
        self,
        key: &AutomaticKey,
        what: &str,
        object: &(impl Serialize + ?Sized),
    ) -> Self {
        match Recorded::of(object) {
            Some(Recorded::Json(json)) if json.starts_with('{') => self.with_text(key, json),
            Some(_) => {
                tell_not_serialized(&format!("the {what} of a scope are no JSON object"));
                self
            }
            None => self,
        }
    }

    fn with(mut self, key: &AutomaticKey, value: Value) -> Self {
        self.attributes.retain(|kv| kv.key.as_str() != **key);
        self.attributes.push(KeyValue::new(**key, value));
        self
    }
}

/// Text that is cloned onto many spans.
fn shared(text: String) -> StringValue {
    Arc::<str>::from(text).into()
}

#[derive(Clone)]
struct InScope(Arc<[KeyValue]>);

/// Whether any span may carry a scope's attributes.
pub(crate) fn is_used() -> bool {
    USED.load(Relaxed)
}

/// What a span that starts in `context` is given.
#[inline]
pub(crate) fn attributes_of(context: &Context) -> &[KeyValue] {
    if is_used() { looked_up(context) } else { &[] }
}

#[cold]
fn looked_up(context: &Context) -> &[KeyValue] {
    context.get::<InScope>().map_or(&[], |scope| &scope.0)
}

/// A JSON object under the scope's metadata, whose keys win.
pub(crate) fn under_metadata(context: &Context, object: String) -> String {
    let both = metadata_of(context).and_then(|own| recording::merged(&object, own));
    both.unwrap_or(object)
}

/// The scope's metadata, a JSON object.
fn metadata_of(context: &Context) -> Option<&str> {
    let key = *automatic::METADATA;
    let found = attributes_of(context)
        .iter()
        .find(|kv| kv.key.as_str() == key)?;
    match &found.value {
        Value::String(json) => Some(json.as_str()),
        _ => None,
    }
}

/// `fresh` with the scope of `context`, if it has one.
pub(crate) fn carry(context: &Context, fresh: Context) -> Context {
    match is_used().then(|| context.get::<InScope>()).flatten() {
        Some(scope) => fresh.with_value(scope.clone()),
        None => fresh,
    }
}

/// Runs `f` without tracing: no span starts in it, annotated or not, and nothing is serialised.
///
/// In async code use [`without_tracing`](crate::ScopeFutureExt::without_tracing).
///
/// ```
/// use arize_runtime::suppress_tracing;
/// assert_eq!(suppress_tracing(|| 6 * 7), 42);
/// ```
pub fn suppress_tracing<T>(f: impl FnOnce() -> T) -> T {
    let _guard = Context::enter_telemetry_suppressed_scope();
    f()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts() -> Vec<(String, String)> {
        let texts = |context: &Context| {
            let attributes = attributes_of(context).iter();
            let texts = attributes.map(|kv| (kv.key.to_string(), kv.value.to_string()));
            texts.collect()
        };
        Context::map_current(texts)
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn the_inner_scope_goes_before_the_outer_one_attribute_by_attribute() {
        let outer = Scope::new().session_id("outer").user_id("user");
        outer.run(|| {
            Scope::new()
                .session_id("first")
                .session_id("inner")
                .run(|| {
                    assert_eq!(
                        texts(),
                        [pair("session.id", "inner"), pair("user.id", "user")]
                    );
                });
            assert_eq!(texts()[0], pair("session.id", "outer"));
        });
        assert!(texts().is_empty());
    }

    #[test]
    fn only_objects_are_metadata() {
        let scope = Scope::new()
            .metadata(&[1, 2])
            .prompt_template_variables(&"city")
            .metadata(&json!({"a": {"b": [true, null]}}));
        scope.run(|| assert_eq!(texts(), [pair("metadata", r#"{"a":{"b":[true,null]}}"#)]));
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!("{:?}", Scope::new().user_id("somebody"));
        assert!(
            shown.contains("user.id") && !shown.contains("somebody"),
            "{shown}"
        );
    }
}
