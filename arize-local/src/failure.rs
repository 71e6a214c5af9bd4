//! The ways in which a request fails, and what to do about each.

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nobody was there to send it to.
    NotSent,
    /// It was asked for TLS, and speaks plain HTTP.
    NoTls,
    /// The row lacks what the template of the body names.
    Incomplete,
    /// The agent closed the connection instead of answering.
    Broken,
    /// The agent did not answer in time.
    Timeout,
    /// 404 or 405.
    WrongPath,
    /// Another 4xx status.
    Refused,
    /// A 5xx status.
    Failed,
    /// Any other status: a redirect, say.
    Unexpected,
}

impl Failure {
    /// What a status says; nothing where it is 2xx.
    pub(crate) fn of_status(status: u16) -> Option<Self> {
        match status {
            200..=299 => None,
            404 | 405 => Some(Self::WrongPath),
            400..=499 => Some(Self::Refused),
            500..=599 => Some(Self::Failed),
            _ => Some(Self::Unexpected),
        }
    }

    /// Whether the agent cannot know of the request.
    pub(crate) fn never_sent(self) -> bool {
        matches!(self, Self::NotSent | Self::NoTls | Self::Incomplete)
    }

    /// Whether the agent may not have ended the request's spans: only spans that ended are exported.
    pub(crate) fn cuts_spans_off(self) -> bool {
        matches!(self, Self::Broken | Self::Timeout)
    }

    /// Whether the same request may succeed a moment later: nobody there, no answer, or a status that says so.
    ///
    /// 500 does not: there the agent itself failed, and would most likely fail again, having done its work twice.
    pub(crate) fn may_pass(status: Option<u16>) -> bool {
        match status {
            None => true,
            Some(status) => matches!(status, 408 | 429 | 502..=504),
        }
    }

    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::NotSent => "see that the agent is running, and at the address of `--agent`",
            Self::NoTls => "the agent speaks plain HTTP; write `http://`",
            Self::Incomplete => "give the row what the template names, or change the template",
            Self::Broken => {
                "see in the agent's log why it closed the connection (a crash, a panic, a restart), and that it is \
                 still running at the address of `--agent`"
            }
            Self::Timeout => {
                "raise `--timeout`, or see in the tree above where the time went: the spans that were cancelled, and \
                 those that never arrived because they did not end"
            }
            Self::WrongPath => {
                "see that the path of `--agent` is the one that takes POST requests; if it is, the agent itself \
                 answered so: read its answer above"
            }
            Self::Refused => {
                "the agent refused what was sent, `{\"input\": <row>, \"arize_metadata\": {...}}` unless `--body` or \
                 `--template` says otherwise: read its answer above, and see that it takes this body and that the row \
                 has its fields; it must answer with a 2xx status"
            }
            Self::Failed => {
                "the agent failed: read its answer and the ERROR spans in the tree above, and the agent's log; it \
                 must answer with a 2xx status"
            }
            Self::Unexpected => {
                "give `--agent` the address that answers itself, for redirects are not followed; the agent must \
                 answer with a 2xx status"
            }
        }
    }
}
