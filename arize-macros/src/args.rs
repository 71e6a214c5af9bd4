//! What the user wrote in the attribute's parentheses: syntax, unknown and duplicate keys only.

mod attributes;
mod unknown;
mod values;

use proc_macro2::TokenStream;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, Ident, LitStr, Path};

use crate::errors::Errors;
use crate::kind::Kind;
use unknown::unknown;
use values::{comma, flag, given, names, skip_to_comma, string};

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
    pub(crate) definition: Option<Ident>,
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
                comma(input, errors);
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
        let key = key(input)?;
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
            "skip" => self.skip.extend(names(&key, input, errors)?),
            "debug" => self.debug.extend(names(&key, input, errors)?),
            "redact" => self.redact.extend(names(&key, input, errors)?),
            "skip_all" => self.skip_all = Some(flag(&key, input)?),
            "skip_output" => self.skip_output = Some(flag(&key, input)?),
            "definition" => self.definition = Some(flag(&key, input)?),
            "flush" => self.flush = Some(flag(&key, input)?),
            "stream" => self.stream = Some(flag(&key, input)?),
            "input" => self.input = Some(given(&key, input)?),
            "body" => self.body = Some(given(&key, input)?),
            "headers" => self.headers = Some(values::headers(&key, input)?),
            "session_id" | "user_id" | "metadata" | "tags" | "scope" => {
                self.attributes.push(attributes::one(&key, input)?);
            }
            "attributes" => self
                .attributes
                .extend(attributes::several(&key, input, errors)?),
            "output" => self.output = Some(values::output(&key, input)?),
            _ => self.runtime = Some(values::path(&key, input)?),
        }
        seen.push(key);
        Ok(())
    }
}

fn key(input: ParseStream<'_>) -> syn::Result<Ident> {
    if let Ok(text) = input.fork().parse::<LitStr>() {
        let shown = text.token();
        let message = format!("a value stands after its key; write `name = {shown}`");
        return Err(syn::Error::new(text.span(), message));
    }
    Ident::parse_any(input).map_err(|error| {
        let message = "expected an argument, such as `name = \"..\"`";
        syn::Error::new(error.span(), message)
    })
}
