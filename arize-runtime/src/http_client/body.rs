//! The body of a model's answer, which is looked at as it passes.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use reqwest::{Body, Response, ResponseBuilderExt as _};

use super::call::Call;

/// `response`, and its span, which is open until the body is at its end.
pub(super) fn observed(response: Response, call: Call) -> Response {
    let url = response.url().clone();
    let (mut parts, inner) = http::Response::from(response).into_parts();
    // the address is left behind, and only a builder can say it
    if let Ok(with_url) = http::Response::builder().url(url).body(()) {
        parts.extensions.extend(with_url.into_parts().0.extensions);
    }
    let body = Body::wrap(Observed {
        inner,
        call: Some(call),
        is_awaited: false,
    });
    http::Response::from_parts(parts, body).into()
}

/// Gives each frame on unchanged, as soon as it comes.
struct Observed {
    inner: Body,
    call: Option<Call>,
    /// Somebody waits for the next frame.
    is_awaited: bool,
}

impl HttpBody for Observed {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.is_awaited = true;
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        self.is_awaited = false;
        match &frame {
            Some(Ok(frame)) => {
                if let Some((call, bytes)) = self.call.as_mut().zip(frame.data_ref()) {
                    call.received(bytes);
                }
            }
            Some(Err(error)) => {
                if let Some(call) = self.call.take() {
                    call.failed(error, std::any::type_name_of_val(error));
                }
            }
            None => {
                if let Some(call) = self.call.take() {
                    call.finish();
                }
            }
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// As a stream that a function returned: dropped while somebody waits, it was cancelled; dropped before, its reader had
/// enough.
impl Drop for Observed {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            if self.is_awaited {
                call.abandoned();
            } else {
                call.finish();
            }
        }
    }
}
