//! The body that Arize sends, as types for a handler's arguments.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::RoutingError;
use crate::notice::{self, Notice};
use crate::recording;
use crate::routing::{valid_project_name, valid_space_id};

/// The `arize_metadata` of a request, read without ever failing.
///
/// A value of another type, a blank one, or a space id that cannot be a header counts as absent and
/// is told once in a warning. In a request type of your own:
///
/// ```
/// #[derive(serde::Deserialize, serde::Serialize)]
/// struct Request {
///     goal: String,
///     #[serde(default)]
///     arize_metadata: arize_runtime::ArizeMetadata,
/// }
/// let body = r#"{"goal": "plan a trip", "arize_metadata": {"space_id": "s", "run_id": 7}}"#;
/// let request: Request = serde_json::from_str(body)?;
/// assert_eq!(request.arize_metadata.space_id.as_deref(), Some("s"));
/// assert_eq!(request.arize_metadata.run_id, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(
    description = "Where the spans of the request belong, and the experiment that it is of."
)]
#[non_exhaustive]
pub struct ArizeMetadata {
    /// The space that the spans belong to.
    pub space_id: Option<String>,
    /// The project that the spans belong to.
    pub project_name: Option<String>,
    /// The dataset that the row is of.
    pub dataset_id: Option<String>,
    /// The row.
    pub example_id: Option<String>,
    /// The experiment that called.
    pub experiment_id: Option<String>,
    /// The run of the experiment.
    pub run_id: Option<String>,
}

impl<'de> Deserialize<'de> for ArizeMetadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let metadata = Metadata::of(Some(&value));
        let own = |s: Option<&str>| s.map(str::to_owned);
        Ok(Self {
            space_id: own(metadata.space_id),
            project_name: own(metadata.project_name),
            dataset_id: own(metadata.dataset_id),
            example_id: own(metadata.example_id),
            experiment_id: own(metadata.experiment_id),
            run_id: own(metadata.run_id),
        })
    }
}

/// [`ArizeMetadata`], borrowed.
#[derive(Debug, Default)]
pub(crate) struct Metadata<'a> {
    pub(crate) space_id: Option<&'a str>,
    pub(crate) project_name: Option<&'a str>,
    pub(crate) dataset_id: Option<&'a str>,
    pub(crate) example_id: Option<&'a str>,
    pub(crate) experiment_id: Option<&'a str>,
    pub(crate) run_id: Option<&'a str>,
    /// The body's type has no place for it, so that what the request said is not known.
    pub(crate) no_field: bool,
}

impl<'a> Metadata<'a> {
    /// Takes what can be used, checked and without surrounding white space, and tells of a space or
    /// project that it has to leave.
    pub(crate) fn of(value: Option<&'a Value>) -> Self {
        let fields = match value {
            None => return Self::default(),
            Some(Value::Object(fields)) => fields,
            Some(other) => {
                notice::warn(Notice::Metadata, || {
                    let found = recording::excerpt(other);
                    format!(
                        "`arize_metadata` of a request is `{found}` and counts as absent: it is no object; send \
                         `{{\"space_id\": .., \"project_name\": ..}}`"
                    )
                });
                return Self::default();
            }
        };
        let mut metadata = Self::default();
        for (field, value) in fields {
            let text = value
                .as_str()
                .map(str::trim)
                .filter(|text| !text.is_empty());
            match field.as_str() {
                "space_id" => metadata.space_id = text.filter(|s| valid_space_id(s).is_ok()),
                "project_name" => {
                    metadata.project_name = text.filter(|s| valid_project_name(s).is_ok());
                }
                "dataset_id" => metadata.dataset_id = text,
                "example_id" => metadata.example_id = text,
                "experiment_id" => metadata.experiment_id = text,
                "run_id" => metadata.run_id = text,
                _ => {}
            }
        }
        if let (None, Some(value)) = (metadata.space_id, fields.get("space_id")) {
            let error = value.as_str().map(valid_space_id);
            tell(
                Notice::MetadataSpace,
                "arize_metadata.space_id",
                value,
                error,
            );
        }
        if let (None, Some(value)) = (metadata.project_name, fields.get("project_name")) {
            let error = value.as_str().map(valid_project_name);
            tell(
                Notice::MetadataProject,
                "arize_metadata.project_name",
                value,
                error,
            );
        }
        metadata
    }
}

/// Says that a value counts as absent, and why: it is no string, or `judged` says what is wrong with it.
#[cold]
fn tell(notice: Notice, what: &str, found: &Value, judged: Option<Result<&str, RoutingError>>) {
    notice::warn(notice, || {
        let found = recording::excerpt(found);
        let reason = match judged {
            Some(Err(error)) => error.to_string(),
            _ => "it is no string".to_owned(),
        };
        format!(
            "`{what}` of a request is `{found}` and counts as absent: {reason}; send a valid one"
        )
    });
}

/// The body of an experiment's request, with `input` read as an `I`.
///
/// Takes both shapes that Arize sends: the input under `input`, or its fields at the top level beside
/// `arize_metadata`. It keeps the JSON as it came, which is what the span records, so `I` needs only
/// `Deserialize`; and nothing in `arize_metadata` can make it fail.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Trip { goal: String }
///
/// for body in [
///     r#"{"input": {"goal": "Lisbon"}, "arize_metadata": null}"#,
///     r#"{"goal": "Lisbon", "arize_metadata": {"space_id": "s", "project_name": "p"}}"#,
/// ] {
///     let request: arize_runtime::AgentRequest<Trip> = serde_json::from_str(body)?;
///     assert_eq!(request.input.goal, "Lisbon");
/// }
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AgentRequest<I> {
    /// The row of the dataset.
    pub input: I,
    /// Who calls.
    pub arize_metadata: ArizeMetadata,
    raw: Box<RawValue>,
}

impl<I> AgentRequest<I> {
    /// The body as it came.
    pub fn as_json(&self) -> &str {
        self.raw.get()
    }
}

impl<'de, I: DeserializeOwned> Deserialize<'de> for AgentRequest<I> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let body = Body::parse(raw.get());
        let arize_metadata = match body.metadata() {
            Some(metadata) => ArizeMetadata::deserialize(metadata).map_err(D::Error::custom)?,
            None => ArizeMetadata::default(),
        };
        let wrapped = body
            .wrapped_input()
            .map(|input| serde_json::from_str(input.get()));
        let input = match wrapped {
            Some(Ok(input)) => input,
            // a top-level row may have a field `input` of its own
            Some(Err(error)) => {
                serde_json::from_str(raw.get()).map_err(|_| D::Error::custom(error))?
            }
            None => serde_json::from_str(raw.get()).map_err(D::Error::custom)?,
        };
        Ok(Self {
            input,
            arize_metadata,
            raw,
        })
    }
}

/// A JSON body taken apart at its top level, its values left as text.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    whole: &'a str,
    /// None if the body is no JSON object.
    members: Option<Members<'a>>,
}

#[derive(Debug)]
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Body<'a> {
    pub(crate) fn parse(whole: &'a str) -> Self {
        Self {
            whole,
            members: serde_json::from_str(whole).ok(),
        }
    }

    fn member(&self, name: &str) -> Option<&'a RawValue> {
        let members = &self.members.as_ref()?.0;
        members
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| *value)
    }

    /// `arize_metadata`, if there is one.
    pub(crate) fn metadata(&self) -> Option<Value> {
        let metadata = self.member("arize_metadata")?;
        // what is nested too deeply to be read is an empty one
        let empty = || Value::Object(serde_json::Map::new());
        Some(serde_json::from_str(metadata.get()).unwrap_or_else(|_| empty()))
    }

    /// `input`, where the body has the first shape.
    fn wrapped_input(&self) -> Option<&'a RawValue> {
        self.member("input")
    }

    /// The JSON of the input in either shape; a body that is no JSON is `Err` with its text.
    pub(crate) fn input(&self) -> Result<Cow<'a, str>, &'a str> {
        if let Some(input) = self.wrapped_input() {
            return Ok(Cow::Borrowed(input.get()));
        }
        match &self.members {
            Some(members) if self.member("arize_metadata").is_some() => {
                let rest = members.0.iter().filter(|(key, _)| key != "arize_metadata");
                let rest = rest
                    .map(|(key, value)| format!("{}:{}", Value::from(key.as_ref()), value.get()));
                Ok(Cow::Owned(format!(
                    "{{{}}}",
                    rest.collect::<Vec<_>>().join(",")
                )))
            }
            Some(_) => Ok(Cow::Borrowed(self.whole.trim())),
            None => match serde_json::from_str::<&RawValue>(self.whole) {
                Ok(json) => Ok(Cow::Borrowed(json.get())),
                Err(_) => Err(self.whole),
            },
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    members.push((key, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// serde borrows a `Cow` only where it is told to.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_lenient() {
        for json in [
            "null",
            "7",
            "true",
            "[1]",
            "\"x\"",
            "{}",
            r#"{"space_id": 7, "x": {}}"#,
        ] {
            let metadata: ArizeMetadata = serde_json::from_str(json).unwrap();
            assert_eq!(metadata, ArizeMetadata::default(), "{json}");
        }
        let json = r#"{"space_id": "s\np", "project_name": "p", "run_id": " "}"#;
        let metadata: ArizeMetadata = serde_json::from_str(json).unwrap();
        assert_eq!((metadata.space_id, metadata.run_id), (None, None));
        assert_eq!(metadata.project_name.as_deref(), Some("p"));
    }

    #[test]
    fn input_is_found_in_both_shapes() {
        let input = |body: &'static str| Body::parse(body).input().map(Cow::into_owned);
        assert_eq!(
            input(r#"{"input": {"a": 1}, "arize_metadata": 1}"#).unwrap(),
            r#"{"a": 1}"#
        );
        assert_eq!(
            input(r#"{"a": 1, "arize_metadata": {}, "b":"c"}"#).unwrap(),
            r#"{"a":1,"b":"c"}"#
        );
        assert_eq!(input(" [1] ").unwrap(), "[1]");
        assert_eq!(input("{not json"), Err("{not json"));
    }

    #[test]
    fn a_top_level_row_may_have_a_field_named_input() {
        #[derive(Debug, Deserialize)]
        struct Row {
            input: String,
            model: String,
        }
        let request: AgentRequest<Row> =
            serde_json::from_str(r#"{"input": "hi", "model": "m"}"#).unwrap();
        assert_eq!(
            (request.input.input.as_str(), request.input.model.as_str()),
            ("hi", "m")
        );
        let neither = serde_json::from_str::<AgentRequest<Row>>(r#"{"input": {"model": 1}}"#);
        assert!(neither.is_err());
    }
}
