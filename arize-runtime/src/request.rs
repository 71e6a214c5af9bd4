//! Where a handler's arguments have the request's headers and body.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::agent_request::{Body, Metadata};
use crate::recording;

/// A type that carries HTTP request headers.
///
/// Implemented for the types of the `http` crate, for references to them, and for lists of pairs, so that headers of
/// any framework can be given: `headers = ..` in the attribute takes an expression over the function's own arguments.
/// The features `actix-web`, `poem` and `tonic` add the requests of these frameworks, and tonic's metadata.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not carry HTTP request headers",
    label = "expected `http::HeaderMap`, `http::Request<_>` or `http::request::Parts`",
    note = "write `headers = <expression>` in the attribute, over this function's arguments",
    note = "requests of actix-web, poem and tonic carry them with the feature `actix-web`, `poem` or `tonic` of \
            `arize-runtime`"
)]
pub trait HeaderSource {
    /// Calls `line` with each value of the header `name`, in order.
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8]));
}

#[diagnostic::do_not_recommend]
impl<H: HeaderSource + ?Sized> HeaderSource for &H {
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8])) {
        (**self).each_line(name, line);
    }
}

#[diagnostic::do_not_recommend]
impl<H: HeaderSource + ?Sized> HeaderSource for &mut H {
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8])) {
        (**self).each_line(name, line);
    }
}

#[diagnostic::do_not_recommend]
impl HeaderSource for HeaderMap {
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8])) {
        for value in self.get_all(name) {
            line(value.as_bytes());
        }
    }
}

#[diagnostic::do_not_recommend]
impl HeaderSource for http::request::Parts {
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8])) {
        self.headers.each_line(name, line);
    }
}

#[diagnostic::do_not_recommend]
impl<B> HeaderSource for http::Request<B> {
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8])) {
        self.headers().each_line(name, line);
    }
}

#[diagnostic::do_not_recommend]
#[cfg(feature = "tonic")]
impl HeaderSource for tonic::metadata::MetadataMap {
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8])) {
        let headers: &HeaderMap = self.as_ref();
        headers.each_line(name, line);
    }
}

#[diagnostic::do_not_recommend]
#[cfg(feature = "tonic")]
impl<M> HeaderSource for tonic::Request<M> {
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8])) {
        self.metadata().each_line(name, line);
    }
}

#[cfg(feature = "actix-web")]
#[cfg_attr(docsrs, doc(cfg(feature = "actix-web")))]
#[diagnostic::do_not_recommend]
impl HeaderSource for actix_web::http::header::HeaderMap {
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8])) {
        for value in self.get_all(name.as_str()) {
            line(value.as_bytes());
        }
    }
}

#[cfg(feature = "actix-web")]
#[cfg_attr(docsrs, doc(cfg(feature = "actix-web")))]
#[diagnostic::do_not_recommend]
impl HeaderSource for actix_web::HttpRequest {
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8])) {
        self.headers().each_line(name, line);
    }
}

#[cfg(feature = "poem")]
#[cfg_attr(docsrs, doc(cfg(feature = "poem")))]
#[diagnostic::do_not_recommend]
impl HeaderSource for poem::Request {
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8])) {
        self.headers().each_line(name, line);
    }
}

#[diagnostic::do_not_recommend]
impl<K: AsRef<str>, V: AsRef<[u8]>> HeaderSource for [(K, V)] {
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8])) {
        for (_, value) in self
            .iter()
            .filter(|(key, _)| key.as_ref().eq_ignore_ascii_case(name.as_str()))
        {
            line(value.as_ref());
        }
    }
}

#[diagnostic::do_not_recommend]
impl<K: AsRef<str>, V: AsRef<[u8]>> HeaderSource for Vec<(K, V)> {
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8])) {
        self.as_slice().each_line(name, line);
    }
}

#[diagnostic::do_not_recommend]
impl<K: AsRef<str>, V: AsRef<[u8]>, S> HeaderSource for HashMap<K, V, S> {
    fn each_line(&self, name: &HeaderName, line: &mut dyn FnMut(&[u8])) {
        for (_, value) in self
            .iter()
            .filter(|(key, _)| key.as_ref().eq_ignore_ascii_case(name.as_str()))
        {
            line(value.as_ref());
        }
    }
}

/// A body in one of the forms that handlers take it in.
#[derive(Clone, Copy)]
pub(crate) enum RequestBody<'a> {
    Absent,
    Value(&'a Value),
    Text(&'a [u8]),
    Typed(&'a dyn ToJson),
}

pub(crate) trait ToJson {
    fn to_json(&self) -> Option<String>;
}

impl<T: Serialize> ToJson for T {
    fn to_json(&self) -> Option<String> {
        let mut json = String::new();
        recording::write(&mut json, self).then_some(json)
    }
}

/// The input of a body, as it is to be recorded.
pub(crate) enum RequestInput<'a> {
    Value(&'a Value),
    Fields(Row<'a>),
    Json(&'a str),
    Text(&'a str),
}

/// The fields beside `arize_metadata`.
pub(crate) struct Row<'a>(&'a Map<String, Value>);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|(key, _)| *key != "arize_metadata"))
    }
}

impl RequestBody<'_> {
    /// Calls `f` with the metadata and the input; without an input where there is no body.
    pub(crate) fn read<R>(
        &self,
        f: impl FnOnce(&Metadata<'_>, Option<RequestInput<'_>>) -> R,
    ) -> R {
        match self {
            Self::Absent => f(&Metadata::default(), None),
            Self::Text(text) => read_text(text, f),
            Self::Typed(body) => read_typed(*body, f),
            // the body of an event, which holds it as text
            Self::Value(Value::String(text)) => read_text(text.as_bytes(), f),
            Self::Value(value) => {
                let metadata = Metadata::of(value.get("arize_metadata"));
                match (value.get("input"), value) {
                    (Some(input), _) => f(&metadata, Some(RequestInput::Value(input))),
                    (None, Value::Object(fields)) if fields.contains_key("arize_metadata") => {
                        f(&metadata, Some(RequestInput::Fields(Row(fields))))
                    }
                    (None, whole) => f(&metadata, Some(RequestInput::Value(whole))),
                }
            }
        }
    }
}

fn read_text<R>(text: &[u8], f: impl FnOnce(&Metadata<'_>, Option<RequestInput<'_>>) -> R) -> R {
    let Ok(text) = std::str::from_utf8(text) else {
        return f(&Metadata::default(), None);
    };
    let body = Body::parse(text);
    let metadata = body.metadata();
    read_body(&body, &Metadata::of(metadata.as_ref()), f)
}

/// A body that was serialised here: a null is what its type has for absent, and a string holds the body as text.
fn read_typed<R>(
    body: &dyn ToJson,
    f: impl FnOnce(&Metadata<'_>, Option<RequestInput<'_>>) -> R,
) -> R {
    let json = body.to_json().unwrap_or_default();
    match json.as_bytes().first() {
        None | Some(b'n') => f(&Metadata::default(), None),
        Some(b'"') => {
            let text: String = serde_json::from_str(&json).unwrap_or_default();
            read_text(text.as_bytes(), f)
        }
        Some(_) => {
            let body = Body::parse(&json);
            let named = body.metadata().map(without_nulls);
            let mut metadata = Metadata::of(named.as_ref().filter(|named| !named.is_null()));
            metadata.no_field = named.is_none();
            read_body(&body, &metadata, f)
        }
    }
}

fn without_nulls(mut metadata: Value) -> Value {
    if let Some(fields) = metadata.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    metadata
}

fn read_body<R>(
    body: &Body<'_>,
    metadata: &Metadata<'_>,
    f: impl FnOnce(&Metadata<'_>, Option<RequestInput<'_>>) -> R,
) -> R {
    match body.input() {
        Ok(json) => f(metadata, Some(RequestInput::Json(&json))),
        Err("") => f(metadata, None),
        Err(text) => f(metadata, Some(RequestInput::Text(text))),
    }
}
