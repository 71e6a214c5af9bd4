//! The items of a stream on their way into one value.

use serde_json::Value;

use crate::recording::Recorded;
use crate::trace_config::CutMark;

/// Texts are joined; everything else is a JSON array.
#[derive(Debug)]
pub(crate) struct Items {
    form: Form,
    text: String,
    /// Bytes of all items, those that are not kept among them.
    length: usize,
    most: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    None,
    Text,
    Array,
    Redacted,
}

impl Items {
    /// Keeps so many bytes. Keys are masked in the whole, since a value may be spread over several texts.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            form: Form::None,
            text: String::new(),
            length: 0,
            most,
        }
    }

    /// The first item decides the form. Nothing, `null`, is left out.
    pub(crate) fn push(&mut self, item: Recorded) {
        if matches!(&item, Recorded::Scalar(null) if null == "null") {
            return;
        }
        if self.form == Form::None {
            self.form = match item {
                Recorded::Text(_) => Form::Text,
                Recorded::Scalar(_) | Recorded::Json(_) => Form::Array,
                Recorded::Redacted => Form::Redacted,
            };
        }
        match (self.form, item) {
            (Form::Array, Recorded::Text(text)) => self.element(&Value::from(text).to_string()),
            (Form::Array, Recorded::Scalar(json) | Recorded::Json(json)) => self.element(&json),
            (_, Recorded::Text(text) | Recorded::Scalar(text) | Recorded::Json(text)) => {
                self.append(&text);
            }
            (_, Recorded::Redacted) => {}
        }
    }

    fn element(&mut self, json: &str) {
        self.append(if self.length == 0 { "[" } else { "," });
        self.append(json);
    }

    /// What is beyond the limit is counted and not kept.
    fn append(&mut self, text: &str) {
        let room = self.most.saturating_sub(self.length);
        let end = (0..=room.min(text.len()))
            .rev()
            .find(|&at| text.is_char_boundary(at));
        if room > 0 {
            self.text.push_str(&text[..end.unwrap_or(0)]);
        }
        self.length += text.len();
    }

    /// None where there was no item.
    pub(crate) fn finish(mut self) -> Option<Recorded> {
        if self.form == Form::Array {
            self.append("]");
        }
        if self.length > self.text.len() && self.form != Form::Redacted {
            let mark = CutMark(self.length);
            return Some(Recorded::Text(self.text + &mark.to_string()));
        }
        match self.form {
            Form::None => None,
            Form::Text => Some(Recorded::Text(self.text)),
            Form::Array => Some(Recorded::Json(self.text)),
            Form::Redacted => Some(Recorded::Redacted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(most: usize, items: &[serde_json::Value]) -> Option<Recorded> {
        let mut all = Items::new(most);
        for item in items {
            all.push(Recorded::of(item).expect("it is JSON"));
        }
        all.finish()
    }

    fn text(text: &str) -> Recorded {
        Recorded::Text(text.to_owned())
    }

    fn json(json: &str) -> Recorded {
        Recorded::Json(json.to_owned())
    }

    #[test]
    fn texts_are_joined_and_the_rest_is_an_array() {
        assert_eq!(of(99, &[]), None);
        assert_eq!(
            of(99, &["It".into(), " rains".into()]),
            Some(text("It rains"))
        );
        assert_eq!(of(99, &["a".into(), 1.into()]), Some(text("a1")));
        assert_eq!(
            of(99, &[1.into(), "a\"".into()]),
            Some(json(r#"[1,"a\""]"#))
        );
        assert_eq!(
            of(99, &[serde_json::json!({"a": 1}), serde_json::json!([])]),
            Some(json(r#"[{"a":1},[]]"#))
        );
        assert_eq!(of(99, &["".into()]), Some(text("")));
        let null = serde_json::Value::Null;
        assert_eq!(
            of(99, &[null.clone(), "a".into(), null.clone()]),
            Some(text("a"))
        );
        assert_eq!(of(99, &[null]), None);
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_how_long_it_was() {
        let words = ["üü".into(), "üü".into(), "ü".into()];
        assert_eq!(of(10, &words), Some(text("üüüüü")));
        assert_eq!(of(9, &words), Some(text("üüüü… (cut; it had 10 bytes)")));
        assert_eq!(of(5, &words), Some(text("üü… (cut; it had 10 bytes)")));
        assert_eq!(of(0, &words), Some(text("… (cut; it had 10 bytes)")));
        assert_eq!(
            of(4, &[12.into(), 3.into()]),
            Some(text("[12,… (cut; it had 6 bytes)"))
        );
    }
}
