//! W3C headers to parent: strict, over all header lines, without a failure.
//!
//! Own code, because the SDK's propagators read only the first line of a header, cut a baggage value
//! at its `=` (Arize's space ids are base64) and take trace ids of the wrong length. What is read
//! here goes into the standard [`Context`], where other OpenTelemetry code finds it.

use std::borrow::Cow;

use http::HeaderName;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue};

use crate::request::HeaderSource;
use crate::resolve::Named;
use crate::semconv;

/// W3C Baggage, section 3.3: what has to be carried at least. More is left out.
const MAX_BAGGAGE_BYTES: usize = 8192;
const MAX_BAGGAGE_MEMBERS: usize = 64;

/// The remote parent, if the request has exactly one valid `traceparent`.
pub(crate) fn parent(headers: &(impl HeaderSource + ?Sized)) -> Option<SpanContext> {
    let mut parent = None;
    let mut lines = 0;
    headers.each_line(&semconv::TRACEPARENT, &mut |line| {
        lines += 1;
        parent = traceparent(line);
    });
    let (trace_id, span_id, flags) = parent.filter(|_| lines == 1)?;
    Some(SpanContext::new(trace_id, span_id, flags, true, tracestate(headers)))
}

/// W3C Trace Context, section 3.2.
fn traceparent(line: &[u8]) -> Option<(TraceId, SpanId, TraceFlags)> {
    let line = line.trim_ascii();
    let separators = line.len() >= 55 && line[2] == b'-' && line[35] == b'-' && line[52] == b'-';
    if !separators {
        return None;
    }
    let version = hex(&line[..2])?;
    let length = match version {
        0 => line.len() == 55,
        0xff => false,
        _ => line.len() == 55 || line[55] == b'-',
    };
    let trace_id = hex(&line[3..35])?;
    let span_id = u64::try_from(hex(&line[36..52])?).ok()?;
    let flags = u8::try_from(hex(&line[53..55])?).ok()?;
    (length && trace_id != 0 && span_id != 0).then(|| {
        let sampled = TraceFlags::new(flags) & TraceFlags::SAMPLED;
        (TraceId::from(trace_id), SpanId::from(span_id), sampled)
    })
}

/// Lower-case hexadecimal digits only.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u128::from(digit))
    })
}

/// All lines joined; one that is malformed leaves none (the traceparent stays valid).
fn tracestate(headers: &(impl HeaderSource + ?Sized)) -> TraceState {
    let joined = joined(headers, &semconv::TRACESTATE);
    let state = joined.as_deref().and_then(|state| std::str::from_utf8(state).ok());
    let state = state.map(str::trim).filter(|state| has_distinct_keys(state));
    state.and_then(|state| state.parse().ok()).unwrap_or(TraceState::NONE)
}

/// W3C Trace Context, section 3.3.1.3: at most 32 members, each key once. The API's parser lets both pass.
fn has_distinct_keys(state: &str) -> bool {
    let keys = || state.split(',').map(|member| member.split('=').next().unwrap_or_default().trim());
    keys().count() <= 32
        && keys().enumerate().all(|(n, key)| keys().take(n).all(|earlier| earlier != key))
}

/// The header's lines in order, joined with commas (RFC 9110, section 5.3).
fn joined(headers: &(impl HeaderSource + ?Sized), name: &HeaderName) -> Option<Vec<u8>> {
    let mut value: Option<Vec<u8>> = None;
    headers.each_line(name, &mut |line| match &mut value {
        None => value = Some(line.to_vec()),
        Some(value) => {
            value.push(b',');
            value.extend_from_slice(line);
        }
    });
    value
}

/// The baggage of a request, read once.
#[derive(Debug, Default)]
pub(crate) struct RequestBaggage {
    header: Vec<u8>,
}

impl RequestBaggage {
    pub(crate) fn read(headers: &(impl HeaderSource + ?Sized)) -> Self {
        let mut header = joined(headers, &semconv::BAGGAGE).unwrap_or_default();
        if header.len() > MAX_BAGGAGE_BYTES {
            let whole = header[..MAX_BAGGAGE_BYTES].iter().rposition(|&b| b == b',');
            header.truncate(whole.unwrap_or(0));
        }
        Self { header }
    }

    /// Keys and decoded values; a malformed member is skipped alone.
    fn members(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.header.split(|&b| b == b',').filter_map(member)
    }

    /// The space and project, wherever in the header they stand.
    pub(crate) fn routing(&self) -> Named<Cow<'_, str>> {
        let mut named = Named { space_id: None, project_name: None };
        for (key, value) in self.members() {
            match key {
                semconv::BAGGAGE_SPACE_ID => named.space_id = Some(value),
                semconv::BAGGAGE_PROJECT_NAME => named.project_name = Some(value),
                _ => {}
            }
        }
        named
    }

    /// `context` with the baggage in OpenTelemetry's own place.
    pub(crate) fn put_into(&self, context: Context) -> Context {
        if self.header.is_empty() {
            return context;
        }
        let members = self.members().take(MAX_BAGGAGE_MEMBERS);
        context.with_baggage(members.map(|(k, v)| KeyValue::new(k.to_owned(), v.into_owned())))
    }
}

/// W3C Baggage, section 3.2.2: `key=value`, properties cut off, the value percent-decoded.
fn member(member: &[u8]) -> Option<(&str, Cow<'_, str>)> {
    let without_properties = member.split(|&b| b == b';').next()?;
    let equals = without_properties.iter().position(|&b| b == b'=')?;
    let key = without_properties[..equals].trim_ascii();
    let value = without_properties[equals + 1..].trim_ascii();
    let octets = value.iter().all(|&b| matches!(b, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e));
    let key = std::str::from_utf8(key).ok().filter(|key| is_token(key.as_bytes()))?;
    let value = if octets { percent_decoded(value) } else { return None };
    (!value.chars().any(char::is_control)).then_some((key, value))
}

/// RFC 9110, section 5.6.2.
fn is_token(key: &[u8]) -> bool {
    let tchar = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    !key.is_empty() && key.iter().all(tchar)
}

/// `%41` is `A`; a broken sequence stays as it is, `+` is a plus, bytes that are no UTF-8 become
/// U+FFFD.
fn percent_decoded(value: &[u8]) -> Cow<'_, str> {
    if !value.contains(&b'%') {
        return String::from_utf8_lossy(value);
    }
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).filter(|_| *first == b'%');
        let byte = digits.and_then(|d| u8::try_from(hex(&d.to_ascii_lowercase())?).ok());
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

/// `context` with the remote parent, if there is one.
pub(crate) fn with_parent(context: Context, parent: Option<SpanContext>) -> Context {
    match parent {
        Some(parent) => context.with_remote_span_context(parent),
        None => context,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn read(lines: &[(&str, &str)]) -> (Option<SpanContext>, RequestBaggage) {
        let headers: Vec<(String, String)> =
            lines.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        (parent(&headers), RequestBaggage::read(&headers))
    }

    #[test]
    fn traceparent_is_strict() {
        let ok = |line: &str| read(&[("traceparent", line)]).0.is_some();
        assert!(ok(VALID) && ok(&format!(" \t{VALID} \t")) && ok(&VALID.replace("-01", "-ff")));
        assert!(ok(&VALID.replacen("00", "01", 1)));
        assert!(ok(&format!("{}-what-the-future-brings", VALID.replacen("00", "cc", 1))));
        for bad in [
            "",
            "00-abc-1-1",
            &VALID.to_uppercase(),
            &format!("{VALID}-extra"),
            &VALID.replacen("00", "ff", 1),
            &VALID.replacen("00", "01", 1).replace("-01", "-01xyz"),
            &VALID.replace("-01", "-0g"),
            &VALID.replace("-01", "-+1"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        ] {
            assert!(!ok(bad), "{bad}");
        }
        assert!(read(&[("traceparent", VALID), ("traceparent", VALID)]).0.is_none());
    }

    #[test]
    fn flags_keep_only_the_sampled_bit() {
        let flags = |f| read(&[("traceparent", &VALID.replace("-01", f))]).0.unwrap().trace_flags();
        assert_eq!(flags("-03"), TraceFlags::SAMPLED);
        assert_eq!(flags("-02"), TraceFlags::NOT_SAMPLED);
    }

    #[test]
    fn tracestate_lines_are_joined_and_a_bad_one_leaves_the_parent() {
        let state = |lines: &[&str]| {
            let mut headers = vec![("traceparent", VALID)];
            headers.extend(lines.iter().map(|line| ("tracestate", *line)));
            read(&headers).0.unwrap().trace_state().header()
        };
        assert_eq!(state(&["a=1", "b=2"]), "a=1,b=2");
        assert_eq!(state(&["a=1,no equals here"]), "");
        assert_eq!(state(&["a=1", "a=2"]), "");
        assert_eq!(state(&[""]), "");
    }

    #[test]
    fn baggage_keeps_base64_and_skips_what_is_malformed() {
        let routing = |lines: &[&str]| {
            let headers: Vec<_> = lines.iter().map(|line| ("baggage", *line)).collect();
            let baggage = read(&headers).1;
            let named = baggage.routing();
            (named.space_id.map(Cow::into_owned), named.project_name.map(Cow::into_owned))
        };
        let pair = |s: &str, p: &str| (Some(s.to_owned()), Some(p.to_owned()));
        assert_eq!(
            routing(&["arize.space_id=U3BhY2U6MTIz==;ttl=3,=x,novalue,,arize.project_name = p+q "]),
            pair("U3BhY2U6MTIz==", "p+q")
        );
        assert_eq!(routing(&["arize.space_id=s%3D%3d", "arize.project_name=a%20b"]), pair("s==", "a b"));
        assert_eq!(routing(&["arize.space_id=s%zz%4,arize.project_name=p%ff"]), pair("s%zz%4", "p\u{fffd}"));
        assert_eq!(routing(&["arize.space_id=s%0Ap,Arize.Project_Name=p"]), (None, None));
        assert_eq!(routing(&["arize.space_id=\"s\",arize.project_name=my project"]), (None, None));
    }

    #[test]
    fn long_baggage_is_cut_at_a_member() {
        let long = format!("arize.space_id=s,{}", "k=vvvvvvvvvvvvvvvv,".repeat(600));
        let baggage = read(&[("baggage", &long)]).1;
        assert!(baggage.header.len() <= MAX_BAGGAGE_BYTES);
        assert_eq!(baggage.routing().space_id.as_deref(), Some("s"));
    }
}
