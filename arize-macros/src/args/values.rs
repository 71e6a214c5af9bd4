//! What stands after a key, and what is said of one that cannot stand there.

use proc_macro2::TokenTree;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Path, Token};

use super::Given;
use crate::errors::Errors;
use crate::groups;

/// What follows `key =`.
pub(super) fn value<'a>(
    key: &Ident,
    input: ParseStream<'a>,
    example: &str,
) -> syn::Result<ParseStream<'a>> {
    let ends = |input: ParseStream<'_>| input.is_empty() || input.peek(Token![,]);
    if !ends(input) && input.parse::<Option<Token![=]>>()?.is_none() {
        let message = format!("the value of `{key}` stands after a `=`; write `{example}`");
        return Err(syn::Error::new(key.span(), message));
    }
    if ends(input) {
        let message = format!("`{key}` needs a value; write `{example}`");
        return Err(syn::Error::new(key.span(), message));
    }
    Ok(input)
}

/// The expression after `key =`.
pub(super) fn expression(key: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<Expr> {
    whole(value(key, input, example)?, &format!("{key} ="), example)
}

/// The expression that stands here, after `before`.
pub(super) fn whole(input: ParseStream<'_>, before: &str, example: &str) -> syn::Result<Expr> {
    let start = input.span();
    let expression = input.parse().map_err(|_| {
        let message = format!("what follows `{before}` is no expression; write `{example}`");
        syn::Error::new(start, message)
    })?;
    Ok(groups::expression(expression))
}

pub(super) fn string(key: &Ident, input: ParseStream<'_>) -> syn::Result<LitStr> {
    let example = format!("{key} = \"..\"");
    let what = match expression(key, input, &example)? {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => return Ok(text),
        Expr::Lit(other) => {
            syn::Error::new_spanned(other, format!("`{key}` takes a string; write `{example}`"))
        }
        other => syn::Error::new_spanned(
            other,
            format!("`{key}` takes a string literal, no expression; write `{example}`"),
        ),
    };
    Err(what)
}

pub(super) fn flag(key: &Ident, input: ParseStream<'_>) -> syn::Result<Ident> {
    if input.is_empty() || input.peek(Token![,]) || input.peek(Ident::peek_any) {
        Ok(key.clone())
    } else {
        let message = format!("`{key}` takes no value; write `{key}` alone");
        Err(syn::Error::new(key.span(), message))
    }
}

pub(super) fn path(key: &Ident, input: ParseStream<'_>) -> syn::Result<Path> {
    let example = "crate = crate::arize";
    let input = value(key, input, example)?;
    let start = input.span();
    Path::parse_mod_style(input).map_err(|_| {
        let message = format!("`{key}` takes a path, without quotes; write `{example}`");
        syn::Error::new(start, message)
    })
}

/// `(a, b)`: names of arguments.
pub(super) fn names(
    key: &Ident,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<Vec<Ident>> {
    if !input.peek(syn::token::Paren) {
        let wanted = format!("`{key}` takes names of arguments; write `{key}(a, b)`");
        return Err(syn::Error::new(key.span(), wanted));
    }
    let content;
    syn::parenthesized!(content in input);
    if content.is_empty() {
        let wanted = format!("`{key}` names no argument; write `{key}(a, b)`");
        return Err(syn::Error::new(key.span(), wanted));
    }
    let mut names = Vec::new();
    while !content.is_empty() {
        match name(key, &content) {
            Ok(name) if names.contains(&name) => {
                let message = format!("`{name}` is named twice in `{key}`; name it once");
                errors.add(name, message);
            }
            Ok(name) => names.push(name),
            Err(error) => {
                errors.push(error);
                skip_to_comma(&content);
            }
        }
        comma(&content, errors);
    }
    Ok(names)
}

fn name(key: &Ident, input: ParseStream<'_>) -> syn::Result<Ident> {
    if let Ok(text) = input.fork().parse::<LitStr>() {
        let shown = text.value();
        let message = format!("`{key}` takes names without quotes; write `{key}({shown})`");
        return Err(syn::Error::new(text.span(), message));
    }
    let name = Ident::parse_any(input).map_err(|error| {
        let message = format!("`{key}` takes names of arguments; write `{key}(a, b)`");
        syn::Error::new(error.span(), message)
    })?;
    let name = name.unraw();
    if input.peek(Token![.]) {
        let message = format!(
            "arguments are named as a whole; write `{name}`, or hide the values of a field with \
             `.mask_keys([..])` of the registration"
        );
        return Err(syn::Error::new(name.span(), message));
    }
    Ok(name)
}

pub(super) fn given(key: &Ident, input: ParseStream<'_>) -> syn::Result<Given<Expr>> {
    or_none(key, input, &format!("{key} = .."))
}

/// An expression, or the word `none`.
fn or_none(key: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<Given<Expr>> {
    let expression = expression(key, input, example)?;
    Ok(if is_none(&expression) {
        Given::None
    } else {
        Given::Some(expression)
    })
}

pub(super) fn headers(key: &Ident, input: ParseStream<'_>) -> syn::Result<Expr> {
    let headers = expression(key, input, "headers = headers")?;
    if is_none(&headers) {
        let message = "`headers` cannot be none, since the parent and the route come with them; write \
                       `headers = headers`";
        return Err(syn::Error::new_spanned(headers, message));
    }
    Ok(headers)
}

fn is_none(expression: &Expr) -> bool {
    matches!(expression, Expr::Path(path) if path.path.is_ident("none"))
}

/// A closure, a path to a function that serves as one, or `none`.
pub(super) fn output(key: &Ident, input: ParseStream<'_>) -> syn::Result<Given<Expr>> {
    let given = or_none(key, input, "output = |value| &value.field")?;
    let what = match &given {
        Given::None | Given::Some(Expr::Path(_)) => return Ok(given),
        Given::Some(Expr::Closure(closure)) if closure.inputs.len() == 1 => {
            if closure.asyncness.is_none() {
                return Ok(given);
            }
            "`output` takes a closure that is not async"
        }
        Given::Some(_) => {
            "`output` takes a closure of one argument, which is the success value, or `none`"
        }
    };
    let message = format!("{what}; write `output = |value| &value.field`");
    match given {
        Given::Some(expression) => Err(syn::Error::new_spanned(expression, message)),
        Given::None => Ok(given),
    }
}

/// The comma before what comes next, which is read even where the comma is missing.
pub(super) fn comma(input: ParseStream<'_>, errors: &mut Errors) {
    if input.is_empty() || input.parse::<Token![,]>().is_ok() {
        return;
    }
    // a key of `attributes(..)` may be text
    let is_next = input.peek(Ident::peek_any) || input.peek(LitStr) && input.peek2(Token![=]);
    if is_next {
        errors.push(input.error("a `,` is missing before this; write one after each argument"));
        return;
    }
    errors.push(
        input.error("this belongs to no argument; remove it, or write a `,` and the next one"),
    );
    skip_to_comma(input);
    let _ = input.parse::<Option<Token![,]>>();
}

pub(super) fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        let _ = input.parse::<TokenTree>();
    }
}
