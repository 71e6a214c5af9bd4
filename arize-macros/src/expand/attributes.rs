//! The link of the chain that gives the span's own attributes, where there are some:
//! `.attributes(|a| { a.session_id(&session); })`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned as _;

use super::reference;
use crate::args::AttributeKey;
use crate::model::Value;

pub(super) fn link(attributes: &[(AttributeKey, Value)]) -> Option<TokenStream> {
    let a = Ident::new("a", Span::mixed_site());
    let statements = attributes.iter().map(statement);
    (!attributes.is_empty()).then(|| quote!(.attributes(|#a| { #(#statements)* })))
}

/// Takes one value; one that cannot be is told at its expression.
fn statement((key, given): &(AttributeKey, Value)) -> TokenStream {
    let span = given.expression.span().resolved_at(Span::mixed_site());
    let a = Ident::new("a", span);
    let generic = given.generic.then(|| quote_spanned!(span=> .generic()));
    let (expression, referenced) = (&given.expression, reference(&given.expression));
    match key {
        // which is nothing that is serialised
        AttributeKey::Argument(method) if method == "scope" => {
            quote_spanned!(span=> #a.scope(#referenced);)
        }
        AttributeKey::Argument(method) => {
            let method = Ident::new(&method.to_string(), span);
            quote_spanned!(span=> #a #generic.#method(#referenced);)
        }
        AttributeKey::Text(key) => quote_spanned!(span=> #a #generic.attribute(#key, #referenced);),
        AttributeKey::Builder => quote_spanned!(span=> #a.all(#expression);),
    }
}
