//! Where spans are sent to.

use std::fmt;
use std::net::IpAddr;

use http::Uri;

use crate::error::InstallError;
use crate::export::Target;
use crate::semconv::{ARIZE_ENDPOINT, ARIZE_EUROPE_ENDPOINT};

/// The collector that spans are sent to.
///
/// ```
/// use arize_runtime::Endpoint;
/// assert_eq!(Endpoint::from("http://localhost:4317"), Endpoint::Url("http://localhost:4317".into()));
/// assert_eq!(Endpoint::default().as_str(), "https://otlp.arize.com/v1");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// Arize in the United States.
    #[default]
    Arize,
    /// Arize in Europe.
    ArizeEurope,
    /// Any other OTLP collector: `http://` or `https://`, a host and a port. OTLP over gRPC does not
    /// use the path.
    Url(String),
}

impl Endpoint {
    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Arize => ARIZE_ENDPOINT,
            Self::ArizeEurope => ARIZE_EUROPE_ENDPOINT,
            Self::Url(url) => url,
        }
    }
}

/// Shows nothing of a URL that may be secret.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arize => f.write_str("Arize"),
            Self::ArizeEurope => f.write_str("ArizeEurope"),
            Self::Url(url) => f.debug_tuple("Url").field(&without_secrets(url)).finish(),
        }
    }
}

impl From<&str> for Endpoint {
    fn from(url: &str) -> Self {
        Self::Url(url.to_owned())
    }
}

impl From<String> for Endpoint {
    fn from(url: String) -> Self {
        Self::Url(url)
    }
}

/// Reads a URL; what is wrong with it is said of `source`.
pub(super) fn parse(url: &str, source: &'static str) -> Result<Target, InstallError> {
    let url = url.trim();
    let error = |reason: &str| InstallError::Endpoint {
        endpoint: without_secrets(url),
        source,
        reason: reason.to_owned(),
    };
    if url.find("://").is_none_or(|length| length == 0) {
        return Err(error("has no scheme (`http://` or `https://`)"));
    }
    let uri: Uri = url
        .parse()
        .map_err(|e| error(&format!("is no URL ({e})")))?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        scheme => {
            let scheme = scheme.unwrap_or_default();
            return Err(error(&format!(
                "has the scheme `{scheme}`, not `http` or `https`"
            )));
        }
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(error("has no host"));
    }
    if uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err(error(
            "has a user or password in it, which is not supported",
        ));
    }
    let port = uri.authority().map_or("", |authority| authority.as_str());
    let port = port.strip_prefix(uri.host().unwrap_or_default());
    if port.is_some_and(|port| !port.is_empty()) && uri.port_u16().is_none() {
        return Err(error("has no number from 0 to 65535 as its port"));
    }
    if uri.query().is_some() {
        return Err(error("has a query, which OTLP does not use"));
    }
    Ok(Target { uri, source })
}

/// Whether the endpoint is this machine, which nothing secret leaves.
pub(super) fn is_loopback(uri: &Uri) -> bool {
    let host = uri
        .host()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// The URL without what may be a password or a key, for messages: without a user, and what follows a `?`.
fn without_secrets(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            (format!("{scheme}://"), rest)
        }
        _ => (String::new(), url),
    };
    let (user, host) = match rest.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, rest),
    };
    let is_query = |c| matches!(c, '?' | '#');
    // A password may have a `?`, and a query an `@`: what is what cannot be known then.
    if user.is_some_and(|user| user.contains(is_query)) {
        return format!("{scheme}..");
    }
    let user = if user.is_some() { "..@" } else { "" };
    match host.split_once(is_query) {
        Some((host, _)) => format!("{scheme}{user}{host}?.."),
        None => format!("{scheme}{user}{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_endpoint_is_told_with_where_it_came_from() {
        for (url, reason) in [
            ("localhost:4317", "has no scheme"),
            ("otlp.arize.com", "has no scheme"),
            ("otlp.arize.com:443", "has no scheme"),
            ("//otlp.arize.com", "has no scheme"),
            ("", "has no scheme"),
            ("://otlp.arize.com", "has no scheme"),
            ("grpc://localhost:4317", "has the scheme `grpc`"),
            ("ftp://localhost", "has the scheme `ftp`"),
            ("file:///etc/passwd", "is no URL"),
            ("http://", "is no URL"),
            ("http://a b", "is no URL"),
            ("http://:4317", "host"),
            ("http://host:99999", "as its port"),
            ("https://me:secret@host", "has a user or password"),
            ("https://secret@host", "has a user or password"),
            ("me:secret@host:4317", "has no scheme"),
            ("https://me:se@secret@host", "host"),
            ("https://me:secret/x@host", "host"),
            ("https://me:secret?x@host", "`https://..`"),
            ("https://me:secret#x@host", "`https://..`"),
            ("me:secret://x@host", "host"),
            ("https://host/v1?key=secret", "has a query"),
            ("https://host?key=secret@x", "has a query"),
            ("host?key=secret", "has no scheme"),
            ("https://host:99999/?key=secret", "as its port"),
        ] {
            let error = parse(url, "ARIZE_COLLECTOR_ENDPOINT")
                .expect_err(url)
                .to_string();
            let shown = format!("{:?}", Endpoint::from(url));
            assert!(!shown.contains("secret"), "{shown}");
            assert!(error.contains("write it like `https://"), "{error}");
            assert!(error.contains(reason), "{url}: {error}");
            assert!(error.contains("ARIZE_COLLECTOR_ENDPOINT"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        let target = parse(" https://otlp.arize.com/v1 ", "x").expect("good");
        assert_eq!(target.uri, "https://otlp.arize.com/v1");
    }

    #[test]
    fn loopback_is_this_machine_only() {
        let loopback = |url| is_loopback(&parse(url, "x").expect(url).uri);
        for url in [
            "http://localhost:1",
            "http://LOCALHOST",
            "http://127.8.8.8:1",
            "http://[::1]:1",
        ] {
            assert!(loopback(url), "{url}");
        }
        for url in [
            "http://127.0.0.1.nip.io",
            "http://localhost.evil.com",
            "http://0.0.0.0:1",
            "http://10.0.0.1",
        ] {
            assert!(!loopback(url), "{url}");
        }
    }
}
