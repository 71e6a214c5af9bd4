//! The generated function. Total: it cannot fail and asks nothing of the input.
//!
//! ```text
//! async fn f(a: A) -> R {
//!     static __ARIZE_SPAN: SpanSpec = SpanSpec::tool("f");
//!     return start(&__ARIZE_SPAN, |i| {
//!         arg("a", &a).typed(i);
//!     })
//!     .run(async move {
//!         if false {
//!             return infer::<R>();
//!         }
//!         <statements>
//!     })
//!     .outcome(|o| o.value().record())
//!     .await;
//! }
//! ```

mod attributes;
mod definition;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Expr, Ident, Pat, ReturnType};

use crate::model::{
    Binding, BodyIs, Capture, Form, Link, Model, Output, Request, Returned, Source, Streamed, Value,
};

pub(crate) fn expand(model: &Model) -> TokenStream {
    let Model {
        attributes,
        visibility,
        signature,
        ..
    } = model;
    let span_static = span_static(model);
    let early = bindings(&model.early);
    let begin = begin(model);
    let input = model.input.as_ref().map(|input| {
        let span = syn::spanned::Spanned::span(&input.expression).resolved_at(Span::mixed_site());
        let method = if input.generic {
            "generic_input"
        } else {
            "input"
        };
        let (method, input) = (Ident::new(method, span), reference(&input.expression));
        quote_spanned!(span=> .#method(#input))
    });
    let given = attributes::link(&model.span_attributes);
    let (body, outcome) = (body(model), outcome(model));
    let call = Ident::new("__call", Span::mixed_site());
    let bind_late = (!model.late.is_empty()).then(|| {
        let late = bindings(&model.late);
        quote!(let #call = #begin; #late)
    });
    let begin = bind_late.is_none().then_some(begin);
    let begin = begin.unwrap_or_else(|| call.to_token_stream());
    // said, since the function's braces are the user's, who may want it everywhere
    let give = (!matches!(model.output, Output::Never)).then(|| quote!(return));
    let chain = match model.form {
        Form::Sync | Form::Async => {
            quote!(#early #bind_late #give #begin #given #input #body #outcome)
        }
        Form::Block(returned) => {
            let block =
                quote!(async move { #early #bind_late #begin #given #input #body #outcome });
            let future = packed(returned, &block);
            quote!(#give #future)
        }
        Form::Future(returned) => {
            let future = packed(returned, &quote!(async move { #call #outcome }));
            quote! {
                #early
                #bind_late
                let #call = #begin #given #input #body;
                #give #future
            }
        }
    };
    let mut block = Group::new(Delimiter::Brace, quote!(#span_static #chain));
    block.set_span(model.braces);
    let definition = definition::function(model);
    quote!(#(#attributes)* #visibility #signature #block #definition)
}

fn packed(returned: Returned, block: &TokenStream) -> TokenStream {
    match returned {
        Returned::Opaque => block.clone(),
        Returned::Boxed => quote!(::std::boxed::Box::pin(#block)),
    }
}

fn span_static(model: &Model) -> TokenStream {
    let site = Span::mixed_site();
    let spec_type = model.runtime.span_spec(site);
    let spec = &model.spec;
    let (name, kind) = (&spec.name, Ident::new(&spec.kind.to_lowercase(), site));
    let description = spec
        .description
        .as_ref()
        .map(|text| quote!(.description(#text)));
    let parameters = spec
        .parameters
        .as_ref()
        .map(|schema| quote!(.parameters(#schema)));
    let project = spec
        .project_name
        .as_ref()
        .map(|project| quote!(.project_name(#project)));
    let input = (!spec.automatic_input).then(|| quote!(.without_automatic_input()));
    quote! {
        static __ARIZE_SPAN: #spec_type =
            #spec_type::#kind(#name) #description #parameters #project #input;
    }
}

fn bindings(bindings: &[Binding]) -> TokenStream {
    let bind = |binding: &Binding| {
        let Binding {
            cfg,
            pattern,
            ident,
        } = binding;
        match pattern {
            // `_name`: clippy finds nothing that `let _name = argument` is good for
            Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
                quote!(#(#cfg)* let (#pattern,) = (#ident,);)
            }
            _ => quote!(#(#cfg)* let #pattern = #ident;),
        }
    };
    bindings.iter().map(bind).collect()
}

fn begin(model: &Model) -> TokenStream {
    let site = Span::mixed_site();
    match &model.request {
        None => {
            if model.links.is_empty() {
                let start = model.runtime.start_without(site);
                return quote!(#start(&__ARIZE_SPAN));
            }
            let start = model.runtime.start(site);
            let i = Ident::new("i", site);
            let links = model.links.iter().map(|l| link(model, l));
            quote!(#start(&__ARIZE_SPAN, |#i| { #(#links;)* }))
        }
        Some(Request { headers, body }) => {
            let headers = source(headers);
            match body {
                BodyIs::Absent => {
                    let no_body = model.runtime.no_body(site);
                    quote!(#no_body.handle(&__ARIZE_SPAN, #headers))
                }
                BodyIs::Read(body) => {
                    let (body, span) = (source(body), span_of(body));
                    let read = model.runtime.body(span);
                    quote_spanned!(span=> #read(#body).handle(&__ARIZE_SPAN, #headers))
                }
                BodyIs::In(request) => {
                    let (request, span) = (source(request), span_of(request));
                    let read = model.runtime.request(span);
                    quote_spanned!(span=> #read(#request).body().handle(&__ARIZE_SPAN, #headers))
                }
            }
        }
    }
}

/// A reference to headers or body.
fn source(source: &Source) -> TokenStream {
    match source {
        Source::Expression(expression) => reference(expression),
        Source::Argument {
            ident,
            dereferences,
        } => {
            let span = ident.span().resolved_at(Span::mixed_site());
            let stars = std::iter::repeat_n(quote_spanned!(span=> *), *dereferences);
            quote_spanned!(span=> &#(#stars)* #ident)
        }
    }
}

fn span_of(source: &Source) -> Span {
    match source {
        Source::Expression(expression) => syn::spanned::Spanned::span(expression),
        Source::Argument { ident, .. } => ident.span(),
    }
    .resolved_at(Span::mixed_site())
}

/// A reference to a user's expression, unless it is one.
fn reference(expression: &Expr) -> TokenStream {
    let span = syn::spanned::Spanned::span(expression);
    match expression {
        Expr::Reference(reference) if reference.mutability.is_none() => quote!(#expression),
        Expr::Binary(_) | Expr::Cast(_) | Expr::Range(_) | Expr::Closure(_) | Expr::Assign(_) => {
            quote_spanned!(span=> &(#expression))
        }
        _ => quote_spanned!(span=> &#expression),
    }
}

fn link(model: &Model, link: &Link) -> TokenStream {
    let Link {
        name,
        ident,
        method,
        capture,
        cfg,
    } = link;
    let span = ident.span().resolved_at(Span::mixed_site());
    let runtime = &model.runtime;
    let function = match capture {
        Capture::Json => runtime.arg(span),
        Capture::GenericJson => runtime.generic_arg(span),
        Capture::Debug => runtime.debug_arg(span),
        Capture::Redacted => runtime.redacted_arg(span),
    };
    let (i, method) = (Ident::new("i", span), Ident::new(method, span));
    quote_spanned!(span=> #(#cfg)* #function(#name, &#ident).#method(#i))
}

/// The user's block in the closure or async block that the call takes. Its type is said, so that values coerce to it as in
/// the function itself. The braces stay the user's, since lints pass over those of a macro, and a missing value is told
/// where they stand.
fn body(model: &Model) -> TokenStream {
    let (body, pin) = (&model.body, model.pin.as_ref());
    let at = body.span().resolved_at(Span::mixed_site());
    let returned = pin.map(|ty| quote_spanned!(at=> -> #ty));
    match model.form {
        Form::Sync => quote_spanned!(at=> .call(move || #returned #body)),
        Form::Future(_) => quote_spanned!(at=> .future(move || #returned #body)),
        Form::Async | Form::Block(_) => {
            let pin = pin.map(|ty| {
                let returned = syn::spanned::Spanned::span(ty).resolved_at(Span::mixed_site());
                let infer = model.runtime.infer(returned);
                quote_spanned!(returned=> if false { return #infer::<#ty>(); })
            });
            // clippy tells of the user's items after a statement, which would be ours
            let statements = if starts_with_item(body) {
                quote_spanned!(at=> match () { () => #body })
            } else {
                body.stream()
            };
            let mut block = Group::new(Delimiter::Brace, quote!(#pin #statements));
            block.set_span(body.span());
            quote_spanned!(at=> .run(async move #block))
        }
    }
}

fn starts_with_item(body: &Group) -> bool {
    let items = [
        "use", "fn", "struct", "enum", "type", "trait", "impl", "mod", "const", "static",
    ];
    let first = body.stream().into_iter().next();
    matches!(first, Some(TokenTree::Ident(first)) if items.iter().any(|item| first == item))
}

/// What is recorded of the result. A value that cannot be is told at the return type.
fn outcome(model: &Model) -> TokenStream {
    let site = Span::mixed_site();
    let o = Ident::new("o", site);
    let wait = (model.form != Form::Sync).then(|| quote!(.await));
    let value = |span: Span, record: &TokenStream| {
        let o = Ident::new("o", span);
        quote_spanned!(span=> #o.value() #record)
    };
    let handler = model.request.is_some();
    let body = handler.then(|| quote!(.body()));
    let recorded = match &model.output {
        Output::Never => return quote!(.outcome(|_| ()) #wait),
        Output::Skipped(span) => {
            let span = span.resolved_at(site);
            value(span, &quote_spanned!(span=> #body .skip()))
        }
        Output::Value { at, generic } => {
            let span = at.resolved_at(site);
            let record = match (handler, generic) {
                (true, _) => "respond",
                (false, true) => "record_generic",
                (false, false) => "record",
            };
            let record = Ident::new(record, span);
            value(span, &quote_spanned!(span=> #body .#record()))
        }
        Output::Closure(Value {
            expression,
            generic,
        }) => {
            let shown = match expression {
                Expr::Closure(closure) => &closure.body,
                other => other,
            };
            let span = |of| syn::spanned::Spanned::span(of).resolved_at(site);
            let at = quote_spanned!(span(expression)=> .at(#expression));
            let span = span(shown);
            let record = if *generic { "record_generic" } else { "record" };
            let record = Ident::new(record, span);
            value(span, &quote_spanned!(span=> #body #at .get().#record()))
        }
    };
    if let Some(stream) = &model.stream {
        let hold = hold(model, stream, &o, &recorded);
        return quote!(.stream(|#o| #o.value().leave()) #wait #hold);
    }
    // a closure of the user's may capture
    let captures = matches!(model.output, Output::Closure(_));
    let outcome = Ident::new(if captures { "outcome_with" } else { "outcome" }, site);
    let flush = model.flush.then(|| quote!(.flush()));
    quote!(.#outcome(|#o| #recorded) #flush #wait)
}

/// What is recorded of each item. Its type is said where it can be, since a body may leave it open: `Ok(text)`.
fn hold(model: &Model, stream: &Streamed, o: &Ident, recorded: &TokenStream) -> TokenStream {
    let site = Span::mixed_site();
    // what is no stream is told at the return type
    let returned = match &model.signature.output {
        ReturnType::Type(_, ty) => syn::spanned::Spanned::span(ty),
        ReturnType::Default => site,
    };
    let hold = quote_spanned!(returned.resolved_at(site)=> .hold);
    let ty = stream.item.as_ref().map(|item| {
        let outcome = model.runtime.outcome(site);
        quote!(: #outcome<'_, #item>)
    });
    quote!(#hold(|#o #ty| #recorded))
}
