//! Why spans were not taken, and what to do about it.

use std::borrow::Cow;
use std::error::Error;

use http::Uri;
use tonic::{Code, Status};

use crate::client::{causes, root_cause, speaks_no_tls};

pub(super) const NOT_THERE: &str = "see that it is running, and takes OTLP/gRPC there (OTLP/HTTP is spoken to port \
                                    4318 and to paths that end in `/v1/traces`)";

pub(super) const KEY: &str =
    "give its key with `--forward-header`, such as `--forward-header authorization=KEY`";

const NO_TLS: &str = "it speaks no TLS; write `http://`";

/// Why spans were not taken.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) what: String,
    pub(super) remedy: Cow<'static, str>,
    /// Whether another attempt may succeed.
    pub(super) again: bool,
}

impl Failure {
    pub(super) fn new(what: &str, remedy: impl Into<Cow<'static, str>>, again: bool) -> Self {
        // What comes from elsewhere must neither break the line nor write to the terminal.
        let what = what
            .chars()
            .take(300)
            .map(|c| if c.is_control() { ' ' } else { c });
        Self {
            what: what.collect(),
            remedy: remedy.into(),
            again,
        }
    }

    /// An OTLP/HTTP request to which there was no answer.
    pub(super) fn of_http(error: &(dyn Error + 'static)) -> Self {
        let text = root_cause(error);
        let no_http = |cause: &(dyn Error + 'static)| {
            cause.downcast_ref().is_some_and(hyper::Error::is_parse)
        };
        if speaks_no_tls(error) {
            Self::new(&text, NO_TLS, false)
        } else if causes(error).any(no_http) {
            let remedy = "this is probably an OTLP/gRPC port; leave `/v1/traces` off";
            Self::new(&text, remedy, false)
        } else {
            Self::new(&text, "see that it is running", true)
        }
    }

    /// An OTLP/gRPC request that was refused, or to which there was no answer.
    pub(super) fn of_grpc(status: &Status, uri: &Uri) -> Self {
        let text = match status.source() {
            Some(source) => root_cause(source), // no answer at all
            None => format!("{:?}: {}", status.code(), status.message()),
        };
        if status.source().is_some_and(speaks_no_tls) {
            return Self::new(&text, NO_TLS, false);
        }
        // So an answer in HTTP/1 reads as HTTP/2, and what HTTP/2 answers where nobody knows of gRPC.
        if text.ends_with("frame with invalid size") || text.contains("grpc-status header missing")
        {
            let remedy = format!("this is probably a web port; try `--forward {uri}v1/traces`");
            return Self::new(&text, remedy, false);
        }
        match status.code() {
            Code::Unauthenticated | Code::PermissionDenied => Self::new(&text, KEY, false),
            Code::Unavailable
            | Code::ResourceExhausted
            | Code::DeadlineExceeded
            | Code::Aborted => Self::new(&text, NOT_THERE, true),
            // A broken connection is told as that, too.
            Code::Unknown | Code::Cancelled if status.source().is_some() => {
                Self::new(&text, NOT_THERE, true)
            }
            _ => Self::new(&text, NOT_THERE, false),
        }
    }
}
