//! The way to the collector, whatever it speaks: requests are OTLP protobuf and headers; answers are
//! told in words that the worker can count and people can act on.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Uri;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::grpc::Grpc;
use super::http::Http;
use crate::error::InstallError;

pub(super) const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// How often an idle connection is probed, so that what lies between does not forget it.
pub(super) const KEEPALIVE: Duration = Duration::from_secs(60);

/// What spans are sent with.
///
/// `Display` spells it as `OTEL_EXPORTER_OTLP_PROTOCOL` does.
///
/// ```
/// use arize_runtime::Protocol;
/// assert_eq!(Protocol::HttpProtobuf.to_string(), "http/protobuf");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// OTLP over gRPC.
    #[default]
    Grpc,
    /// OTLP over HTTP with binary protobuf.
    HttpProtobuf,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
        })
    }
}

/// Where spans go, and who said so.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) uri: Uri,
    /// The variable or the call that it came from.
    pub(crate) source: &'static str,
}

impl Target {
    /// What the address lets expect: port 4318 and a path that ends in `/v1/traces` are HTTP's.
    pub(crate) fn protocol(&self) -> Protocol {
        let path = self.uri.path().trim_end_matches('/');
        if self.uri.port_u16() == Some(4318) || path.ends_with("/v1/traces") {
            Protocol::HttpProtobuf
        } else {
            Protocol::Grpc
        }
    }
}

/// The API key and the user's own headers. `Debug` shows neither.
#[derive(Clone)]
pub(crate) struct Credentials {
    key: Option<HeaderValue>,
    /// What the key is replaced by in texts that a collector sends.
    secret: Option<Arc<str>>,
    extra: HeaderMap,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Credentials {
    pub(crate) fn new(
        key: Option<&str>,
        headers: &[(String, String)],
    ) -> Result<Self, InstallError> {
        let value = match key {
            Some(key) => {
                let mut value =
                    HeaderValue::from_str(key).map_err(|_| InstallError::ApiKeyInvalid)?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        let mut extra = HeaderMap::new();
        for (name, value) in headers {
            let error = || InstallError::Header { name: name.clone() };
            let header = HeaderName::try_from(name.as_str()).map_err(|_| error())?;
            let mut value = HeaderValue::from_str(value).map_err(|_| error())?;
            if is_of_the_protocol(&header) {
                return Err(error());
            }
            value.set_sensitive(true);
            extra.append(header, value);
        }
        Ok(Self {
            key: value,
            secret: key.map(Arc::from),
            extra,
        })
    }

    /// The headers of a request: the user's first and ours last, so that nothing can change ours.
    pub(crate) fn headers(&self, space_id: &str) -> HeaderMap {
        let mut headers = self.extra.clone();
        headers.reserve(9);
        if let Some(key) = &self.key {
            headers.insert(AUTHORIZATION, key.clone());
            headers.insert(HeaderName::from_static("api_key"), key.clone());
        }
        // Ids are checked where they come in; one that cannot be a header is never sent as another.
        let space_id =
            HeaderValue::from_str(space_id).unwrap_or_else(|_| HeaderValue::from_static(""));
        headers.insert(HeaderName::from_static("arize-space-id"), space_id.clone());
        headers.insert(HeaderName::from_static("space_id"), space_id);
        for (name, value) in [
            ("arize-interface", "otel"),
            ("sdk-language", "rust"),
            ("sdk-version", env!("CARGO_PKG_VERSION")),
            ("sdk-package-name", env!("CARGO_PKG_NAME")),
        ] {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    /// A collector's own words, fit for a log: one line, not too long, without the key.
    pub(crate) fn clean(&self, message: &str) -> String {
        let message = match self.secret.as_deref() {
            Some(secret) if !secret.is_empty() => message.replace(secret, "[the API key]"),
            _ => message.to_owned(),
        };
        let shown = message
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c });
        shown.take(500).collect()
    }
}

/// Headers that belong to HTTP or gRPC and would break the request.
fn is_of_the_protocol(name: &HeaderName) -> bool {
    const NAMES: [&str; 8] = [
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "te",
        "transfer-encoding",
        "user-agent",
    ];
    NAMES.contains(&name.as_str()) || name.as_str().starts_with("grpc-")
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The collector took it, but for so many spans; what it says of them, or of the rest.
    Taken {
        rejected: u64,
        message: String,
    },
    Failed(Failure),
}

/// A request that was not taken.
#[derive(Debug)]
pub(crate) struct Failure {
    /// As the protocol spells it: `UNAVAILABLE`, `HTTP 503`.
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
    /// What the user can do.
    pub(crate) remedy: &'static str,
    pub(crate) retryable: bool,
    /// When the collector wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
    /// Whether the collector itself said so. If not, it is the network, or nobody answered.
    pub(crate) answered: bool,
}

impl Failure {
    pub(super) fn panicked() -> Self {
        Self {
            code: "INTERNAL".into(),
            message: "the request panicked".to_owned(),
            remedy: "please report this",
            retryable: false,
            retry_after: None,
            answered: false,
        }
    }
}

/// An answer before the key is taken out of its texts: how many spans were rejected, and why.
pub(super) type Answer = Result<(u64, String), Failure>;

/// One request under way.
pub(super) type Attempt = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A protocol and its connection.
pub(super) trait Wire: fmt::Debug + Send {
    /// Takes a new connection, which opens with the next request. To be called within a runtime.
    fn connect(&mut self);

    fn send(&self, headers: HeaderMap, body: Bytes) -> Attempt;
}

/// Everything that a [`Transport`] is made of; opened on the thread that does the I/O.
#[derive(Debug)]
pub(crate) struct TransportConfig {
    wire: Box<dyn Wire>,
    credentials: Credentials,
    timeout: Duration,
}

impl TransportConfig {
    pub(crate) fn new(
        protocol: Protocol,
        target: &Target,
        credentials: Credentials,
        timeout: Duration,
    ) -> Result<Self, InstallError> {
        let wire: Box<dyn Wire> = match protocol {
            Protocol::Grpc => Box::new(Grpc::new(target, timeout)?),
            Protocol::HttpProtobuf => Box::new(Http::new(target, timeout)?),
        };
        Ok(Self {
            wire,
            credentials,
            timeout,
        })
    }

    /// To be called within the runtime whose thread does the I/O.
    pub(crate) fn open(self) -> Transport {
        let mut transport = Transport {
            config: self,
            alive: Instant::now(),
        };
        transport.config.wire.connect();
        transport
    }
}

/// An open way to the collector.
#[derive(Debug)]
pub(crate) struct Transport {
    config: TransportConfig,
    /// When the collector answered last, or a new connection was taken.
    alive: Instant,
}

impl Transport {
    /// Sends an encoded request in the name of a space. Ends within the attempt's timeout.
    pub(crate) fn send(
        &self,
        space_id: &str,
        body: Bytes,
    ) -> impl Future<Output = Reply> + Send + 'static {
        let TransportConfig {
            wire,
            credentials,
            timeout,
        } = &self.config;
        let attempt = wire.send(credentials.headers(space_id), body);
        let (credentials, timeout) = (credentials.clone(), *timeout);
        async move {
            match tokio::time::timeout(timeout, attempt).await {
                Ok(Ok((rejected, message))) => Reply::Taken {
                    rejected,
                    message: credentials.clean(&message),
                },
                Ok(Err(mut failure)) => {
                    failure.message = credentials.clean(&failure.message);
                    Reply::Failed(failure)
                }
                Err(_elapsed) => Reply::Failed(no_answer(timeout)),
            }
        }
    }

    /// Tells of the answer to a request that was sent at `sent`.
    ///
    /// A connection that died without a word (a NAT forgot it) would take minutes to be noticed: one
    /// on which nothing was answered since a request was sent that has timed out is replaced.
    pub(crate) fn observe(&mut self, answered: bool, sent: Instant) {
        if answered {
            self.alive = Instant::now();
        } else if self.alive <= sent && sent.elapsed() >= self.config.timeout {
            self.config.wire.connect();
            self.alive = Instant::now();
        }
    }
}

fn no_answer(timeout: Duration) -> Failure {
    Failure {
        code: "DEADLINE_EXCEEDED".into(),
        message: format!("no answer within {timeout:?}"),
        remedy: "check that the collector keeps up, or raise `.timeout(..)`",
        retryable: true,
        retry_after: None,
        answered: false,
    }
}

/// An error and what is behind it, each text once.
pub(super) fn explain(first: &str, mut next: Option<&(dyn std::error::Error + 'static)>) -> String {
    let mut message = first.to_owned();
    while let Some(error) = next {
        let text = error.to_string();
        if !message.contains(&text) {
            if !message.is_empty() {
                message += ": ";
            }
            message += &text;
        }
        next = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "secret-key";

    fn credentials(headers: &[(&str, &str)]) -> Result<Credentials, InstallError> {
        let headers: Vec<_> = headers
            .iter()
            .map(|&(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        Credentials::new(Some(KEY), &headers)
    }

    #[test]
    fn the_users_headers_cannot_change_ours() {
        let ours = [
            ("authorization", "other"),
            ("Arize-Space-Id", "other"),
            ("space_id", "other"),
        ];
        let mut all = ours.to_vec();
        all.push(("x-team", "blue"));
        let headers = credentials(&all)
            .expect("good headers")
            .headers("U3BhY2U6MQ==");
        let values = |name| headers.get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(values("authorization"), [KEY]);
        assert_eq!(values("api_key"), [KEY]);
        assert_eq!(values("arize-space-id"), ["U3BhY2U6MQ=="]);
        assert_eq!(values("space_id"), ["U3BhY2U6MQ=="]);
        assert_eq!(values("x-team"), ["blue"]);
    }

    #[test]
    fn headers_of_the_protocol_are_refused() {
        for name in ["grpc-timeout", "Content-Type", "te", "b a d"] {
            let error = credentials(&[(name, "x")]).expect_err(name).to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn the_key_is_never_shown() {
        let credentials = credentials(&[("x", "other secret")]).expect("good headers");
        let shown = format!("{credentials:?} {:?}", credentials.headers("s"));
        assert!(!shown.contains("secret"), "{shown}");
        assert_eq!(credentials.clean("no\nsecret-key"), "no [the API key]");
        assert!(
            !Credentials::new(Some("a\nb"), &[])
                .expect_err("a newline")
                .to_string()
                .contains("a\nb")
        );
    }
}
