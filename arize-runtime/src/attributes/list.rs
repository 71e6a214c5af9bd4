//! Names and values on their way to a span, and how a value becomes an attribute's.

use std::fmt;

use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use serde::Serialize;

use crate::recording::{Recorded, json_of, tell_not_serialized};

/// Attributes in the order in which they were given.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct List(Vec<KeyValue>);

/// Shows names and no values, which may be personal.
impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|kv| kv.key.as_str()))
            .finish()
    }
}

impl List {
    pub(crate) fn put(&mut self, key: impl Into<Key>, value: impl Into<Value>) {
        self.0.push(KeyValue::new(key, value));
    }

    /// As JSON; a string counts as JSON that is written already, and null is left out.
    pub(crate) fn json(&mut self, key: &'static str, value: &(impl Serialize + ?Sized)) {
        match Recorded::of(value) {
            Some(Recorded::Scalar(null)) if null == "null" => {}
            Some(recorded) => self.put(key, recorded.into_parts().0),
            None => {}
        }
    }

    /// As a JSON object. Null is left out, anything else told too.
    pub(crate) fn object(&mut self, key: &'static str, value: &(impl Serialize + ?Sized)) {
        match Recorded::of(value) {
            Some(Recorded::Json(json)) if json.starts_with('{') => self.put(key, json),
            Some(Recorded::Scalar(null)) if null == "null" => {}
            Some(_) => tell_not_serialized(&format!("`{key}` is no JSON object")),
            None => {}
        }
    }

    /// As the text of an id: a string, or an integer in digits. Null is left out, anything else told too.
    pub(crate) fn id(&mut self, key: &'static str, value: &(impl Serialize + ?Sized)) {
        match json_of(value).and_then(value_of) {
            Some(Value::String(text)) => self.put(key, text),
            Some(Value::I64(number)) => self.put(key, number.to_string()),
            Some(_) => tell_not_serialized(&format!("`{key}` is neither a string nor an integer")),
            None => {}
        }
    }

    /// As a list of strings, of which one may stand alone. Anything else is left out and told.
    pub(crate) fn strings(&mut self, key: &'static str, value: &(impl Serialize + ?Sized)) {
        match json_of(value).and_then(value_of) {
            Some(Value::String(one)) => self.put(key, Value::Array(Array::String(vec![one]))),
            Some(list @ Value::Array(Array::String(_))) => self.put(key, list),
            Some(_) => tell_not_serialized(&format!("`{key}` is no list of strings")),
            None => {}
        }
    }

    /// As the kind of attribute that fits the value's own type.
    pub(crate) fn any(&mut self, key: impl Into<Key>, value: &(impl Serialize + ?Sized)) {
        if let Some(value) = json_of(value).and_then(value_of) {
            self.put(key, value);
        }
    }

    /// What `inner` has, under `prefix`.
    pub(crate) fn nest(&mut self, prefix: &str, inner: Self) {
        for KeyValue { key, value, .. } in inner.0 {
            self.put(format!("{prefix}.{key}"), value);
        }
    }

    /// What `inner` has, as the element `index` of the list `prefix`.
    pub(crate) fn element(&mut self, prefix: &str, index: &mut usize, inner: Self) {
        self.nest(&format!("{prefix}.{index}"), inner);
        *index += 1;
    }

    pub(crate) fn extend(&mut self, others: Vec<KeyValue>) {
        self.0.extend(others);
    }

    pub(crate) fn into_vec(self) -> Vec<KeyValue> {
        self.0
    }
}

/// A string, boolean or number is one, a list of one of these is a list, null is nothing; what OpenTelemetry
/// has no kind of attribute for stays JSON.
fn value_of(json: String) -> Option<Value> {
    match json.as_bytes().first()? {
        b'n' => None,
        b'"' => serde_json::from_str::<String>(&json).ok().map(Value::from),
        b't' | b'f' => Some(Value::Bool(json == "true")),
        b'[' => Some(list_of(&json).map_or_else(|| Value::from(json), Value::Array)),
        b'{' => Some(Value::from(json)),
        _ => Some(number_of(json)),
    }
}

/// An integer beyond 64 bits stays text, so that no digit of an id is lost.
fn number_of(text: String) -> Value {
    if let Ok(integer) = text.parse() {
        return Value::I64(integer);
    }
    match text.parse() {
        Ok(float) if text.contains(['.', 'e']) => Value::F64(float),
        _ => Value::from(text),
    }
}

/// Of elements of one kind; integers among floats are floats.
fn list_of(json: &str) -> Option<Array> {
    let elements: Vec<serde_json::Value> = serde_json::from_str(json).ok()?;
    let text = |element: &serde_json::Value| Some(StringValue::from(element.as_str()?.to_owned()));
    all(&elements, text)
        .map(Array::String)
        .or_else(|| all(&elements, serde_json::Value::as_bool).map(Array::Bool))
        .or_else(|| all(&elements, serde_json::Value::as_i64).map(Array::I64))
        .or_else(|| all(&elements, serde_json::Value::as_f64).map(Array::F64))
}

fn all<T>(
    elements: &[serde_json::Value],
    read: impl Fn(&serde_json::Value) -> Option<T>,
) -> Option<Vec<T>> {
    elements.iter().map(read).collect()
}

/// `/// Docs: `key`.` and `name: text "key";` make the method that gives the attribute of this key.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $kind:ident $key:expr;)+) => {
        $($crate::attributes::list::setters!(@$kind [$(#[$doc])*] $name $key);)+
    };
    (@text [$($doc:tt)*] $name:ident $key:expr) => {
        $($doc)*
        #[must_use]
        pub fn $name<Form>(mut self, value: impl $crate::text::Text<Form>) -> Self {
            if let Some(text) = value.get() {
                self.list.put($key, text);
            }
            self
        }
    };
    (@count [$($doc:tt)*] $name:ident $key:expr) => {
        $($doc)*
        #[must_use]
        pub fn $name(mut self, count: impl $crate::attributes::Count) -> Self {
            if let Some(count) = count.get() {
                self.list.put($key, count);
            }
            self
        }
    };
    (@float [$($doc:tt)*] $name:ident $key:expr) => {
        $($doc)*
        #[must_use]
        pub fn $name(mut self, value: impl $crate::attributes::Number) -> Self {
            self.list.put($key, value.get());
            self
        }
    };
    (@json [$($doc:tt)*] $name:ident $key:expr) => {
        $($doc)*
        #[must_use]
        pub fn $name(mut self, value: &(impl serde::Serialize + ?Sized)) -> Self {
            self.list.json($key, value);
            self
        }
    };
    (@object [$($doc:tt)*] $name:ident $key:expr) => {
        $($doc)*
        #[must_use]
        pub fn $name(mut self, object: &(impl serde::Serialize + ?Sized)) -> Self {
            self.list.object($key, object);
            self
        }
    };
}

pub(crate) use setters;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(value: impl Serialize) -> Option<Value> {
        json_of(&value).and_then(value_of)
    }

    #[test]
    fn a_value_keeps_the_kind_that_it_has() {
        let text = |text: &str| Some(Value::from(text.to_owned()));
        assert_eq!(value("a \"b\""), text("a \"b\""));
        assert_eq!(value("true"), text("true"));
        assert_eq!(value(true), Some(Value::Bool(true)));
        assert_eq!(value(-3_i8), Some(Value::I64(-3)));
        assert_eq!(value(u64::MAX), text("18446744073709551615"));
        assert_eq!(value(2.0), Some(Value::F64(2.0)));
        assert_eq!(value(1e300), Some(Value::F64(1e300)));
        assert_eq!(value(0.1_f32), Some(Value::F64(0.1)));
        assert_eq!(value(Some("x")), text("x"));
        assert_eq!(value(None::<i32>), None);
        assert_eq!(value(()), None);
        assert_eq!(value(json!({"a": 1})), text(r#"{"a":1}"#));
    }

    #[test]
    fn a_list_of_one_kind_is_a_list_and_any_other_is_json() {
        let list = |array: Array| Some(Value::Array(array));
        let strings = vec!["a".into(), "b".into()];
        assert_eq!(value(["a", "b"]), list(Array::String(strings)));
        assert_eq!(value([true]), list(Array::Bool(vec![true])));
        assert_eq!(value([1, -2]), list(Array::I64(vec![1, -2])));
        assert_eq!(value([1.0, 0.5]), list(Array::F64(vec![1.0, 0.5])));
        assert_eq!(value(json!([1, 0.5])), list(Array::F64(vec![1.0, 0.5])));
        for mixed in [json!([1, "a"]), json!([null]), json!([[1]])] {
            assert_eq!(value(&mixed), Some(Value::from(mixed.to_string())));
        }
    }
}
