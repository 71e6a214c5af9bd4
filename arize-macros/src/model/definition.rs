//! What an LLM is told of a tool: `definition`.

use proc_macro2::Span;
use quote::format_ident;
use syn::ext::IdentExt as _;
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Attribute, Ident, Lifetime, Signature, Type};

use super::arguments::Argument;
use super::generics::Generics;
use crate::args::Args;
use crate::errors::Errors;

/// The function that gives it.
pub(crate) struct Definition {
    pub(crate) function: Ident,
    /// The `#[cfg(..)]`s of the tool's function.
    pub(crate) cfg: Vec<Attribute>,
    pub(crate) parameters: Vec<Parameter>,
}

/// An argument that the LLM gives.
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// Without the names of lifetimes, which are not known there.
    pub(crate) ty: Type,
    /// Under which it is there.
    pub(crate) cfg: Vec<Attribute>,
}

pub(super) fn of(
    args: &Args,
    attributes: &[Attribute],
    signature: &Signature,
    arguments: &[Argument],
    generics: &Generics,
    errors: &mut Errors,
) -> Option<Definition> {
    let asked = args.definition.as_ref()?;
    if let Some(parameters) = &args.parameters {
        errors.add(
            parameters,
            "`definition` and `parameters` are mutually exclusive, since the types give the schema; remove one, or \
             give the schema to `ToolDefinition::new`",
        );
    }
    let given = |argument: &&Argument| {
        let unseen = [&args.skip, &args.debug];
        let unseen = unseen.into_iter().flatten().any(|n| *n == argument.name);
        args.skip_all.is_none() && !unseen
    };
    let mut parameters = Vec::new();
    for argument in arguments.iter().filter(given) {
        if generics.is_generic(&argument.ty) {
            errors.push(syn::Error::new(
                argument.ty.span(),
                format!(
                    "an LLM is told one type of `{}`, and this stands for many; write the type, or `skip({0})` where \
                     the agent and not the LLM gives it",
                    argument.name
                ),
            ));
        }
        if !argument.is_named() {
            let pattern = argument.pattern.as_ref().map(Spanned::span);
            errors.push(syn::Error::new(
                pattern.unwrap_or_else(Span::call_site),
                "an LLM is told the name of each argument, and this has none; write a name, and take it apart in the \
                 body",
            ));
        }
        let mut ty = argument.ty.clone();
        Elide.visit_type_mut(&mut ty);
        parameters.push(Parameter {
            name: argument.name.clone(),
            ty,
            cfg: argument.cfg.clone(),
        });
    }
    let name = signature.ident.unraw();
    let cfg = attributes.iter().filter(|a| a.path().is_ident("cfg"));
    Some(Definition {
        // where it is never called, the compiler says so at the word that asks for it
        function: format_ident!("{name}_definition", span = asked.span()),
        cfg: cfg.cloned().collect(),
        parameters,
    })
}

struct Elide;

impl VisitMut for Elide {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident != "static" {
            lifetime.ident = Ident::new("_", lifetime.ident.span());
        }
    }

    // `for<'a> fn(&'a str)` says its own; that it has no schema is told all the same
    fn visit_type_fn_ptr_mut(&mut self, _: &mut syn::TypeFnPtr) {}
}
