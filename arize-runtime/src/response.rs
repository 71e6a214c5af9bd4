//! What a handler's response says, asked of its type: whether it failed, and the value inside.

use http::StatusCode;
use serde_json::value::RawValue;

use crate::levels::levels;
use crate::outcome::{LastLevel, Projected, Returned, Seen, returned};
use crate::recording::{self, Recorded};

impl<'a, T> Returned<'a, (StatusCode, T)> {
    /// The body of a response with a status: 5xx is an error.
    #[must_use]
    pub fn body(&self) -> Returned<'a, T> {
        let seen = self.seen();
        if let Some((status, _)) = seen.value {
            seen.status(*status);
        }
        returned(seen.of(seen.value.map(|(_, body)| body)))
    }
}

#[cfg(feature = "tonic")]
impl<'a, M> Returned<'a, tonic::Response<M>> {
    /// The message of a gRPC response, which is a success.
    #[must_use]
    pub fn body(&self) -> Returned<'a, M> {
        let seen = self.seen();
        returned(seen.of(seen.value.map(tonic::Response::get_ref)))
    }
}

impl<'a, B> Returned<'a, http::Response<B>> {
    /// The body of a response: 5xx is an error.
    #[must_use]
    pub fn body(&self) -> ResponseBody<'a, B> {
        let seen = self.seen();
        if let Some(response) = seen.value {
            seen.status(response.status());
        }
        let body = seen.value.map(http::Response::body);
        ResponseBody(returned(seen.of(body)))
    }
}

levels! {
    /// Text or bytes?
    ResponseBody => Returned<'a, T>;
}

impl<T: AsRef<[u8]>> ResponseBody<'_, T> {
    /// What goes to the caller: JSON, or text. What is neither is not recorded.
    pub fn respond(&self) {
        self.seen().keep(|body| {
            let bytes = recording::guarded(|| body.as_ref())?;
            let text = std::str::from_utf8(bytes).ok()?.to_owned();
            let json = serde_json::from_str::<&RawValue>(&text).is_ok();
            Some(if json {
                Recorded::of_json(text)
            } else {
                Recorded::Text(text)
            })
        });
    }
}

/// A response whose body is not read.
#[derive(Debug)]
pub struct Unread<'a, T: ?Sized>(Returned<'a, T>);

impl<'a, T: ?Sized> Unread<'a, T> {
    /// Nothing.
    #[expect(
        clippy::unused_self,
        reason = "the levels of a method have one form of call"
    )]
    pub fn respond(&self) {}

    /// Nothing, nor of a stream that the response is made of.
    pub fn skip(&self) {
        self.0.seen().skip();
    }

    /// What `f` makes of the response.
    pub fn at<O>(&self, f: impl FnOnce(&'a T) -> O) -> Projected<'a, O> {
        LastLevel::at(&self.0, f)
    }
}

/// Responses with a status, whose body is not read: 5xx is an error.
macro_rules! statuses {
    ($($(#[$feature:meta])* [$($generic:ident)?] $type:ty => |$response:ident| $status:expr;)+) => {$(
        $(#[$feature])*
        impl<'a, $($generic)?> Returned<'a, $type> {
            /// The response itself; 5xx is an error.
            #[must_use]
            pub fn body(&self) -> Unread<'a, $type> {
                let seen = self.seen();
                if let Some($response) = seen.value {
                    seen.status($status);
                }
                Unread(returned(seen))
            }
        }
    )+};
}

statuses! {
    [] StatusCode => |status| *status;
    // of a `http` of its own
    #[cfg(feature = "actix-web")]
    [B] actix_web::HttpResponse<B> => |response| {
        StatusCode::from_u16(response.status().as_u16()).unwrap_or_default()
    };
    #[cfg(feature = "poem")]
    [] poem::Response => |response| response.status();
}

impl<'a, T: ?Sized> LastLevel<'a, T> {
    /// The value itself.
    #[must_use]
    pub fn body(&self) -> Returned<'a, T> {
        returned(self.seen())
    }
}

#[cfg(feature = "tonic")]
impl<'a, T> crate::outcome::Outcome<'a, Result<T, tonic::Status>> {
    /// The success value; the code, the message and the chain of sources of a status.
    #[must_use]
    pub fn value(&self) -> Returned<'a, T> {
        self.seen().success(|seen, status| {
            let (code, message) = (status.code(), status.message());
            let message = Some(message.to_owned()).filter(|message| !message.is_empty());
            let cause = std::error::Error::source(status);
            seen.span.error(&format!("{code:?}"), message, cause);
        })
    }
}

impl<T: ?Sized> Seen<'_, T> {
    fn status(&self, status: StatusCode) {
        if status.is_server_error() {
            let reason = status.canonical_reason().map(str::to_owned);
            self.span.error(status.as_str(), reason, None);
        }
    }
}
