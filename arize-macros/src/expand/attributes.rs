//! The link of the chain that gives the span's own attributes, where there are some:
//! `.attributes(|a| { a.session_id(&session); })`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned as _;

use super::reference;
use crate::args::{AttributeKey, SpanAttribute};

pub(super) fn link(attributes: &[SpanAttribute]) -> Option<TokenStream> {
    let a = Ident::new("a", Span::mixed_site());
    let statements = attributes.iter().map(statement);
    (!attributes.is_empty()).then(|| quote!(.attributes(|#a| { #(#statements)* })))
}

/// Takes one value; one that cannot be is told at its expression.
fn statement(SpanAttribute { key, value }: &SpanAttribute) -> TokenStream {
    let span = value.span().resolved_at(Span::mixed_site());
    let a = Ident::new("a", span);
    let referenced = reference(value);
    match key {
        AttributeKey::Argument(method) => {
            let method = Ident::new(&method.to_string(), span);
            quote_spanned!(span=> #a.#method(#referenced);)
        }
        AttributeKey::Text(key) => quote_spanned!(span=> #a.attribute(#key, #referenced);),
        AttributeKey::Builder => quote_spanned!(span=> #a.all(#value);),
    }
}
