//! What a `macro_rules` macro hands on (`$e:expr`, `$t:ty`, `$b:block`) stands in a group without
//! delimiters. These see through it, so that it counts as if written by hand.

use proc_macro2::{Group, TokenTree};
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, Type};

/// The expression itself.
pub(crate) fn expression(mut expression: Expr) -> Expr {
    while let Expr::Group(group) = expression {
        expression = *group.expr;
    }
    expression
}

/// The type itself.
pub(crate) fn ty(mut ty: &Type) -> &Type {
    while let Type::Group(group) = ty {
        ty = &group.elem;
    }
    ty
}

/// The group with delimiters that comes next.
pub(crate) fn delimited(input: ParseStream<'_>) -> syn::Result<Group> {
    if !input.peek(syn::token::Group) {
        return input.parse();
    }
    match input.parse()? {
        TokenTree::Group(group) => delimited.parse2(group.stream()),
        other => Err(syn::Error::new_spanned(other, "expected a group")),
    }
}
