//! One small enum for each operation that can fail.

use std::fmt;
use std::time::Duration;

/// A space or a project that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoutingError {
    /// The space id is empty or white space. Name the space.
    BlankSpaceId,
    /// The project name is empty or white space. Name the project.
    BlankProjectName,
    /// The space id becomes an HTTP header and has a character that cannot be in one.
    SpaceIdCharacter(char),
    /// The project name has a control character.
    ProjectNameCharacter(char),
    /// The space id or project name is longer than 4,096 bytes.
    TooLong,
}

impl fmt::Display for RoutingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlankSpaceId => f.write_str("the space id is blank"),
            Self::BlankProjectName => f.write_str("the project name is blank"),
            Self::SpaceIdCharacter(c) => {
                write!(
                    f,
                    "the space id has the character {c:?}; a header value is visible ASCII"
                )
            }
            Self::ProjectNameCharacter(c) => {
                write!(f, "the project name has the control character {c:?}")
            }
            Self::TooLong => f.write_str("the space id or project name is longer than 4096 bytes"),
        }
    }
}

impl std::error::Error for RoutingError {}

/// A text that names no host, from [`Propagation::baggage_to`](crate::Propagation::baggage_to).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostError {
    /// What was given.
    pub host: String,
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        write!(
            f,
            "`{host}` names no host; write `host`, `host:port` or `*.domain`, without a scheme or a path"
        )
    }
}

impl std::error::Error for HostError {}

/// Why a pipeline could not be made.
///
/// `Debug` writes the same sentence as `Display`, since it is what a `main` shows that returns it.
#[non_exhaustive]
pub enum InstallError {
    /// No API key was given and the endpoint is not on this machine. Set the variable or call
    /// [`api_key`](crate::RegisterWithRouting::api_key).
    ApiKeyMissing {
        /// Where spans would have gone.
        endpoint: String,
    },
    /// [`register`](crate::register) sends everything to one space and project, and one of them was not
    /// given. Set the variable or call the method.
    RouteMissing {
        /// The variable's name.
        variable: &'static str,
        /// The method's name.
        call: &'static str,
    },
    /// The API key has a character that cannot be in an HTTP header. The key itself is not shown.
    ApiKeyInvalid,
    /// The endpoint is no URL that spans can be sent to.
    Endpoint {
        /// What was given.
        endpoint: String,
        /// Where it came from: a variable's name or `endpoint(..)`.
        source: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A root certificate cannot be used. Give PEM with a certificate in it, or name a file of that.
    RootCertificate {
        /// Where it came from: a variable's name or `root_certificate(..)`.
        source: &'static str,
        /// What is wrong with it, and what to do; never what is in it.
        reason: String,
    },
    /// An extra header that cannot be sent.
    Header {
        /// Its name; the value may be secret.
        name: String,
    },
    /// A space or a project that cannot be one, from code or, for [`register`](crate::register), from the
    /// environment.
    Routing(RoutingError),
    /// A path of [`mask_keys`](crate::Registration::mask_keys) is empty or has an empty key. Write keys with
    /// points between them.
    MaskedKey {
        /// The path.
        path: String,
    },
    /// This process has installed a pipeline already, which is once for all, even after its shutdown. Keep
    /// the first handle, or call
    /// [`build`](crate::RegisterWithRouting::build) for one that touches nothing global.
    AlreadyInstalled,
    /// The export thread could not be started.
    Thread(std::io::Error),
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiKeyMissing { endpoint } => write!(
                f,
                "no API key for {endpoint}; set `ARIZE_API_KEY` or call `.api_key(..)` (an endpoint \
                 on this machine needs none)"
            ),
            Self::RouteMissing { variable, call } => write!(
                f,
                "`register` needs one space and one project; set `{variable}` or call `.{call}(..)`, or \
                 take `register_with_routing` where each request names its own"
            ),
            Self::ApiKeyInvalid => f.write_str(
                "the API key has a character that cannot be in a header; check `ARIZE_API_KEY` for \
                 quotes and line ends",
            ),
            Self::Endpoint {
                endpoint,
                source,
                reason,
            } => write!(
                f,
                "the endpoint `{endpoint}` from `{source}` {reason}; write it like \
                 `https://otlp.arize.com/v1` or `http://localhost:4317`"
            ),
            Self::RootCertificate { source, reason } => {
                write!(f, "the root certificate from `{source}` {reason}")
            }
            Self::Header { name } => {
                write!(
                    f,
                    "the extra header `{name}` cannot be sent: it belongs to the protocol, or has a character \
                     that no header may have; leave it out or mend it"
                )
            }
            Self::Routing(error) => write!(
                f,
                "{error}; check the space and project given at registration"
            ),
            Self::MaskedKey { path } => write!(
                f,
                "`mask_keys` was given the path `{path}`, which has an empty key; write keys with points \
                 between them, like `card.number`"
            ),
            Self::AlreadyInstalled => f.write_str(
                "a process installs one pipeline, and this one has, even if it was shut down since; keep the \
                 first handle, or call `.build()` instead of `.install()`",
            ),
            Self::Thread(error) => write!(f, "the export thread could not be started: {error}"),
        }
    }
}

impl std::error::Error for InstallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Routing(error) => Some(error),
            Self::Thread(error) => Some(error),
            _ => None,
        }
    }
}

impl From<RoutingError> for InstallError {
    fn from(error: RoutingError) -> Self {
        Self::Routing(error)
    }
}

/// `1 span`, `2 spans`.
pub(crate) struct Number(pub(crate) u64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == 1 { "" } else { "s" };
        write!(f, "{} span{plural}", self.0)
    }
}

/// Spans that a flush or shutdown did not bring to the collector.
///
/// The counts are of this flush: what was lost while it ran and what was still under way when its
/// time was over. [`Stats`](crate::Stats) has the totals of the process.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlushError {
    /// Spans that were given up, by reason.
    pub lost: crate::Losses,
    /// Spans that were not through in time. After a flush they are still in the queue; after a shutdown
    /// they have been given up, and are [`Loss::Failed`](crate::Loss::Failed) in the statistics.
    pub pending: u64,
    /// The time that the caller gave. A shutdown elsewhere may have ended the pipeline before.
    pub timeout: Duration,
    /// What the last failed request was answered, if one failed.
    pub cause: Option<String>,
}

impl fmt::Display for FlushError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut clauses = Vec::new();
        if self.lost.total() > 0 {
            let total = Number(self.lost.total());
            clauses.push(format!("{total} lost ({})", self.lost));
        }
        if self.pending > 0 || clauses.is_empty() {
            clauses.push(format!(
                "{} not sent within {:?}",
                Number(self.pending),
                self.timeout
            ));
        }
        f.write_str(&clauses.join(" and "))?;
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FlushError {}

macro_rules! debug_is_display {
    ($($error:ty),+) => {$(
        impl fmt::Debug for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )+};
}

debug_is_display!(InstallError, FlushError);
