//! The function beside a tool that tells an LLM of it.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned as _;

use crate::model::Model;

pub(super) fn function(model: &Model) -> Option<TokenStream> {
    let definition = model.definition.as_ref()?;
    let site = Span::mixed_site();
    let (runtime, visibility, name) = (&model.runtime, &model.visibility, &model.spec.name);
    let (function, cfg) = (&definition.function, &definition.cfg);
    let returned = runtime.tool_definition(site);
    let define = runtime.define(site);
    let description = model.spec.description.as_ref();
    let description = description.map_or_else(
        || quote!(::core::option::Option::None),
        |text| quote!(::core::option::Option::Some(#text)),
    );
    let p = Ident::new("p", site);
    let parameters = definition.parameters.iter().map(|parameter| {
        let (name, ty, cfg) = (&parameter.name, &parameter.ty, &parameter.cfg);
        let span = ty.span().resolved_at(site);
        let asked = runtime.parameter(span);
        quote_spanned!(span=> #(#cfg)* #asked::<#ty>(#name).add(#p);)
    });
    let add = if definition.parameters.is_empty() {
        quote!(|_| ())
    } else {
        quote!(|#p| { #(#parameters)* })
    };
    let documentation = format!("What an LLM is told of the tool `{name}`.");
    Some(quote! {
        #[doc = #documentation]
        #[must_use]
        #(#cfg)*
        #visibility fn #function() -> #returned {
            return #define(#name, #description, #add);
        }
    })
}
