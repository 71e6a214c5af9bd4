//! The annotated function: its signature parsed, its body left as tokens, so that a half-typed one
//! still expands and editors go on working.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::{AttrStyle, Attribute, Signature, Token, Visibility};

use crate::groups;
use crate::kind::{Inputs, Kind};

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

impl Function {
    /// The function in `item`, or an error that says what was found in its place.
    pub(crate) fn read(kind: &Kind, item: TokenStream) -> syn::Result<Self> {
        let wanted = if kind.inputs == Inputs::Body {
            "an async function"
        } else {
            "a function"
        };
        match other_item(&item) {
            Some((keyword, what)) => Err(syn::Error::new_spanned(
                keyword,
                format!(
                    "`#[{}]` cannot be put on {what}; put it on {wanted} or method{}",
                    kind.attribute,
                    if what == "a closure" {
                        ", and give the closure's code a name"
                    } else {
                        ""
                    },
                ),
            )),
            None => syn::parse2(item),
        }
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

/// The keyword and the name of an item that is no function.
fn other_item(item: &TokenStream) -> Option<(TokenTree, &'static str)> {
    let after_attributes = |input: ParseStream<'_>| -> syn::Result<TokenStream> {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        input.parse()
    };
    let rest = after_attributes.parse2(item.clone()).ok()?;
    let mut words = rest.into_iter();
    let mut first = words.next()?;
    // `unsafe impl`, `const X`, but `const fn`, `unsafe fn`, `extern "C" fn` are functions
    let mut rest: Vec<TokenTree> = words.take(4).collect();
    if rest
        .iter()
        .chain([&first])
        .any(|word| word.to_string() == "fn")
        && !matches!(
            first.to_string().as_str(),
            "impl" | "trait" | "mod" | "struct" | "let"
        )
    {
        return None;
    }
    if first.to_string() == "unsafe" && !rest.is_empty() {
        first = rest.remove(0);
    }
    let what = match first.to_string().as_str() {
        "struct" => "a struct",
        "enum" => "an enum",
        "union" => "a union",
        "impl" => "an impl block",
        "trait" => "a trait",
        "mod" => "a module",
        "type" => "a type alias",
        "static" => "a static",
        "const" => "a constant",
        "use" => "an import",
        "extern" => "an extern block",
        "let" => "a statement",
        "|" | "move" | "async" => "a closure",
        _ => return None,
    };
    Some((first, what))
}
