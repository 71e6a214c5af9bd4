//! The annotated function: its signature parsed, its body left as tokens, so that a half-typed one
//! still expands and editors go on working.

mod other;

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::{AttrStyle, Attribute, Signature, Token, Visibility};

use crate::groups;
use crate::kind::{Inputs, Kind};
use other::{Other, What, other};

/// A function or method.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// None for a trait's method without a body.
    pub(crate) body: Option<Group>,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        let mut body = if input.peek(Token![;]) {
            input.parse::<Token![;]>()?;
            None
        } else {
            Some(groups::delimited(input)?)
        };
        if let Some(body) = &mut body {
            attributes.extend(take_inner(body));
        }
        Ok(Self {
            attributes,
            visibility,
            signature,
            body,
        })
    }
}

/// The inner attributes of a body, as outer ones: what is generated around it is no place for them.
fn take_inner(body: &mut Group) -> Vec<Attribute> {
    if !starts_with(body, '#') {
        return Vec::new(); // nearly always, and the body need not be read
    }
    let split = |input: ParseStream<'_>| {
        let attributes = input.call(Attribute::parse_inner)?;
        Ok((attributes, input.parse::<TokenStream>()?))
    };
    // half-typed ones are the compiler's to tell
    let Ok((mut attributes, statements)) = split.parse2(body.stream()) else {
        return Vec::new();
    };
    for attribute in &mut attributes {
        attribute.style = AttrStyle::Outer;
    }
    let span = body.span();
    *body = Group::new(body.delimiter(), statements);
    body.set_span(span);
    attributes
}

fn starts_with(body: &Group, sign: char) -> bool {
    matches!(body.stream().into_iter().next(), Some(TokenTree::Punct(first)) if first.as_char() == sign)
}

impl Function {
    /// The function in `item`, or an error that says what was found in its place.
    pub(crate) fn read(kind: &Kind, item: TokenStream) -> syn::Result<Self> {
        let Some(Other { at, what }) = other(&item) else {
            return syn::parse2(item);
        };
        let function = if kind.inputs == Inputs::Body {
            "an async function"
        } else {
            "a function"
        };
        let instead = match what {
            What::Impl => "put it on a method in it".to_owned(),
            What::Trait => "put it on a method that has a body".to_owned(),
            What::Module => format!("put it on {function} in it"),
            What::ExternBlock => format!("put it on {function} that calls what is declared there"),
            What::Statement | What::Closure | What::Block | What::Expression => {
                format!("write the code into {function} or method, and put it on that")
            }
            _ => format!("put it on {function} or method"),
        };
        let message = format!(
            "`#[{}]` cannot be put on {}; {instead}",
            kind.attribute,
            what.name()
        );
        Err(syn::Error::new_spanned(at, message))
    }

    /// Whether this is what another attribute of this crate made of a function.
    pub(crate) fn is_expanded(&self) -> bool {
        let body = self.body.iter().flat_map(Group::stream);
        let start = body.take(2).map(|word| word.to_string());
        start.eq(["static", "__ARIZE_SPAN"])
    }

    /// Text of the doc comment, without the space that stands before each line.
    pub(crate) fn documentation(&self) -> Option<String> {
        let lines = self.attributes.iter().filter_map(|attribute| {
            let meta = attribute.meta.require_name_value().ok()?;
            match &groups::expression(meta.value.clone()) {
                syn::Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Str(line),
                    ..
                }) if meta.path.is_ident("doc") => {
                    let line = line.value();
                    Some(
                        line.strip_prefix(' ')
                            .unwrap_or(&line)
                            .trim_end()
                            .to_owned(),
                    )
                }
                _ => None,
            }
        });
        let text = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
        (!text.is_empty()).then_some(text)
    }
}

/// An item that cannot have the attribute, after the errors that say so.
pub(crate) fn emit(mut errors: TokenStream, item: TokenStream) -> TokenStream {
    let is_expression = other(&item).is_some_and(|other| other.what.is_expression());
    errors.extend(item);
    if is_expression {
        // of an expression nothing may be left over
        quote!({ #errors })
    } else {
        errors
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self {
            attributes,
            visibility,
            signature,
            body,
        } = self;
        let body = body
            .as_ref()
            .map_or_else(|| quote!(;), ToTokens::to_token_stream);
        tokens.extend(quote!(#(#attributes)* #visibility #signature #body));
    }
}
