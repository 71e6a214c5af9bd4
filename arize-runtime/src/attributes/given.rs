//! What a function's attribute says of its span: the expressions in `#[llm(session_id = session)]`.

use opentelemetry::KeyValue;
use serde::Serialize;

use super::IntoAttributes;
use super::list::List;
use crate::masked_keys::MaskedKeys;
use crate::{recording, semconv};

/// A value that can be an attribute: anything that is `serde::Serialize`.
#[diagnostic::on_unimplemented(
    message = "the value of type `{Self}` cannot be recorded as an attribute",
    label = "not `serde::Serialize`",
    note = "implement `serde::Serialize` for it (a type parameter: add the bound), or give what is, such as a \
            field of it or `value.to_string()`"
)]
pub trait RecordableAttribute: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> RecordableAttribute for T {}

/// Takes the values of an attribute's expressions, by reference.
#[derive(Debug, Default)]
pub struct Given(List);

impl Given {
    /// What `say` gives; a panic in it is told and costs what comes after.
    pub(crate) fn by(say: impl FnOnce(&mut Self)) -> Self {
        let mut given = Self::default();
        recording::guarded(|| say(&mut given));
        given
    }

    pub(crate) fn into_vec(self, masked_keys: Option<&MaskedKeys>) -> Vec<KeyValue> {
        let mut attributes = self.0.into_vec();
        if let Some(keys) = masked_keys {
            keys.mask_attributes(&mut attributes);
        }
        attributes
    }

    /// `session_id = ..`
    pub fn session_id<T: RecordableAttribute + ?Sized>(&mut self, id: &T) {
        self.0.id(semconv::SESSION_ID, id);
    }

    /// `user_id = ..`
    pub fn user_id<T: RecordableAttribute + ?Sized>(&mut self, id: &T) {
        self.0.id(semconv::USER_ID, id);
    }

    /// `metadata = ..`
    pub fn metadata<T: RecordableAttribute + ?Sized>(&mut self, object: &T) {
        self.0.object(semconv::METADATA, object);
    }

    /// `tags = ..`
    pub fn tags<T: RecordableAttribute + ?Sized>(&mut self, tags: &T) {
        self.0.strings(semconv::TAGS, tags);
    }

    /// `attributes("key" = ..)`
    pub fn attribute<T: RecordableAttribute + ?Sized>(&mut self, key: &'static str, value: &T) {
        self.0.any(key, value);
    }

    /// `attributes = ..`
    pub fn all(&mut self, attributes: impl IntoAttributes) {
        self.0.extend(attributes.into_attributes());
    }
}
