//! The route that a span gets as it starts, and what its attributes say once it ended. The SDK appends
//! and never replaces, so a key may be there several times; OTLP wants each once.

use std::borrow::Cow;
use std::collections::HashSet;

use opentelemetry::trace::Span as _;
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::Span;

use crate::automatic::{self, is_automatic};
use crate::masked_keys::MaskedKeys;
use crate::recording::merged;
use crate::routing::{Routing, valid_project_name, valid_space_id};
use crate::scope;
use crate::semconv::{METADATA, OUTPUT_VALUE, PROJECT_NAME, SPACE_ID};
use crate::trace_routes::TraceRoutes;

/// Above this many attributes duplicates are found by hashing.
const FEW: usize = 32;

/// A half of the route that is missing or cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRoute {
    pub(crate) key: &'static str,
}

/// Puts the route and the scope of `parent` onto a span that starts in it.
pub(crate) fn add_context(
    span: &mut Span,
    parent: &Context,
    trace_routes: &TraceRoutes,
    masked_keys: Option<&MaskedKeys>,
) {
    let of_trace = || trace_routes.of(parent).map(Cow::Owned);
    if let Some(routing) = Routing::of(parent).map(Cow::Borrowed).or_else(of_trace) {
        let (space_id, project_name) = routing.shared();
        span.set_attribute(KeyValue::new(*automatic::SPACE_ID, space_id));
        span.set_attribute(KeyValue::new(*automatic::PROJECT_NAME, project_name));
    }
    for attribute in scope::attributes_of(parent) {
        let mut attribute = attribute.clone();
        if let Some(keys) = masked_keys {
            keys.mask_attribute(&mut attribute);
        }
        span.set_attribute(attribute);
    }
}

/// The space and the project: the last ones that the span's own code set, else those of its Context.
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
    let of_key = || attributes.iter().rev().filter(|kv| kv.key.as_str() == key);
    let by_hand = of_key().find(|kv| !is_automatic(&kv.key));
    match &by_hand.or_else(|| of_key().next())?.value {
        Value::String(text) => Some(text.as_str()),
        _ => None,
    }
}

/// Leaves each key once: the last value that the span's own code set, else ours. Metadata is merged.
pub(crate) fn settle(attributes: &mut Vec<KeyValue>) {
    drop_outdone(attributes);
    merge_metadata(attributes);
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

/// Removes what we added under a key that the span's own code set as well; with an output its type.
fn drop_outdone(attributes: &mut Vec<KeyValue>) {
    let ours = [
        &automatic::SPACE_ID,
        &automatic::PROJECT_NAME,
        &automatic::OUTPUT_VALUE,
    ];
    let of_scopes = automatic::OF_SCOPES.iter().filter(|_| scope::is_used());
    for ours in ours.iter().chain(of_scopes) {
        let same = |kv: &KeyValue| kv.key.as_str() == ***ours;
        if attributes
            .iter()
            .filter(|kv| same(kv))
            .any(|kv| !is_automatic(&kv.key))
        {
            let type_too = ***ours == OUTPUT_VALUE;
            let is_type =
                |kv: &KeyValue| type_too && kv.key.as_str() == *automatic::OUTPUT_MIME_TYPE;
            attributes.retain(|kv| !(is_automatic(&kv.key) && (same(kv) || is_type(kv))));
        }
    }
}

/// Makes the last metadata all of them, key by key: a handler's begins with what the request says of its
/// experiment, which no later one should lose.
fn merge_metadata(attributes: &mut [KeyValue]) {
    let is_metadata = |kv: &&mut KeyValue| kv.key.as_str() == METADATA;
    if attributes.iter_mut().filter(is_metadata).nth(1).is_none() {
        return;
    }
    let mut earlier: Option<String> = None;
    for kv in attributes.iter_mut().filter(is_metadata) {
        let Value::String(json) = &kv.value else {
            continue;
        };
        let all = earlier.and_then(|earlier| merged(&earlier, json.as_str()));
        earlier = Some(all.as_deref().unwrap_or(json.as_str()).to_owned());
        if let Some(all) = all {
            kv.value = Value::from(all);
        }
    }
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
    fn what_the_own_code_set_wins_wherever_it_stands() {
        let mut attributes = list(&[
            (SPACE_ID, "by hand"),
            (*automatic::SPACE_ID, "context"),
            (*automatic::PROJECT_NAME, "p"),
            (OUTPUT_VALUE, "mine"),
            (*automatic::OUTPUT_VALUE, "{}"),
            (*automatic::OUTPUT_MIME_TYPE, "application/json"),
        ]);
        assert_eq!(route_of(&attributes), Ok(("by hand", "p")));
        settle(&mut attributes);
        let left = list(&[
            (SPACE_ID, "by hand"),
            (PROJECT_NAME, "p"),
            (OUTPUT_VALUE, "mine"),
        ]);
        assert_eq!(attributes, left);
    }

    #[test]
    fn metadata_is_merged_and_what_is_no_object_wins_as_it_is() {
        let settled = |jsons: &[&'static str]| {
            let mut attributes = jsons
                .iter()
                .map(|json| KeyValue::new(METADATA, *json))
                .collect();
            settle(&mut attributes);
            assert_eq!(attributes.len(), 1);
            attributes[0].value.to_string()
        };
        assert_eq!(settled(&[r#"{"b":1,"a":1}"#]), r#"{"b":1,"a":1}"#);
        let three = [r#"{"a":1,"b":1}"#, r#"{"b":2}"#, r#"{"c":3}"#];
        assert_eq!(settled(&three), r#"{"a":1,"b":2,"c":3}"#);
        assert_eq!(settled(&[r#"{"a":1}"#, "none"]), "none");
    }

    #[test]
    fn a_route_is_written_as_the_header_has_it() {
        let mut attributes = list(&[(SPACE_ID, " s "), (PROJECT_NAME, "p")]);
        set_route(&mut attributes, "s", "p");
        assert_eq!(attributes, list(&[(SPACE_ID, "s"), (PROJECT_NAME, "p")]));
    }
}
