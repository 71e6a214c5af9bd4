//! What a function's attribute says of its span: the expressions in `#[llm(session_id = session)]`.

use opentelemetry::{Context, KeyValue};
use serde::Serialize;

use super::IntoAttributes;
use super::list::List;
use crate::masked_keys::MaskedKeys;
use crate::scope::Scope;
use crate::{recording, semconv};

/// A value that an attribute's expression gives: anything that is `serde::Serialize`.
#[diagnostic::on_unimplemented(
    message = "the value of type `{Self}` cannot be recorded",
    label = "not `serde::Serialize`",
    note = "implement `serde::Serialize` for it, or give what is, such as a field of it or `value.to_string()`"
)]
pub trait RecordableValue: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> RecordableValue for T {}

/// A value that can be the scope of a function: a [`Scope`], or an `Option` of one.
#[diagnostic::on_unimplemented(
    message = "a value of type `{Self}` is no scope",
    label = "no `arize_runtime::Scope`",
    note = "give one, such as `scope = Scope::new().session_id(id)`; `session_id = id` says it of this span alone"
)]
pub trait AsScope {
    /// None where there is none.
    fn as_scope(&self) -> Option<&Scope>;
}

#[diagnostic::do_not_recommend]
impl AsScope for Scope {
    fn as_scope(&self) -> Option<&Scope> {
        Some(self)
    }
}

#[diagnostic::do_not_recommend]
impl<S: AsScope + ?Sized> AsScope for &S {
    fn as_scope(&self) -> Option<&Scope> {
        (**self).as_scope()
    }
}

#[diagnostic::do_not_recommend]
impl<S: AsScope> AsScope for Option<S> {
    fn as_scope(&self) -> Option<&Scope> {
        self.as_ref()?.as_scope()
    }
}

/// Takes the values of an attribute's expressions, by reference.
#[derive(Debug, Default)]
pub struct Given {
    list: List,
    scope: Option<Scope>,
}

impl Given {
    /// What `say` gives; a panic in it is told and costs what comes after.
    pub(crate) fn by(say: impl FnOnce(&mut Self)) -> Self {
        let mut given = Self::default();
        recording::guarded(|| say(&mut given));
        given
    }

    pub(crate) fn into_vec(self, masked_keys: Option<&MaskedKeys>) -> Vec<KeyValue> {
        let mut attributes = self.list.into_vec();
        if let Some(keys) = masked_keys {
            keys.mask_attributes(&mut attributes);
        }
        attributes
    }

    /// `context` with the scope that was given, once; None where there is none.
    pub(crate) fn scoped(&mut self, context: &Context) -> Option<Context> {
        self.scope.take().map(|scope| scope.put_into(context))
    }

    /// `session_id = ..`
    pub fn session_id<T: RecordableValue + ?Sized>(&mut self, id: &T) {
        self.list.id(semconv::SESSION_ID, id);
    }

    /// `user_id = ..`
    pub fn user_id<T: RecordableValue + ?Sized>(&mut self, id: &T) {
        self.list.id(semconv::USER_ID, id);
    }

    /// `metadata = ..`
    pub fn metadata<T: RecordableValue + ?Sized>(&mut self, object: &T) {
        self.list.object(semconv::METADATA, object);
    }

    /// `tags = ..`
    pub fn tags<T: RecordableValue + ?Sized>(&mut self, tags: &T) {
        self.list.strings(semconv::TAGS, tags);
    }

    /// `scope = ..`
    pub fn scope<S: AsScope + ?Sized>(&mut self, scope: &S) {
        self.scope = scope.as_scope().cloned();
    }

    /// `attributes("key" = ..)`
    pub fn attribute<T: RecordableValue + ?Sized>(&mut self, key: &'static str, value: &T) {
        self.list.any(key, value);
    }

    /// `attributes = ..`
    pub fn all(&mut self, attributes: impl IntoAttributes) {
        self.list.extend(attributes.into_attributes());
    }

    /// Takes values whose type may be a type parameter's.
    pub fn generic(&mut self) -> GenericGiven<'_> {
        GenericGiven(self)
    }
}

/// A [`Given`] for values whose type may be a type parameter's: there the compiler's own advice, a bound on that
/// parameter, should be `serde::Serialize`.
#[derive(Debug)]
pub struct GenericGiven<'a>(&'a mut Given);

impl GenericGiven<'_> {
    /// `session_id = ..`
    pub fn session_id<T: Serialize + ?Sized>(&mut self, id: &T) {
        self.0.session_id(id);
    }

    /// `user_id = ..`
    pub fn user_id<T: Serialize + ?Sized>(&mut self, id: &T) {
        self.0.user_id(id);
    }

    /// `metadata = ..`
    pub fn metadata<T: Serialize + ?Sized>(&mut self, object: &T) {
        self.0.metadata(object);
    }

    /// `tags = ..`
    pub fn tags<T: Serialize + ?Sized>(&mut self, tags: &T) {
        self.0.tags(tags);
    }

    /// `attributes("key" = ..)`
    pub fn attribute<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) {
        self.0.attribute(key, value);
    }
}
