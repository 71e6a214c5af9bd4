//! How much memory an ended span takes: reckoned, since it is asked for every span as it ends.

use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// For the span itself, and its part of what is kept for its batch, its space and its request.
const SPAN: usize = size_of::<SpanData>() + 128;
/// For an event or a link.
const ENTRY: usize = 128;

/// Not less than what the span takes before and after it is encoded, in bytes.
pub(crate) fn weight(span: &SpanData) -> u64 {
    let mut bytes = SPAN + span.name.len() + attributes(&span.attributes);
    if !span.events.events.is_empty() {
        let events = span.events.iter();
        bytes += events
            .map(|event| ENTRY + event.name.len() + attributes(&event.attributes))
            .sum::<usize>();
    }
    if !span.links.links.is_empty() {
        let links = span.links.iter();
        bytes += links
            .map(|link| ENTRY + attributes(&link.attributes))
            .sum::<usize>();
    }
    bytes as u64
}

fn attributes(attributes: &[KeyValue]) -> usize {
    attributes
        .iter()
        .map(|kv| size_of::<KeyValue>() + kv.key.as_str().len() + value(&kv.value))
        .sum()
}

fn value(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_str().len(),
        Value::Array(Array::String(texts)) => {
            let item = |text: &opentelemetry::StringValue| 24 + text.as_str().len();
            texts.iter().map(item).sum()
        }
        Value::Array(Array::Bool(items)) => 4 * items.len(),
        Value::Array(Array::I64(items)) => 16 * items.len(),
        Value::Array(Array::F64(items)) => 16 * items.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{Span as _, SpanContext, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use crate::export::encode::encode_span;

    #[test]
    fn a_span_is_not_reckoned_below_what_it_takes_once_encoded() {
        let long = || "x".repeat(10_000);
        let texts: Vec<opentelemetry::StringValue> = vec![long().into(), long().into()];
        let fill: [fn(&mut opentelemetry_sdk::trace::Span, String); 4] = [
            |_, _| {},
            |span, long| span.set_attribute(KeyValue::new("text", long)),
            |span, long| span.add_event(long.clone(), vec![KeyValue::new("text", long)]),
            |span, long| span.add_link(SpanContext::NONE, vec![KeyValue::new("text", long)]),
        ];
        let arrays = [
            Value::Array(texts.into()),
            Value::Array(vec![1.5; 1_000].into()),
            Value::Array(vec![i64::MIN; 1_000].into()),
            Value::Array(vec![true; 1_000].into()),
        ];
        let provider = SdkTracerProvider::default();
        let span = || provider.tracer("test").start("a span");
        let check = |span: opentelemetry_sdk::trace::Span| {
            let data = span.exported_data().expect("it records");
            let (reckoned, mut encoded) = (weight(&data), Vec::new());
            encode_span(&data, &mut encoded);
            assert!(
                reckoned >= encoded.len() as u64,
                "{reckoned} < {}",
                encoded.len()
            );
        };
        for fill in fill {
            let mut span = span();
            fill(&mut span, long());
            check(span);
        }
        for array in arrays {
            let mut span = span();
            span.set_attribute(KeyValue::new("array", array));
            check(span);
        }
    }
}
