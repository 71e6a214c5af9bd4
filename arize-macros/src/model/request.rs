//! Where a handler's headers and body are: what the attribute says, else plain rules over the names of
//! the arguments' types. The type system checks what was found.

use syn::{Expr, Ident, Signature, Type};

use super::Argument;
use crate::args::{Args, Given};
use crate::errors::{Errors, listed};

/// A handler's request.
pub(crate) struct Request {
    pub(crate) headers: Source,
    pub(crate) body: BodyIs,
}

/// Something in the function's arguments.
pub(crate) enum Source {
    /// An argument, shown at its type, behind so many references and wrappers.
    Argument { ident: Ident, dereferences: usize },
    /// What the attribute says.
    Expression(Expr),
}

pub(crate) enum BodyIs {
    Absent,
    Read(Source),
    /// Inside this request.
    In(Source),
}

impl Request {
    /// Whether this argument is read before it is bound to its pattern.
    pub(crate) fn reads(&self, argument: &Ident) -> bool {
        let is =
            |source: &Source| matches!(source, Source::Argument { ident, .. } if ident == argument);
        let body =
            |body: &BodyIs| matches!(body, BodyIs::Read(from) | BodyIs::In(from) if is(from));
        is(&self.headers) || body(&self.body)
    }
}

/// Types that carry headers, by the last segment of their path.
const HEADERS: &[&str] = &[
    "HeaderMap",
    "HttpRequest",
    "Request",
    "Parts",
    "MetadataMap",
];
/// Types that are a body.
const BODIES: &[&str] = &[
    "Json",
    "JsonBody",
    "Value",
    "Bytes",
    "String",
    "str",
    "AgentRequest",
];
/// Types that have a body inside, which is read where there is no other.
const REQUESTS: &[&str] = &["Request"];
/// Bodies that are wrappers and dereference to what they wrap.
const WRAPPERS: &[&str] = &["Json", "JsonBody"];

pub(crate) fn find(
    args: &Args,
    signature: &Signature,
    arguments: &[Argument],
    errors: &mut Errors,
) -> Option<Request> {
    let headers = headers(args, signature, arguments, errors);
    let body = body(args, signature, arguments, errors);
    Some(Request {
        headers: headers?,
        body: body?,
    })
}

fn headers(
    args: &Args,
    signature: &Signature,
    arguments: &[Argument],
    errors: &mut Errors,
) -> Option<Source> {
    if let Some(expression) = &args.headers {
        return Some(Source::Expression(expression.clone()));
    }
    let carries = |argument: &&Argument| HEADERS.contains(&last_segment(&argument.ty).0.as_str());
    let found: Vec<_> = arguments.iter().filter(carries).collect();
    match found.as_slice() {
        [one] => Some(argument(one)),
        [] => {
            errors.add(
                &signature.ident,
                format!(
                    "no argument of `{}` carries the request's headers; add one, such as \
                     `headers: HeaderMap`, or write `headers = <expression>` in the attribute",
                    signature.ident
                ),
            );
            None
        }
        several => {
            let names = listed(several.iter().map(|argument| argument.name.as_str()));
            let first = &several[0].name;
            let message = format!(
                "{names} could all carry the request's headers; write `headers = {first}` in the attribute"
            );
            errors.add(&several[1].ty, message);
            None
        }
    }
}

fn body(
    args: &Args,
    signature: &Signature,
    arguments: &[Argument],
    errors: &mut Errors,
) -> Option<BodyIs> {
    match &args.body {
        Some(Given::None) => return Some(BodyIs::Absent),
        Some(Given::Some(expression)) => {
            return Some(BodyIs::Read(Source::Expression(expression.clone())));
        }
        None => {}
    }
    let named = |names: &[&str]| {
        let is = |argument: &&Argument| names.contains(&last_segment(&argument.ty).0.as_str());
        // the last one: frameworks take the body last
        arguments.iter().rev().find(is).map(argument)
    };
    let found = named(BODIES).map(BodyIs::Read);
    let found = found.or_else(|| named(REQUESTS).map(BodyIs::In));
    if found.is_none() {
        errors.add(
            &signature.ident,
            format!(
                "no argument of `{}` is the request's body (`Json<_>`, `Value`, `Bytes`, `String`, \
                 `AgentRequest<_>`); write `body = <expression>` in the attribute, or `body = none` \
                 and the route comes from the baggage header alone",
                signature.ident
            ),
        );
    }
    found
}

fn argument(argument: &Argument) -> Source {
    let (name, references) = last_segment(&argument.ty);
    let wrapper = usize::from(WRAPPERS.contains(&name.as_str()));
    Source::Argument {
        ident: argument.at_type(),
        dereferences: references + wrapper,
    }
}

/// The last segment of a type's path, and the references before it.
fn last_segment(ty: &Type) -> (String, usize) {
    match ty {
        Type::Path(path) => (
            path.path
                .segments
                .last()
                .map_or_else(String::new, |last| last.ident.to_string()),
            0,
        ),
        Type::Reference(reference) => {
            let (name, references) = last_segment(&reference.elem);
            (name, references + 1)
        }
        Type::Paren(paren) => last_segment(&paren.elem),
        Type::Group(group) => last_segment(&group.elem),
        _ => (String::new(), 0),
    }
}
