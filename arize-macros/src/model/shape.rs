//! What every function must be before its arguments are looked at.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use syn::Signature;

use super::Form;
use crate::errors::Errors;
use crate::kind::{Inputs, Kind};

/// An attribute of ours that finds another's expansion: told by the expansion and not by its name, since
/// other crates have attributes of the same names.
pub(super) fn check_alone(is_expanded: bool, errors: &mut Errors) {
    if is_expanded {
        let message = "an attribute of `arize_runtime` is on this function already, and a call is one span; \
                       remove one of the two";
        errors.push(syn::Error::new(Span::call_site(), message));
    }
}

/// The function's block.
pub(super) fn check(
    kind: &Kind,
    signature: &Signature,
    body: Option<Group>,
    errors: &mut Errors,
) -> Group {
    let attribute = kind.attribute;
    if let Some(constant) = &signature.constness {
        let message = format!(
            "`#[{attribute}]` cannot be put on a `const fn`, which runs at compile time; remove `const`"
        );
        errors.add(constant, message);
    }
    if let Some(variadic) = &signature.variadic {
        errors.add(
            variadic,
            format!(
                "`#[{attribute}]` cannot be put on a variadic function; put it on a function that calls it"
            ),
        );
    }
    body.unwrap_or_else(|| {
        let message = format!(
            "`#[{attribute}]` needs a body; put it on the method of each `impl`, or on a function that calls \
             a foreign one"
        );
        errors.add(&signature.ident, message);
        Group::new(Delimiter::Brace, TokenStream::new())
    })
}

pub(super) fn check_async(kind: &Kind, signature: &Signature, form: Form, errors: &mut Errors) {
    if kind.inputs == Inputs::Body && form == Form::Sync {
        let attribute = kind.attribute;
        let message = format!(
            "`#[{attribute}]` needs an async function; write `async fn {}`",
            signature.ident
        );
        errors.add(signature.fn_token, message);
    }
}
