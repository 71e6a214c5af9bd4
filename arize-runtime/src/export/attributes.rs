//! What the attributes of an ended span say. The SDK appends and never replaces, so a key may be
//! there several times; OTLP wants each once.

use std::collections::HashSet;

use opentelemetry::{KeyValue, Value};

use crate::routing::{valid_project_name, valid_space_id};
use crate::semconv::{OUTPUT_MIME_TYPE, OUTPUT_VALUE, PROJECT_NAME, SPACE_ID};
use crate::span::is_automatic_output;

/// Above this many attributes duplicates are found by hashing.
const FEW: usize = 32;

/// A half of the route that is missing or cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRoute {
    pub(crate) key: &'static str,
}

/// The space and the project: the last ones, since a span may set them itself.
pub(crate) fn route_of(attributes: &[KeyValue]) -> Result<(&str, &str), NoRoute> {
    let space_id = text(attributes, SPACE_ID).and_then(|id| valid_space_id(id).ok());
    let project_name =
        text(attributes, PROJECT_NAME).and_then(|name| valid_project_name(name).ok());
    match (space_id, project_name) {
        (Some(space_id), Some(project_name)) => Ok((space_id, project_name)),
        (None, _) => Err(NoRoute { key: SPACE_ID }),
        (_, None) => Err(NoRoute { key: PROJECT_NAME }),
    }
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    match &attributes.iter().rfind(|kv| kv.key.as_str() == key)?.value {
        Value::String(text) => Some(text.as_str()),
        _ => None,
    }
}

/// Leaves each key once: an output set by hand before the automatic one, else the last.
pub(crate) fn settle(attributes: &mut Vec<KeyValue>) {
    drop_outdone_output(attributes);
    if attributes.len() > FEW {
        let mut seen = HashSet::with_capacity(attributes.len());
        attributes.reverse();
        attributes.retain(|kv| seen.insert(kv.key.clone()));
        attributes.reverse();
        return;
    }
    for i in (0..attributes.len()).rev() {
        let key = attributes[i].key.as_str();
        if attributes[i + 1..]
            .iter()
            .any(|later| later.key.as_str() == key)
        {
            attributes.remove(i);
        }
    }
}

/// Removes the automatic `output.value` and its type if the function's own code set one.
fn drop_outdone_output(attributes: &mut Vec<KeyValue>) {
    let Some(automatic) = attributes
        .iter()
        .rposition(|kv| is_automatic_output(&kv.key))
    else {
        return;
    };
    let by_hand = |kv: &KeyValue| kv.key.as_str() == OUTPUT_VALUE && !is_automatic_output(&kv.key);
    if !attributes.iter().any(by_hand) {
        return;
    }
    if attributes
        .get(automatic + 1)
        .is_some_and(|kv| kv.key.as_str() == OUTPUT_MIME_TYPE)
    {
        attributes.remove(automatic + 1);
    }
    attributes.remove(automatic);
}

/// Makes the attribute what the header will be: without the white space around it.
pub(crate) fn set_route(attributes: &mut [KeyValue], space_id: &str, project_name: &str) {
    for kv in attributes {
        let wanted = match kv.key.as_str() {
            SPACE_ID => space_id,
            PROJECT_NAME => project_name,
            _ => continue,
        };
        if !matches!(&kv.value, Value::String(text) if text.as_str() == wanted) {
            kv.value = Value::from(wanted.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pairs: &[(&'static str, &'static str)]) -> Vec<KeyValue> {
        pairs
            .iter()
            .map(|&(key, value)| KeyValue::new(key, value))
            .collect()
    }

    #[test]
    fn the_last_route_wins_and_both_halves_are_needed() {
        let twice = list(&[
            (SPACE_ID, "a"),
            (PROJECT_NAME, "p"),
            (SPACE_ID, " b=="),
            (PROJECT_NAME, "q"),
        ]);
        assert_eq!(route_of(&twice), Ok(("b==", "q")));
        assert_eq!(route_of(&twice[..1]), Err(NoRoute { key: PROJECT_NAME }));
        let mut number = twice.clone();
        number.push(KeyValue::new(SPACE_ID, 7));
        assert_eq!(route_of(&number), Err(NoRoute { key: SPACE_ID }));
        let newline = list(&[(SPACE_ID, "a\nb"), (PROJECT_NAME, "p")]);
        assert_eq!(route_of(&newline), Err(NoRoute { key: SPACE_ID }));
    }

    #[test]
    fn each_key_is_left_once_and_the_last_value_wins() {
        let mut few = list(&[("a", "1"), ("b", "1"), ("a", "2"), ("c", "1"), ("a", "3")]);
        settle(&mut few);
        assert_eq!(few, list(&[("b", "1"), ("c", "1"), ("a", "3")]));

        let mut many: Vec<_> = (0..2 * FEW)
            .map(|n| KeyValue::new(format!("k{}", n % FEW), n.to_string()))
            .collect();
        settle(&mut many);
        assert_eq!(many.len(), FEW);
        assert_eq!(many[0], KeyValue::new("k0", FEW.to_string()));
    }

    #[test]
    fn a_route_is_written_as_the_header_has_it() {
        let mut attributes = list(&[(SPACE_ID, " s "), (PROJECT_NAME, "p")]);
        set_route(&mut attributes, "s", "p");
        assert_eq!(attributes, list(&[(SPACE_ID, "s"), (PROJECT_NAME, "p")]));
    }
}
