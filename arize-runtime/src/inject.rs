//! The current Context as headers of an outgoing call: trace context for everyone, baggage for hosts that are named.
//!
//! Own code for the reason that extraction is: the SDK's propagator writes values that it cuts itself when it reads them,
//! and Arize's space would go wherever its baggage goes.

use std::fmt;

use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use opentelemetry::Context;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};

use crate::error::HostError;
use crate::propagation::{MAX_BAGGAGE_BYTES, MAX_BAGGAGE_MEMBERS, is_token};
use crate::routing::Routing;
use crate::semconv;

/// Headers that an outgoing call is made with: [`http::HeaderMap`] (reqwest's and hyper's too), and tonic's
/// `MetadataMap` and `Request` with the feature `tonic`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes no headers",
    label = "expected `http::HeaderMap`",
    note = "reqwest takes one by `.headers(..)`, and shows one by `request.headers_mut()`"
)]
pub trait HeaderSink {
    /// Sets the header to this one value, or removes it.
    fn set(&mut self, name: &HeaderName, value: Option<HeaderValue>);
}

impl HeaderSink for HeaderMap {
    fn set(&mut self, name: &HeaderName, value: Option<HeaderValue>) {
        match value {
            Some(value) => drop(self.insert(name, value)),
            None => drop(self.remove(name)),
        }
    }
}

impl<B> HeaderSink for http::Request<B> {
    fn set(&mut self, name: &HeaderName, value: Option<HeaderValue>) {
        self.headers_mut().set(name, value);
    }
}

#[cfg(feature = "tonic")]
#[cfg_attr(docsrs, doc(cfg(feature = "tonic")))]
impl HeaderSink for tonic::metadata::MetadataMap {
    fn set(&mut self, name: &HeaderName, value: Option<HeaderValue>) {
        let mut headers = std::mem::take(self).into_headers();
        headers.set(name, value);
        *self = Self::from_headers(headers);
    }
}

#[cfg(feature = "tonic")]
#[cfg_attr(docsrs, doc(cfg(feature = "tonic")))]
impl<M> HeaderSink for tonic::Request<M> {
    fn set(&mut self, name: &HeaderName, value: Option<HeaderValue>) {
        self.metadata_mut().set(name, value);
    }
}

/// Writes `traceparent` and `tracestate` of the current span, so that what the other side traces is its child.
///
/// Both are replaced where they are there already. Without a current span nothing is changed. `baggage` is not written:
/// it names the space, which is nobody's business but the agent's; see [`Propagation`] for calls of your own services.
///
/// ```
/// # async fn f(client: reqwest::Client) -> Result<(), reqwest::Error> {
/// let mut headers = http::HeaderMap::new();
/// arize_runtime::inject(&mut headers);
/// client.get("http://flights.example").headers(headers).send().await?;
/// # Ok(())
/// # }
/// ```
///
/// With tonic, for every call of a client: `FlightsClient::with_interceptor(channel, |mut request: tonic::Request<()>| {
/// arize_runtime::inject(&mut request); Ok(request) })`.
pub fn inject(headers: &mut impl HeaderSink) {
    Context::map_current(|context| write_parent(context, headers));
}

/// What goes along with outgoing calls, and where to: trace context everywhere, baggage to the hosts that are named.
///
/// Baggage carries the space and the project of the current [`Routing`], and what else is in the Context's baggage. An
/// annotated agent that is called with it is traced in the same space and project as its caller.
///
/// ```
/// use arize_runtime::Propagation;
///
/// let propagation = Propagation::new().baggage_to(["hotels.internal:8080", "*.agents.internal"])?;
/// let mut headers = http::HeaderMap::new();
/// propagation.inject("http://planner.agents.internal/invoke", &mut headers); // with baggage, if there is some
/// propagation.inject("https://api.openai.com/v1/responses", &mut headers);   // never with
/// # Ok::<(), arize_runtime::HostError>(())
/// ```
///
/// A client that follows a redirect to another host may take the headers along (reqwest removes `authorization` and
/// `cookie` then, and nothing else): call services that redirect elsewhere with a client that does not follow.
#[derive(Debug, Clone, Default)]
pub struct Propagation {
    baggage_to: Vec<Host>,
}

impl Propagation {
    /// Trace context for every host, baggage for none.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Baggage goes to these hosts as well: `host`, `host:port`, or `*.domain` for every host below `domain` (but not
    /// for `domain` itself). Without a port, to any port of it.
    ///
    /// # Errors
    /// One is no host: an empty text, a URL, or one with a user in it.
    pub fn baggage_to<H: AsRef<str>>(
        mut self,
        hosts: impl IntoIterator<Item = H>,
    ) -> Result<Self, HostError> {
        for host in hosts {
            self.baggage_to.push(Host::parse(host.as_ref())?);
        }
        Ok(self)
    }

    /// Writes into the headers of a call of `url` what goes there, from the current Context.
    ///
    /// As [`inject`], and the header `baggage` where the host of `url` is named; there it replaces what was in it. A `url`
    /// that cannot be read is no host that is named.
    pub fn inject(&self, url: impl TryInto<Uri>, headers: &mut impl HeaderSink) {
        Context::map_current(|context| self.inject_context(context, url, headers));
    }

    /// The same from a Context that is not attached.
    pub(crate) fn inject_context(
        &self,
        context: &Context,
        url: impl TryInto<Uri>,
        headers: &mut impl HeaderSink,
    ) {
        write_parent(context, headers);
        if url.try_into().is_ok_and(|url| self.trusts(&url))
            && let Some(baggage) = baggage(context)
        {
            headers.set(&semconv::BAGGAGE, HeaderValue::try_from(baggage).ok());
        }
    }

    fn trusts(&self, url: &Uri) -> bool {
        let Some(host) = url.host() else { return false };
        let port = url.port_u16().or_else(|| match url.scheme_str() {
            Some("http") => Some(80),
            Some("https") => Some(443),
            _ => None,
        });
        self.baggage_to.iter().any(|known| known.is(host, port))
    }
}

#[derive(Clone)]
struct Host {
    /// Without `*.`.
    name: String,
    below: bool,
    port: Option<u16>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, below, port } = self;
        let below = if *below { "*." } else { "" };
        match port {
            Some(port) => write!(f, "{below}{name}:{port}"),
            None => write!(f, "{below}{name}"),
        }
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, HostError> {
        let error = || HostError {
            host: text.to_owned(),
        };
        let (below, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let authority: Authority = rest.parse().map_err(|_| error())?;
        let name = authority.host();
        let after = rest.strip_prefix(name).ok_or_else(error)?; // a user stands before it
        let port = authority.port_u16();
        let known_letters = name.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']')
        });
        if name.is_empty() || !known_letters || after.is_empty() != port.is_none() {
            return Err(error());
        }
        Ok(Self {
            name: name.to_ascii_lowercase(),
            below,
            port,
        })
    }

    fn is(&self, host: &str, port: Option<u16>) -> bool {
        if self.port.is_some() && self.port != port {
            return false;
        }
        if !self.below {
            return host.eq_ignore_ascii_case(&self.name);
        }
        let host = host.to_ascii_lowercase();
        let below = host.strip_suffix(&self.name);
        below.is_some_and(|below| below.len() > 1 && below.ends_with('.'))
    }
}

/// As headers of these names, with the parent replaced; nothing where there is no span.
pub(crate) fn write_parent(context: &Context, headers: &mut impl HeaderSink) {
    let Some(parent) = Parent::of(context) else {
        return;
    };
    let header = |value: String| HeaderValue::try_from(value).ok();
    headers.set(&semconv::TRACEPARENT, header(parent.traceparent));
    headers.set(&semconv::TRACESTATE, parent.tracestate.and_then(header));
}

/// The current span for somebody else.
pub(crate) struct Parent {
    pub(crate) traceparent: String,
    pub(crate) tracestate: Option<String>,
}

impl Parent {
    /// W3C Trace Context, section 3.2 and 3.3.
    pub(crate) fn of(context: &Context) -> Option<Self> {
        let span = context.span();
        let span = Some(span.span_context()).filter(|span| SpanContext::is_valid(span))?;
        Some(Self {
            traceparent: format!(
                "00-{}-{}-{:02x}",
                span.trace_id(),
                span.span_id(),
                span.trace_flags()
            ),
            tracestate: Some(span.trace_state().header()).filter(|state| !state.is_empty()),
        })
    }
}

/// W3C Baggage: the route, then the other members while there is room.
pub(crate) fn baggage(context: &Context) -> Option<String> {
    let mut header = String::new();
    let mut members = 0;
    let mut add = |key: &str, value: &str| {
        if !is_token(key) || members == MAX_BAGGAGE_MEMBERS {
            return;
        }
        let separator = if header.is_empty() { "" } else { "," };
        let member = format!("{separator}{key}={}", percent_encoded(value));
        if header.len() + member.len() <= MAX_BAGGAGE_BYTES {
            header += &member;
            members += 1;
        }
    };
    let routing = Routing::of(context);
    if let Some(routing) = routing {
        add(semconv::BAGGAGE_SPACE_ID, routing.space_id());
        add(semconv::BAGGAGE_PROJECT_NAME, routing.project_name());
    }
    for (key, (value, _)) in context.baggage() {
        let ours = [semconv::BAGGAGE_SPACE_ID, semconv::BAGGAGE_PROJECT_NAME];
        if routing.is_none() || !ours.contains(&key.as_str()) {
            add(key.as_str(), value.as_str());
        }
    }
    (!header.is_empty()).then_some(header)
}

/// All but letters, digits and `-._~`: other readers cut a value at `=` or take `+` for a space.
pub(crate) fn percent_encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baggage_goes_to_the_hosts_that_are_named_and_to_no_other() {
        let propagation = Propagation::new()
            .baggage_to([
                "Hotels.internal",
                "a.internal:8080",
                "*.agents.internal",
                "[::1]:1",
            ])
            .expect("hosts");
        let trusts = |url: &str| url.parse().is_ok_and(|url| propagation.trusts(&url));
        for url in [
            "http://hotels.internal",
            "https://hotels.INTERNAL:99/invoke?x=1",
            "http://a.internal:8080/",
            "http://x.agents.internal",
            "http://x.y.agents.internal:1",
            "http://u:p@hotels.internal",
            "http://[::1]:1",
        ] {
            assert!(trusts(url), "{url}");
        }
        for url in [
            "http://agents.internal",
            "http://evilagents.internal",
            "http://.agents.internal",
            "http://hotels.internal.evil.org",
            "http://evil-hotels.internal",
            "http://hotels.internal@evil.org",
            "http://evil.org/hotels.internal",
            "http://evil.org#hotels.internal",
            "http://a.internal",
            "http://a.internal:80",
            "/hotels.internal",
            "hotels.internal.",
            "http://[::1]:2",
        ] {
            assert!(!trusts(url), "{url}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in [
            "", "*", "*.", "http://h", "h/path", "u@h", "h:port", "h:", "a b", "*.*.h", "h:99999",
        ] {
            assert!(Propagation::new().baggage_to([host]).is_err(), "{host}");
        }
    }
}
