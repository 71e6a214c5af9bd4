//! W3C headers to parent: strict, over all header lines, without a failure.
//!
//! Own code, because the SDK's propagators read only the first line of a header, cut a baggage value
//! at its `=` (Arize's space ids are base64) and take trace ids of the wrong length. What is read
//! here goes into the standard [`Context`], where other OpenTelemetry code finds it.

use std::borrow::Cow;

use http::HeaderName;
use opentelemetry::Context;
use opentelemetry::baggage::{Baggage, BaggageExt as _};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};

use crate::request::HeaderSource;
use crate::resolve::Named;
use crate::routing::{valid_project_name, valid_space_id};
use crate::semconv;

/// W3C Baggage, section 3.3: what has to be carried at least. More is left out.
pub(crate) const MAX_BAGGAGE_BYTES: usize = 8192;
pub(crate) const MAX_BAGGAGE_MEMBERS: usize = 64;

/// The remote parent, if the request has exactly one valid `traceparent`.
pub(crate) fn parent(headers: &(impl HeaderSource + ?Sized)) -> Option<SpanContext> {
    let mut parent = None;
    let mut lines = 0;
    headers.each_line(&semconv::TRACEPARENT, &mut |line| {
        lines += 1;
        parent = traceparent(line);
    });
    let (trace_id, span_id, flags) = parent.filter(|_| lines == 1)?;
    Some(SpanContext::new(
        trace_id,
        span_id,
        flags,
        true,
        tracestate(headers),
    ))
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
    let trace_id = u128::from(hex(&line[3..19])?) << 64 | u128::from(hex(&line[19..35])?);
    let span_id = hex(&line[36..52])?;
    let flags = u8::try_from(hex(&line[53..55])?).ok()?;
    (length && trace_id != 0 && span_id != 0).then(|| {
        let sampled = TraceFlags::new(flags) & TraceFlags::SAMPLED;
        (TraceId::from(trace_id), SpanId::from(span_id), sampled)
    })
}

/// At most 16 digits, lower-case hexadecimal only.
fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

/// All lines joined; one that is malformed leaves none (the traceparent stays valid).
fn tracestate(headers: &(impl HeaderSource + ?Sized)) -> TraceState {
    let parse = |state: &[u8]| {
        let state = std::str::from_utf8(state).ok()?.trim();
        has_distinct_keys(state)
            .then(|| state.parse().ok())
            .flatten()
    };
    let mut state = None;
    let mut lines = 0;
    headers.each_line(&semconv::TRACESTATE, &mut |line| {
        lines += 1;
        // one line, as nearly every request has it, is read where it is
        state = if lines == 1 { parse(line) } else { None };
    });
    if lines > 1 {
        state = joined(headers, &semconv::TRACESTATE)
            .as_deref()
            .and_then(parse);
    }
    state.unwrap_or(TraceState::NONE)
}

/// W3C Trace Context, section 3.3.1.3: at most 32 members, each key once. The API's parser lets both pass.
fn has_distinct_keys(state: &str) -> bool {
    let mut keys = [""; 32];
    for (n, member) in state.split(',').enumerate() {
        let key = member
            .split_once('=')
            .map_or(member, |(key, _)| key)
            .trim_ascii();
        if n == keys.len() || keys[..n].contains(&key) {
            return false;
        }
        keys[n] = key;
    }
    true
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
    members: Baggage,
    /// The space and project, wherever in the header they stand.
    pub(crate) routing: Named<String>,
}

impl RequestBaggage {
    /// Of all lines; a malformed member is skipped alone.
    pub(crate) fn read(headers: &(impl HeaderSource + ?Sized)) -> Self {
        let mut baggage = Self::default();
        let mut bytes_left = MAX_BAGGAGE_BYTES;
        let mut members_left = MAX_BAGGAGE_MEMBERS;
        headers.each_line(&semconv::BAGGAGE, &mut |line| {
            let mut whole = line;
            if line.len() > bytes_left {
                let comma = line[..bytes_left].iter().rposition(|&b| b == b',');
                whole = &line[..comma.unwrap_or(0)];
            }
            bytes_left = bytes_left.saturating_sub(line.len() + 1);
            for (key, value) in whole.split(|&b| b == b',').filter_map(member) {
                match key {
                    semconv::BAGGAGE_SPACE_ID => baggage.routing.space_id = Some(value.to_string()),
                    semconv::BAGGAGE_PROJECT_NAME => {
                        baggage.routing.project_name = Some(value.to_string());
                    }
                    _ => {}
                }
                if members_left > 0 {
                    members_left -= 1;
                    baggage.members.insert(key.to_owned(), value.into_owned());
                }
            }
        });
        baggage
    }

    /// What it names that can be a space or a project.
    pub(crate) fn valid_routing(&self) -> Named<&str> {
        let Named {
            space_id,
            project_name,
        } = &self.routing;
        Named {
            space_id: space_id.as_deref().and_then(|id| valid_space_id(id).ok()),
            project_name: project_name
                .as_deref()
                .and_then(|name| valid_project_name(name).ok()),
        }
    }

    /// `context` with the baggage in OpenTelemetry's own place; what it says of the route stays.
    pub(crate) fn put_into(&mut self, context: Context) -> Context {
        if self.members.is_empty() {
            return context;
        }
        context.with_baggage(std::mem::take(&mut self.members))
    }
}

/// W3C Baggage, section 3.2.2: `key=value`, properties cut off, the value percent-decoded.
fn member(member: &[u8]) -> Option<(&str, Cow<'_, str>)> {
    let without_properties = std::str::from_utf8(member.split(|&b| b == b';').next()?).ok()?;
    let equals = without_properties.bytes().position(|b| b == b'=')?;
    let key = without_properties[..equals].trim_ascii();
    let value = without_properties[equals + 1..].trim_ascii();
    let octet = |b| matches!(b, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    if !is_token(key) || !value.bytes().all(octet) {
        return None;
    }
    let value = percent_decoded(value);
    // undecoded octets are none
    let control = matches!(&value, Cow::Owned(value) if value.chars().any(char::is_control));
    (!control).then_some((key, value))
}

/// RFC 9110, section 5.6.2.
pub(crate) fn is_token(key: &str) -> bool {
    let tchar = |b: u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
    };
    !key.is_empty() && key.bytes().all(tchar)
}

/// `%41` is `A`; a broken sequence stays as it is, `+` is a plus, bytes that are no UTF-8 become
/// U+FFFD.
fn percent_decoded(value: &str) -> Cow<'_, str> {
    if !value.as_bytes().contains(&b'%') {
        return Cow::Borrowed(value);
    }
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
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
        let headers: Vec<(String, String)> = lines
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        (parent(&headers), RequestBaggage::read(&headers))
    }

    #[test]
    fn traceparent_is_strict() {
        let ok = |line: &str| read(&[("traceparent", line)]).0.is_some();
        assert!(ok(VALID) && ok(&format!(" \t{VALID} \t")) && ok(&VALID.replace("-01", "-ff")));
        assert!(ok(&VALID.replacen("00", "01", 1)));
        assert!(ok(&format!(
            "{}-what-the-future-brings",
            VALID.replacen("00", "cc", 1)
        )));
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
        assert!(
            read(&[("traceparent", VALID), ("traceparent", VALID)])
                .0
                .is_none()
        );
    }

    #[test]
    fn flags_keep_only_the_sampled_bit() {
        let flags = |f| {
            read(&[("traceparent", &VALID.replace("-01", f))])
                .0
                .unwrap()
                .trace_flags()
        };
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
            (baggage.routing.space_id, baggage.routing.project_name)
        };
        let pair = |s: &str, p: &str| (Some(s.to_owned()), Some(p.to_owned()));
        assert_eq!(
            routing(&["arize.space_id=U3BhY2U6MTIz==;ttl=3,=x,novalue,,arize.project_name = p+q "]),
            pair("U3BhY2U6MTIz==", "p+q")
        );
        assert_eq!(
            routing(&["arize.space_id=s%3D%3d", "arize.project_name=a%20b"]),
            pair("s==", "a b")
        );
        assert_eq!(
            routing(&["arize.space_id=s%zz%4,arize.project_name=p%ff"]),
            pair("s%zz%4", "p\u{fffd}")
        );
        assert_eq!(
            routing(&["arize.space_id=s%0Ap,Arize.Project_Name=p"]),
            (None, None)
        );
        assert_eq!(
            routing(&["arize.space_id=\"s\",arize.project_name=my project"]),
            (None, None)
        );
    }

    #[test]
    fn long_baggage_is_cut_at_a_member() {
        let long = format!("arize.space_id=s,{}", "k=vvvvvvvvvvvvvvvv,".repeat(600));
        let late = "arize.project_name=p";
        let baggage = read(&[("baggage", &format!("{long}{late}")), ("baggage", late)]).1;
        assert_eq!(baggage.routing.space_id.as_deref(), Some("s"));
        assert_eq!(
            (baggage.members.len(), baggage.routing.project_name),
            (2, None)
        );
        let many = (0..99).fold(String::new(), |many, n| many + &format!("k{n}=v,"));
        let baggage = read(&[("baggage", &many), ("baggage", late)]).1;
        assert_eq!(baggage.members.len(), MAX_BAGGAGE_MEMBERS);
        assert_eq!(baggage.routing.project_name.as_deref(), Some("p"));
    }
}
