//! What the user wrote in the attribute's parentheses: syntax, unknown and duplicate keys only.

mod attributes;

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Path, Token};

use crate::errors::{Errors, listed, nearest};
use crate::groups;
use crate::kind::{self, Kind};

pub(crate) use attributes::{AttributeKey, SpanAttribute};

/// The arguments, each with the user's own tokens.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) name: Option<LitStr>,
    pub(crate) kind: Option<LitStr>,
    pub(crate) description: Option<LitStr>,
    pub(crate) parameters: Option<LitStr>,
    pub(crate) project_name: Option<LitStr>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) debug: Vec<Ident>,
    pub(crate) redact: Vec<Ident>,
    pub(crate) skip_all: Option<Ident>,
    pub(crate) skip_output: Option<Ident>,
    pub(crate) stream: Option<Ident>,
    pub(crate) flush: Option<Ident>,
    pub(crate) input: Option<Given<Expr>>,
    pub(crate) headers: Option<Expr>,
    pub(crate) body: Option<Given<Expr>>,
    pub(crate) output: Option<Given<Expr>>,
    /// `session_id`, `user_id`, `metadata`, `tags`, `scope` and `attributes`.
    pub(crate) attributes: Vec<SpanAttribute>,
    pub(crate) runtime: Option<Path>,
}

/// A value, or the word `none`.
pub(crate) enum Given<T> {
    None,
    Some(T),
}

impl Args {
    /// Reads as much as can be read; `errors` has the rest.
    pub(crate) fn parse(kind: &Kind, tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let all = |input: ParseStream<'_>| {
            let mut seen = Vec::new();
            while !input.is_empty() {
                if let Err(error) = args.one(kind, input, &mut seen, errors) {
                    errors.push(error);
                    skip_to_comma(input);
                }
                if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                    errors.push(input.error("expected `,`"));
                    skip_to_comma(input);
                    let _ = input.parse::<Option<Token![,]>>();
                }
            }
            Ok(())
        };
        if let Err(error) = all.parse2(tokens) {
            errors.push(error);
        }
        args
    }

    fn one(
        &mut self,
        kind: &Kind,
        input: ParseStream<'_>,
        seen: &mut Vec<Ident>,
        errors: &mut Errors,
    ) -> syn::Result<()> {
        let key = Ident::parse_any(input).map_err(|error| {
            syn::Error::new(
                error.span(),
                "expected `key = value`, such as `name = \"..\"`",
            )
        })?;
        let text = key.to_string();
        if !kind.keys.contains(&text.as_str()) {
            return Err(syn::Error::new(key.span(), unknown(kind, &text)));
        }
        if seen.contains(&key) {
            errors.add(&key, format!("duplicate `{key}` argument; write it once"));
        }
        match text.as_str() {
            "name" => self.name = Some(string(&key, input)?),
            "kind" => self.kind = Some(string(&key, input)?),
            "description" => self.description = Some(string(&key, input)?),
            "parameters" => self.parameters = Some(string(&key, input)?),
            "project_name" => self.project_name = Some(string(&key, input)?),
            "skip" => self.skip.extend(names(&key, input)?),
            "debug" => self.debug.extend(names(&key, input)?),
            "redact" => self.redact.extend(names(&key, input)?),
            "skip_all" => self.skip_all = Some(flag(&key, input)?),
            "skip_output" => self.skip_output = Some(flag(&key, input)?),
            "flush" => self.flush = Some(flag(&key, input)?),
            "stream" => self.stream = Some(flag(&key, input)?),
            "input" => self.input = Some(given(&key, input, Ok)?),
            "body" => self.body = Some(given(&key, input, Ok)?),
            "headers" => {
                let headers = value(&key, input, "headers = headers")?.parse()?;
                self.headers = Some(groups::expression(headers));
            }
            "session_id" | "user_id" | "metadata" | "tags" | "scope" => {
                self.attributes.push(attributes::one(&key, input)?);
            }
            "attributes" => self.attributes.extend(attributes::several(&key, input)?),
            "output" => self.output = Some(given(&key, input, closure)?),
            _ => {
                self.runtime =
                    Some(value(&key, input, "crate = crate::arize")?.call(Path::parse_mod_style)?);
            }
        }
        seen.push(key);
        Ok(())
    }
}

fn unknown(kind: &Kind, key: &str) -> String {
    let elsewhere = kind::taking(key);
    let allowed = listed(kind.keys.iter().copied());
    if key == "stream" {
        // only handlers do not take it
        return format!(
            "`#[{}]` has no argument `stream`; give the stream that the response is made of to \
             `arize_runtime::hold_span!`",
            kind.attribute
        );
    }
    if key == "redact" {
        // only handlers do not take it
        return format!(
            "`#[{}]` has no argument `redact`; say what is recorded with `input = ..`, or hide the values of a \
             field with `.mask_keys([..])` of the registration",
            kind.attribute
        );
    }
    if !elsewhere.is_empty() {
        let takes = if elsewhere.len() == 1 {
            "takes"
        } else {
            "take"
        };
        return format!(
            "`#[{}]` has no argument `{key}`, only {} {takes} it; it takes {allowed}",
            kind.attribute,
            listed(elsewhere.iter().map(String::as_str)),
        );
    }
    if let Some(builder) = builder_of(kind, key) {
        return format!(
            "unknown argument `{key}`; write `attributes = {builder}` with the builders of \
             `arize_runtime::attributes`"
        );
    }
    match nearest(key, kind.keys.iter().copied()) {
        Some(near) => {
            format!("unknown argument `{key}`; did you mean `{near}`? allowed are {allowed}")
        }
        None => format!("unknown argument `{key}`; allowed are {allowed}"),
    }
}

/// What says it in the words of OpenInference, where somebody expects an argument.
fn builder_of(kind: &Kind, key: &str) -> Option<&'static str> {
    let builder = match key {
        "model" | "model_name" if kind.attribute == "embedding" => "Embedding::new().model(..)",
        "model" | "model_name" if kind.attribute == "reranker" => "Reranker::new().model(..)",
        "model" | "model_name" => "Llm::new().model(..)",
        "provider" => "Llm::new().provider(..)",
        "system" => "Llm::new().system(..)",
        "messages" | "input_messages" => "Llm::new().input_messages(..)",
        "temperature" | "max_tokens" | "top_p" | "invocation_parameters" => {
            "Llm::new().invocation_parameters(..)"
        }
        "tokens" | "token_count" | "usage" => "Llm::new().token_count(..)",
        "cost" => "Llm::new().cost(..)",
        "tools" => "Llm::new().tools(..)",
        "documents" => "Retriever::new().documents(..)",
        _ => return None,
    };
    Some(builder)
}

/// What follows `key =`.
fn value<'a>(key: &Ident, input: ParseStream<'a>, example: &str) -> syn::Result<ParseStream<'a>> {
    if input.parse::<Option<Token![=]>>()?.is_none() {
        return Err(syn::Error::new(
            key.span(),
            format!("`{key}` needs a value; write `{example}`"),
        ));
    }
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new(
            key.span(),
            format!("`{key}` needs a value; write `{example}`"),
        ));
    }
    Ok(input)
}

fn string(key: &Ident, input: ParseStream<'_>) -> syn::Result<LitStr> {
    let given = value(key, input, &format!("{key} = \"..\""))?.parse()?;
    match groups::expression(given) {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Ok(text),
        other => Err(syn::Error::new_spanned(
            other,
            format!("`{key}` takes a string; write `{key} = \"..\"`"),
        )),
    }
}

fn flag(key: &Ident, input: ParseStream<'_>) -> syn::Result<Ident> {
    if input.is_empty() || input.peek(Token![,]) {
        Ok(key.clone())
    } else {
        Err(syn::Error::new(
            key.span(),
            format!("`{key}` takes no value; write `{key}` alone"),
        ))
    }
}

fn names(key: &Ident, input: ParseStream<'_>) -> syn::Result<Punctuated<Ident, Token![,]>> {
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
    let names = Punctuated::parse_terminated_with(&content, whole_argument);
    // read to the end, so that what is left is not told too
    content.parse::<TokenStream>()?;
    names
}

fn whole_argument(input: ParseStream<'_>) -> syn::Result<Ident> {
    let name = Ident::parse_any(input)?;
    if input.peek(Token![.]) {
        let message = format!(
            "arguments are named as a whole; write `{name}`, or hide the values of a field with \
             `.mask_keys([..])` of the registration"
        );
        return Err(syn::Error::new(name.span(), message));
    }
    Ok(name)
}

fn given<T>(
    key: &Ident,
    input: ParseStream<'_>,
    take: impl FnOnce(Expr) -> syn::Result<T>,
) -> syn::Result<Given<T>> {
    let expression = value(key, input, &format!("{key} = .."))?.parse()?;
    let expression = groups::expression(expression);
    match &expression {
        Expr::Path(path) if path.path.is_ident("none") => Ok(Given::None),
        _ => take(expression).map(Given::Some),
    }
}

/// A closure, or a path to a function that serves as one.
fn closure(expression: Expr) -> syn::Result<Expr> {
    const WANTED: &str = "`output` takes a closure over the success value or `none`; write \
                          `output = |value| &value.field`";
    match &expression {
        Expr::Closure(closure) if closure.inputs.len() == 1 => Ok(expression),
        Expr::Path(_) => Ok(expression),
        _ => Err(syn::Error::new_spanned(expression, WANTED)),
    }
}

fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        let _ = input.parse::<TokenTree>();
    }
}
