//! OTLP's JSON form, from and into the messages of its protobuf form.
//!
//! Read by hand and not with the `with-serde` feature of `opentelemetry-proto`, which stops at what OTLP/JSON
//! allows: unknown fields of a value, nulls, absent lists, numbers as strings.

use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status, span, status,
};
use serde_json::{Map, Value, json};

/// What was read, or what is wrong.
type Read<T> = Result<T, String>;

/// Reads an export request.
pub(crate) fn request(body: &[u8]) -> Read<ExportTraceServiceRequest> {
    let value =
        serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let mut fields = Fields::of("the body", value)?;
    Ok(ExportTraceServiceRequest {
        resource_spans: fields.list("resourceSpans", resource_spans)?,
    })
}

/// The answer to an export request.
pub(crate) fn response(response: &ExportTraceServiceResponse) -> Value {
    match &response.partial_success {
        None => json!({}),
        Some(partial) => json!({"partialSuccess": {
            "rejectedSpans": partial.rejected_spans.to_string(),
            "errorMessage": partial.error_message,
        }}),
    }
}

fn resource_spans(mut fields: Fields) -> Read<ResourceSpans> {
    Ok(ResourceSpans {
        resource: fields.message("resource", |mut fields| {
            Ok(Resource {
                attributes: fields.list("attributes", key_value)?,
                dropped_attributes_count: fields.number("droppedAttributesCount")?,
                ..Resource::default()
            })
        })?,
        scope_spans: fields.list("scopeSpans", scope_spans)?,
        schema_url: fields.text("schemaUrl")?,
    })
}

fn scope_spans(mut fields: Fields) -> Read<ScopeSpans> {
    Ok(ScopeSpans {
        scope: fields.message("scope", |mut fields| {
            Ok(InstrumentationScope {
                name: fields.text("name")?,
                version: fields.text("version")?,
                attributes: fields.list("attributes", key_value)?,
                dropped_attributes_count: fields.number("droppedAttributesCount")?,
            })
        })?,
        spans: fields.list("spans", span)?,
        schema_url: fields.text("schemaUrl")?,
    })
}

fn span(mut fields: Fields) -> Read<Span> {
    Ok(Span {
        trace_id: fields.id("traceId")?,
        span_id: fields.id("spanId")?,
        trace_state: fields.text("traceState")?,
        parent_span_id: fields.id("parentSpanId")?,
        flags: fields.number("flags")?,
        name: fields.text("name")?,
        kind: fields.choice("kind", |name| {
            span::SpanKind::from_str_name(name).map(Into::into)
        })?,
        start_time_unix_nano: fields.number("startTimeUnixNano")?,
        end_time_unix_nano: fields.number("endTimeUnixNano")?,
        attributes: fields.list("attributes", key_value)?,
        dropped_attributes_count: fields.number("droppedAttributesCount")?,
        events: fields.list("events", event)?,
        dropped_events_count: fields.number("droppedEventsCount")?,
        links: fields.list("links", link)?,
        dropped_links_count: fields.number("droppedLinksCount")?,
        status: fields.message("status", |mut fields| {
            Ok(Status {
                message: fields.text("message")?,
                code: fields.choice("code", |name| {
                    status::StatusCode::from_str_name(name).map(Into::into)
                })?,
            })
        })?,
    })
}

fn event(mut fields: Fields) -> Read<span::Event> {
    Ok(span::Event {
        time_unix_nano: fields.number("timeUnixNano")?,
        name: fields.text("name")?,
        attributes: fields.list("attributes", key_value)?,
        dropped_attributes_count: fields.number("droppedAttributesCount")?,
    })
}

fn link(mut fields: Fields) -> Read<span::Link> {
    Ok(span::Link {
        trace_id: fields.id("traceId")?,
        span_id: fields.id("spanId")?,
        trace_state: fields.text("traceState")?,
        attributes: fields.list("attributes", key_value)?,
        dropped_attributes_count: fields.number("droppedAttributesCount")?,
        flags: fields.number("flags")?,
    })
}

fn key_value(mut fields: Fields) -> Read<KeyValue> {
    Ok(KeyValue {
        key: fields.text("key")?,
        value: fields.message("value", any_value)?,
        ..KeyValue::default()
    })
}

/// As deep as it likes: JSON that is nested more than 128 times is refused when it is parsed.
fn any_value(mut fields: Fields) -> Read<AnyValue> {
    use any_value::Value as Any;
    let value = if fields.has("stringValue") {
        Some(Any::StringValue(fields.text("stringValue")?))
    } else if fields.has("boolValue") {
        let value = fields.take("boolValue");
        let value = value.as_bool().ok_or("`boolValue` is not a boolean")?;
        Some(Any::BoolValue(value))
    } else if fields.has("intValue") {
        Some(Any::IntValue(fields.number("intValue")?))
    } else if fields.has("doubleValue") {
        Some(Any::DoubleValue(fields.double("doubleValue")?))
    } else if fields.has("bytesValue") {
        Some(Any::BytesValue(base64(&fields.text("bytesValue")?)?))
    } else if let Some(mut array) = fields.message("arrayValue", Ok)? {
        let values = array.list("values", any_value)?;
        Some(Any::ArrayValue(ArrayValue { values }))
    } else if let Some(mut list) = fields.message("kvlistValue", Ok)? {
        let values = list.list("values", key_value)?;
        Some(Any::KvlistValue(KeyValueList { values }))
    } else {
        None
    };
    Ok(AnyValue { value })
}

/// Both alphabets of base64, with or without padding.
fn base64(text: &str) -> Read<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    LENIENT
        .decode(text.replace('-', "+").replace('_', "/"))
        .map_err(|error| format!("`bytesValue` is not base64: {error}"))
}

/// The fields of a JSON object, taken by name; what is not taken is unknown and ignored.
#[derive(Debug)]
struct Fields(Map<String, Value>);

impl Fields {
    fn of(what: &str, value: Value) -> Read<Self> {
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(format!("{what} is not a JSON object")),
        }
    }

    /// A null is an absent field.
    fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    fn take(&mut self, name: &str) -> Value {
        self.0.get_mut(name).map(Value::take).unwrap_or_default()
    }

    fn text(&mut self, name: &str) -> Read<String> {
        match self.take(name) {
            Value::String(text) => Ok(text),
            Value::Null => Ok(String::new()),
            _ => Err(format!("`{name}` is not a string")),
        }
    }

    /// An integer, as a number or, as 64 bits are too many for some JSON parsers, as a string.
    fn number<T: Default + FromStr>(&mut self, name: &str) -> Read<T> {
        let text = match self.take(name) {
            Value::Null => return Ok(T::default()),
            Value::String(text) => text,
            other => other.to_string(),
        };
        text.parse()
            .map_err(|_| format!("`{name}` is not an integer of its size"))
    }

    /// A number; as a string where JSON has none for it: `NaN`, `Infinity`.
    fn double(&mut self, name: &str) -> Read<f64> {
        let value = self.take(name);
        let number = match &value {
            Value::String(text) => text.parse().ok(),
            other => other.as_f64(),
        };
        number.ok_or_else(|| format!("`{name}` is not a number"))
    }

    /// A number of an enumeration; its name is not OTLP/JSON, but the Collector takes it as well.
    fn choice(&mut self, name: &str, by_name: fn(&str) -> Option<i32>) -> Read<i32> {
        if let Some(number) = self.0.get(name).and_then(Value::as_str).and_then(by_name) {
            return Ok(number);
        }
        self.number(name)
    }

    /// Hex digits, and not base64 as protobuf's own JSON has it.
    fn id(&mut self, name: &str) -> Read<Vec<u8>> {
        let text = self.text(name)?;
        let digit = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        text.as_bytes()
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
                _ => None,
            })
            .collect::<Option<_>>()
            .ok_or_else(|| format!("`{name}` is not an even number of hex digits"))
    }

    fn list<T>(&mut self, name: &str, read: fn(Fields) -> Read<T>) -> Read<Vec<T>> {
        match self.take(name) {
            Value::Null => Ok(Vec::new()),
            Value::Array(values) => values
                .into_iter()
                .map(|value| Fields::of(&format!("an entry of `{name}`"), value).and_then(read))
                .collect(),
            _ => Err(format!("`{name}` is not a list")),
        }
    }

    fn message<T>(&mut self, name: &str, read: fn(Fields) -> Read<T>) -> Read<Option<T>> {
        match self.take(name) {
            Value::Null => Ok(None),
            value => Fields::of(&format!("`{name}`"), value)
                .and_then(read)
                .map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_span(span: &Value) -> Read<Span> {
        let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]});
        let mut request = request(body.to_string().as_bytes())?;
        Ok(request.resource_spans[0].scope_spans[0].spans.remove(0))
    }

    fn read_value(value: &Value) -> Option<any_value::Value> {
        let span = read_span(&json!({"attributes": [{"key": "k", "value": value}]}));
        span.expect("is read").attributes[0].value.clone()?.value
    }

    #[test]
    fn what_senders_may_write_is_read() {
        let span = read_span(&json!({
            "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174", "parentSpanId": null,
            "name": "n", "kind": 2, "flags": 257, "startTimeUnixNano": "1544712660000000001",
            "endTimeUnixNano": 1_544_712_661_000_000_001_u64, "status": {"code": "STATUS_CODE_ERROR"},
            "events": [{"timeUnixNano": "7", "name": "e"}], "links": [{"traceId": "01", "spanId": "02", "flags": 1}],
            "comesWithOtlp2": {"a": [1]},
        }))
        .expect("is read");
        assert_eq!(span.trace_id[..2], [0x5b, 0x8e]);
        assert_eq!(
            (span.kind, span.flags, span.parent_span_id.len()),
            (2, 257, 0)
        );
        assert_eq!(span.start_time_unix_nano, 1_544_712_660_000_000_001);
        assert_eq!(span.end_time_unix_nano, 1_544_712_661_000_000_001);
        assert_eq!(span.status.map(|status| status.code), Some(2));
        assert_eq!(span.events[0].time_unix_nano, 7);
        assert_eq!((span.links[0].span_id[0], span.links[0].flags), (2, 1));
    }

    #[test]
    fn values_are_read_in_every_form() {
        use any_value::Value as Any;
        let bytes = Some(Any::BytesValue(vec![0xfb, 0xff]));
        for (value, wanted) in [
            (
                json!({"stringValue": ""}),
                Some(Any::StringValue(String::new())),
            ),
            (json!({"boolValue": false}), Some(Any::BoolValue(false))),
            (
                json!({"intValue": "-9223372036854775808"}),
                Some(Any::IntValue(i64::MIN)),
            ),
            (json!({"intValue": 3}), Some(Any::IntValue(3))),
            (json!({"doubleValue": 1}), Some(Any::DoubleValue(1.0))),
            (
                json!({"doubleValue": "-Infinity"}),
                Some(Any::DoubleValue(f64::NEG_INFINITY)),
            ),
            (json!({"bytesValue": "+/8="}), bytes.clone()),
            (json!({"bytesValue": "-_8"}), bytes),
            (
                json!({"arrayValue": {}}),
                Some(Any::ArrayValue(ArrayValue::default())),
            ),
            (
                json!({"unknownValue": {"x": 1}, "intValue": 3}),
                Some(Any::IntValue(3)),
            ),
            (json!({}), None),
            (Value::Null, None),
        ] {
            assert_eq!(read_value(&value), wanted, "{value}");
        }
        let nested = json!({"kvlistValue": {"values": [{"key": "k", "value": {"intValue": 1}}]}});
        assert!(
            matches!(read_value(&nested), Some(Any::KvlistValue(list)) if list.values[0].key == "k")
        );
    }

    #[test]
    fn what_is_wrong_is_told_by_its_field() {
        for (span, field) in [
            (json!({"traceId": "5b8"}), "`traceId`"),
            (json!({"spanId": "zz"}), "`spanId`"),
            (json!({"startTimeUnixNano": -1}), "`startTimeUnixNano`"),
            (json!({"kind": "NO_KIND"}), "`kind`"),
            (json!({"name": 1}), "`name`"),
            (json!({"attributes": {}}), "`attributes`"),
            (json!({"attributes": [1]}), "an entry of `attributes`"),
        ] {
            let error = read_span(&span).expect_err("is refused");
            assert!(error.starts_with(field), "{error}");
        }
        let deep = "[".repeat(100_000);
        assert!(request(deep.as_bytes()).is_err());
    }
}
