//! The arguments of the function, and the patterns that they are written as.

use proc_macro2::Span;
use quote::format_ident;
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, FnArg, Ident, Pat, Signature, Type};

use super::Request;
use crate::groups;

/// A pattern and the argument that it takes apart, where that is there.
pub(crate) struct Binding {
    pub(crate) cfg: Vec<Attribute>,
    pub(crate) pattern: Pat,
    pub(crate) ident: Ident,
}

/// An argument that is not `self`.
pub(super) struct Argument {
    /// The name in the generated signature.
    pub(super) ident: Ident,
    /// The name that the user gave, as it is recorded.
    pub(super) name: String,
    pub(super) ty: Type,
    pub(super) pattern: Option<Pat>,
    /// Its `#[cfg(..)]`: what is made of it is under them too.
    pub(super) cfg: Vec<Attribute>,
}

impl Argument {
    /// Whether the user gave it a name, of its own or in a pattern that binds one.
    pub(super) fn is_named(&self) -> bool {
        let named = self.pattern.as_ref().map(only_binding);
        named.is_none_or(|name| name.is_some())
    }

    /// This argument's name, shown to the user at its type: where what is wrong with it is written.
    pub(super) fn at_type(&self) -> Ident {
        let mut ident = self.ident.clone();
        let mut ty = &self.ty;
        while let Type::Reference(reference) = groups::ty(ty) {
            ty = &reference.elem;
        }
        ident.set_span(ty.span().resolved_at(ident.span()));
        ident
    }
}

/// The arguments, each with a name in the signature that expressions can use.
pub(super) fn take(signature: &mut Signature) -> Vec<Argument> {
    let typed = signature.inputs.iter_mut().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    let argument = |(number, typed): (usize, &mut syn::PatType)| {
        let plain = match &*typed.pat {
            Pat::Ident(pat)
                if pat.by_ref.is_none()
                    && pat.subpat.is_none()
                    // says that it is not used, so the expansion uses another
                    && !pat.ident.to_string().starts_with('_') =>
            {
                Some(pat.ident.clone())
            }
            _ => None,
        };
        let ty = (*typed.ty).clone();
        let cfg = typed.attrs.iter().filter(|a| a.path().is_ident("cfg"));
        let cfg = cfg.cloned().collect();
        if let Some(ident) = plain {
            return Argument {
                name: ident.unraw().to_string(),
                ident,
                ty,
                pattern: None,
                cfg,
            };
        }
        let ident = format_ident!("__arg{number}", span = Span::mixed_site());
        let renamed = Pat::Ident(syn::PatIdent {
            attrs: Vec::new(),
            by_ref: None,
            mutability: None,
            ident: ident.clone(),
            subpat: None,
        });
        let pattern = std::mem::replace(&mut *typed.pat, renamed);
        let name = only_binding(&pattern).unwrap_or_else(|| format!("arg{number}"));
        Argument {
            ident,
            name,
            ty,
            pattern: Some(pattern),
            cfg,
        }
    };
    typed.enumerate().map(argument).collect()
}

pub(super) type Patterns = Vec<Binding>;

/// Those that are bound before the call begins, and those that are bound when their arguments were read.
pub(super) fn patterns(
    arguments: Vec<Argument>,
    request: Option<&Request>,
) -> (Patterns, Patterns) {
    let (mut early, mut late) = (Vec::new(), Vec::new());
    for argument in arguments {
        let Argument {
            ident,
            pattern: Some(pattern),
            cfg,
            ..
        } = argument
        else {
            continue;
        };
        let is_read = request.is_none_or(|request| request.reads(&ident));
        let binding = Binding {
            cfg,
            pattern,
            ident,
        };
        (if is_read { &mut late } else { &mut early }).push(binding);
    }
    (early, late)
}

/// The name in a pattern like `Json(trip)` that binds one.
fn only_binding(pattern: &Pat) -> Option<String> {
    match pattern {
        Pat::Ident(pat) => Some(pat.ident.unraw().to_string()),
        Pat::TupleStruct(pat) if pat.elems.len() == 1 => only_binding(&pat.elems[0]),
        Pat::Paren(pat) => only_binding(&pat.pat),
        Pat::Reference(pat) => only_binding(&pat.pat),
        _ => None,
    }
}
