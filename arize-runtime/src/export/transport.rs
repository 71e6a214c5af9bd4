//! The way to the collector, whatever it speaks: requests are OTLP protobuf and headers; answers are
//! told in words that the worker can count and people can act on.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Uri};

use super::credentials::Credentials;
use super::grpc::Grpc;
use super::http::Http;
use super::roots::Roots;
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

/// How requests are compressed.
///
/// `Display` spells it as `OTEL_EXPORTER_OTLP_COMPRESSION` does.
///
/// ```
/// use arize_runtime::Compression;
/// assert_eq!(Compression::Gzip.to_string(), "gzip");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// With gzip.
    Gzip,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Gzip => "gzip",
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
    /// Whether the collector refused the request for its size: fewer spans at a time may get through.
    pub(crate) too_large: bool,
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
            too_large: false,
        }
    }
}

/// An answer before the key is taken out of its texts: how many spans were rejected, and why.
pub(super) type Answer = Result<(u64, String), Failure>;

/// One request under way.
pub(super) type Attempt = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What the connection of any protocol is made of.
#[derive(Debug)]
pub(crate) struct WireConfig<'a> {
    pub(crate) target: &'a Target,
    /// Of one attempt.
    pub(crate) timeout: Duration,
    pub(crate) compression: Compression,
    pub(crate) roots: Roots,
}

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
        credentials: Credentials,
        config: &WireConfig<'_>,
    ) -> Result<Self, InstallError> {
        let wire: Box<dyn Wire> = match protocol {
            Protocol::Grpc => Box::new(Grpc::new(config)?),
            Protocol::HttpProtobuf => Box::new(Http::new(config)?),
        };
        Ok(Self {
            wire,
            credentials,
            timeout: config.timeout,
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
        remedy: "raise `.timeout(..)`, or check that the collector keeps up; the spans may have arrived, and may \
                 arrive again",
        retryable: true,
        retry_after: None,
        answered: false,
        too_large: false,
    }
}

/// What to do about a collector that wants less.
pub(super) const LIMITS: &str = "the collector wants fewer or smaller requests; see its limits";

/// What to do about a connection that did not come to be, of which `message` tells.
pub(super) fn remedy_of_no_connection(message: &str) -> &'static str {
    if message.contains("HTTP/2 was not negotiated") {
        "this port speaks no HTTP/2, which gRPC needs; choose HTTP: \
         `.protocol(Protocol::HttpProtobuf)` or `OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`"
    } else if message.contains("UnknownIssuer") {
        // rustls's word for a certificate of an authority that is not known
        "if the collector's certificate is from an authority of your own, name that: \
         `.root_certificate(..)` or `OTEL_EXPORTER_OTLP_CERTIFICATE`"
    } else {
        "check that the collector runs, and the address with its scheme and port"
    }
}

/// What to do about a collector that answers that it is not well.
pub(super) const UNWELL: &str = "the collector is overloaded or restarting; its log should say why";

/// An error and what is behind it, each text once.
pub(super) fn explain(first: &str, mut next: Option<&(dyn std::error::Error + 'static)>) -> String {
    let mut message = first.trim_end_matches('.').to_owned();
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
