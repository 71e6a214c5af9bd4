//! What the user says of the span: `session_id = ..`, `attributes("key" = ..)`, `attributes = ..`.

use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Expr, Ident, LitStr, Token};

use super::values::{comma, expression, skip_to_comma, whole};
use crate::errors::Errors;

/// An attribute of the span and the expression that gives its value.
pub(crate) struct SpanAttribute {
    pub(crate) key: AttributeKey,
    pub(crate) value: Expr,
}

pub(crate) enum AttributeKey {
    /// That of an argument: `session_id`, `user_id`, `metadata`, `tags` or `scope`.
    Argument(Ident),
    /// What stands in `attributes(..)`.
    Text(LitStr),
    /// None: `attributes = ..` gives a builder, which knows its keys.
    Builder,
}

/// `session_id`, `user_id`, `metadata`, `tags` or `scope`.
pub(super) fn one(key: &Ident, input: ParseStream<'_>) -> syn::Result<SpanAttribute> {
    let value = expression(key, input, &format!("{key} = .."))?;
    let key = AttributeKey::Argument(key.clone());
    Ok(SpanAttribute { key, value })
}

/// `attributes(..)` or `attributes = ..`.
pub(super) fn several(
    key: &Ident,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<Vec<SpanAttribute>> {
    if !input.peek(syn::token::Paren) {
        let value = expression(key, input, "attributes(\"shop.items\" = items)")?;
        let key = AttributeKey::Builder;
        return Ok(vec![SpanAttribute { key, value }]);
    }
    let content;
    syn::parenthesized!(content in input);
    if content.is_empty() {
        let wanted = "`attributes` names no key; write `attributes(\"shop.items\" = items)`";
        return Err(syn::Error::new(key.span(), wanted));
    }
    let mut pairs = Vec::new();
    while !content.is_empty() {
        match pair(&content) {
            Ok(pair) => pairs.push(pair),
            Err(error) => {
                errors.push(error);
                skip_to_comma(&content);
            }
        }
        comma(&content, errors);
    }
    Ok(pairs)
}

fn pair(input: ParseStream<'_>) -> syn::Result<SpanAttribute> {
    let key = key(input)?;
    if input.parse::<Option<Token![=]>>()?.is_none() || input.is_empty() || input.peek(Token![,]) {
        let shown = key.value();
        let message = format!("the key `{shown}` needs a value; write `\"{shown}\" = ..`");
        return Err(syn::Error::new(key.span(), message));
    }
    let shown = format!("\"{}\" =", key.value());
    let value = whole(input, &shown, &format!("{shown} .."))?;
    let key = AttributeKey::Text(key);
    Ok(SpanAttribute { key, value })
}

/// `"shop.items"` or `shop.items`.
fn key(input: ParseStream<'_>) -> syn::Result<LitStr> {
    let wanted = "expected a key and its value, such as `\"shop.items\" = items`";
    if input.peek(LitStr) {
        return input.parse();
    }
    let part = |input: ParseStream<'_>| {
        Ident::parse_any(input).map_err(|error| syn::Error::new(error.span(), wanted))
    };
    let first = part(input)?;
    let mut key = first.unraw().to_string();
    while input.parse::<Option<Token![.]>>()?.is_some() {
        key += &format!(".{}", part(input)?.unraw());
    }
    Ok(LitStr::new(&key, first.span()))
}
