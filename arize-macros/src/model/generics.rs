//! What depends on a type parameter: there the compiler's own advice, a bound on that parameter, should be
//! `serde::Serialize` and no trait of the runtime.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Expr, GenericParam, Ident, Pat, Signature, Type};

use super::Argument;

/// An expression that the attribute gives.
pub(crate) struct Value {
    pub(crate) expression: Expr,
    /// Whether its type may be a type parameter's.
    pub(crate) generic: bool,
}

/// The words that name a type parameter, or an argument of its type.
pub(super) struct Generics {
    types: Vec<Ident>,
    arguments: Vec<Ident>,
}

impl Generics {
    pub(super) fn of(signature: &Signature, arguments: &[Argument]) -> Self {
        let types = signature.generics.params.iter();
        let types = types.filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => Some(parameter.ident.clone()),
            _ => None,
        });
        let mut generics = Self {
            types: types.collect(),
            arguments: Vec::new(),
        };
        for argument in arguments {
            if generics.is_generic(&argument.ty) {
                let names = argument.pattern.as_ref().map(Pat::to_token_stream);
                let names = names.unwrap_or_else(|| argument.ident.to_token_stream());
                words(names, &mut |word| {
                    generics.arguments.push(word.clone());
                    false
                });
            }
        }
        generics
    }

    pub(super) fn names_parameter(&self, ty: &Type) -> bool {
        !self.types.is_empty() && words(ty.to_token_stream(), &mut |word| self.types.contains(word))
    }

    /// Whether an argument's type names a type parameter, or is an `impl Trait` that stands for one.
    pub(super) fn is_generic(&self, ty: &Type) -> bool {
        words(ty.to_token_stream(), &mut |word| {
            word == "impl" || self.types.contains(word)
        })
    }

    pub(super) fn value(&self, expression: Expr) -> Value {
        let generic = words(expression.to_token_stream(), &mut |word| {
            self.types.contains(word) || self.arguments.contains(word)
        });
        Value {
            expression,
            generic,
        }
    }
}

/// Whether `is` holds of a word in these tokens.
fn words(tokens: TokenStream, is: &mut impl FnMut(&Ident) -> bool) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => is(&ident),
        TokenTree::Group(group) => words(group.stream(), is),
        _ => false,
    })
}
