//! Where a handler's body is and how it is read, asked of its type.

use serde::Serialize;
use serde_json::Value;

use crate::agent_request::AgentRequest;
use crate::handler::{HandlerCall, handle};
use crate::levels::levels;
use crate::recording;
use crate::request::{HeaderSource, RequestBody};
use crate::span::SpanSpec;

/// For `body = none`: the route comes from the baggage header.
#[derive(Debug)]
pub struct NoBody;

impl NoBody {
    /// Begins the call.
    #[inline]
    #[must_use]
    pub fn handle(&self, spec: &'static SpanSpec, headers: &dyn HeaderSource) -> HandlerCall {
        handle(spec, headers, RequestBody::Absent)
    }
}

levels! {
    /// A request with its body inside?
    RequestArgument => LastRequest<'a, T>;
    /// A body in a form of its own?
    BodyArgument => BytesLevel<'a, T>;
    /// Text or bytes?
    BytesLevel => SerializeLevel<'a, T>;
    /// Serialises?
    SerializeLevel => LastLevel<'a, T>;
}

/// Another request.
#[derive(Debug)]
pub struct LastRequest<'a, T: ?Sized>(&'a T);

/// None of these.
#[derive(Debug)]
pub struct LastLevel<'a, T: ?Sized>(&'a T);

/// `request(&request).body()` is the [`body`] inside a handler's request.
#[must_use]
pub fn request<T: ?Sized>(argument: &T) -> RequestArgument<'_, T> {
    RequestArgument(LastRequest(argument))
}

impl<'a, B> RequestArgument<'a, http::Request<B>> {
    /// Its body.
    #[must_use]
    pub fn body(&self) -> BodyArgument<'a, B> {
        body(self.0.0.body())
    }
}

#[cfg(feature = "tonic")]
impl<'a, M> RequestArgument<'a, tonic::Request<M>> {
    /// Its message.
    #[must_use]
    pub fn body(&self) -> BodyArgument<'a, M> {
        body(self.0.0.get_ref())
    }
}

impl<T: ?Sized> LastRequest<'_, T> {
    /// Refused by the compiler.
    #[expect(
        clippy::unused_self,
        reason = "the levels of a method have one form of call"
    )]
    #[must_use]
    pub fn body(&self) -> NoBody
    where
        T: RequestWithBody,
    {
        NoBody
    }
}

/// Implemented by nothing: it carries the error for a request whose body cannot be had.
#[diagnostic::on_unimplemented(
    message = "the body of a `{Self}` cannot be read",
    label = "neither `http::Request<_>` nor, with the feature `tonic` of `arize-runtime`, `tonic::Request<_>`",
    note = "take the body as an argument of its own (`Json<_>`, `Value`, `Bytes`, `String`, `AgentRequest<_>`), or \
            write `body = <expression>` in the attribute, or `body = none` and the route comes from the baggage \
            header alone"
)]
pub trait RequestWithBody {}

/// `body(&request).handle(&SPAN, &headers)` begins the call of a handler; it asks the type of the body how
/// it is read.
#[must_use]
pub fn body<T: ?Sized>(argument: &T) -> BodyArgument<'_, T> {
    BodyArgument(BytesLevel(SerializeLevel(LastLevel(argument))))
}

macro_rules! body_forms {
    ($($level:ident [$($generics:tt)*] $type:ty => |$body:ident| $form:expr;)+) => {$(
        impl<'a, $($generics)*> $level<'a, $type> {
            /// Begins the call.
            #[inline]
            #[must_use]
            pub fn handle(&self, spec: &'static SpanSpec, headers: &dyn HeaderSource) -> HandlerCall {
                let $body = self.argument();
                handle(spec, headers, $form)
            }
        }
    )+};
}

body_forms! {
    BodyArgument [] Value => |body| RequestBody::Value(body);
    BodyArgument [] &'a Value => |body| RequestBody::Value(body);
    BodyArgument [I] AgentRequest<I> => |body| RequestBody::Text(body.as_json().as_bytes());
    BodyArgument [I] &'a AgentRequest<I> => |body| RequestBody::Text(body.as_json().as_bytes());
    BytesLevel [T: AsRef<[u8]> + ?Sized] T => |body| {
        recording::guarded(|| body.as_ref()).map_or(RequestBody::Absent, RequestBody::Text)
    };
    SerializeLevel [T: Serialize] T => |body| RequestBody::Typed(body);
}

impl<'a, T: ?Sized> LastLevel<'a, T> {
    /// From any level.
    fn argument(&self) -> &'a T {
        self.0
    }

    /// Refused by the compiler.
    #[expect(
        clippy::unused_self,
        reason = "the levels of a method have one form of call"
    )]
    #[must_use]
    pub fn handle(&self, spec: &'static SpanSpec, headers: &dyn HeaderSource) -> HandlerCall
    where
        T: ReadableBody,
    {
        NoBody.handle(spec, headers)
    }
}

/// Implemented by nothing: it carries the error for a body that cannot be read.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read as the body of an experiment's request",
    label = "neither bytes nor `serde::Serialize`",
    note = "take `AgentRequest<T>`, which keeps the JSON so that `T` needs only `Deserialize`; or derive \
            `serde::Serialize` and add a field `arize_metadata: ArizeMetadata`; or write `body = none`, and \
            the route comes from the baggage header alone",
    note = "a body that is still to be received cannot be read here; let the framework collect it (`body: Bytes`), or \
            collect it first and take `http::Request<Bytes>`"
)]
pub trait ReadableBody {}
