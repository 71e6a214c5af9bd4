//! How a function does its work: as it is called, or in a future.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::visit_mut::VisitMut;
use syn::{
    AssocType, GenericArgument, PathArguments, PathSegment, Signature, Type, TypeParamBound,
};

use crate::groups;

/// How a function does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Sync,
    Async,
    /// It is one async block, and as good as an async function. Every method under `#[async_trait]` is.
    Block(Returned),
    /// It makes a future in a way of its own, and that does the work.
    Future(Returned),
}

/// How a future is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Returned {
    /// As `impl Future`.
    Opaque,
    /// In a box.
    Boxed,
}

impl Form {
    /// The form; the type that the work comes to, where it is written; and the block that does it.
    pub(crate) fn of(signature: &Signature, body: Group) -> (Self, Option<&Type>, Group) {
        let returned = super::returned(signature);
        if signature.asyncness.is_some() {
            return (Self::Async, returned, body);
        }
        let future = returned.and_then(|ty| match groups::ty(ty) {
            Type::ImplTrait(ty) => {
                future_among(&ty.bounds).map(|f| (Returned::Opaque, output_of(f).0))
            }
            Type::Path(path) => boxed(path.path.segments.last()?).map(|o| (Returned::Boxed, o.0)),
            _ => None,
        });
        match (future, async_block(body.stream())) {
            (None, _) => (Self::Sync, returned, body),
            (Some((form, output)), Some(block)) => (Self::Block(form), output, block),
            (Some((form, output)), None) => (Self::Future(form), output, body),
        }
    }
}

/// The block of `async move { .. }` or `Box::pin(async move { .. })`, where that is all there is.
fn async_block(body: TokenStream) -> Option<Group> {
    let mut tokens: Vec<TokenTree> = body.into_iter().collect();
    let Some(TokenTree::Group(last)) = tokens.pop() else {
        return None;
    };
    let is = |words: &[&str]| {
        let texts = tokens.iter().map(TokenTree::to_string);
        words.iter().copied().eq(texts)
    };
    match last.delimiter() {
        Delimiter::Brace if is(&["async", "move"]) || is(&["async"]) => Some(last),
        Delimiter::Parenthesis if is(&["Box", ":", ":", "pin"]) => async_block(last.stream()),
        // `$e:expr` of a macro
        Delimiter::None if tokens.is_empty() => async_block(last.stream()),
        _ => None,
    }
}

/// `Pin<Box<dyn Future<Output = T>>>`, or an alias of the name that it has in the `futures` crates.
fn boxed(last: &PathSegment) -> Option<Output<'_>> {
    let argument = || types_of(last).next();
    match last.ident.to_string().as_str() {
        "BoxFuture" | "LocalBoxFuture" => Some(Output(argument())),
        "Pin" => match groups::ty(argument()?) {
            Type::Path(path) => {
                let last = path.path.segments.last().filter(|s| s.ident == "Box")?;
                match groups::ty(types_of(last).next()?) {
                    Type::TraitObject(object) => future_among(&object.bounds).map(output_of),
                    _ => None,
                }
            }
            _ => None,
        },
        _ => None,
    }
}

fn types_of(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    };
    arguments.into_iter().flatten().filter_map(|a| match a {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn future_among<'a>(
    bounds: impl IntoIterator<Item = &'a TypeParamBound>,
) -> Option<&'a PathSegment> {
    bounds.into_iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().filter(|s| s.ident == "Future"),
        _ => None,
    })
}

/// `T` of `Future<Output = T>`, if it is written.
struct Output<'a>(Option<&'a Type>);

fn output_of(future: &PathSegment) -> Output<'_> {
    Output(binding(future, "Output"))
}

/// `T` of `Trait<name = T>`.
fn binding<'a>(of: &'a PathSegment, name: &str) -> Option<&'a Type> {
    let PathArguments::AngleBracketed(arguments) = &of.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(AssocType { ident, ty, .. }) if ident == name => Some(ty),
        _ => None,
    })
}

/// A stream.
pub(crate) struct Streamed {
    /// The type of its items, where it is written and can be written again.
    pub(crate) item: Option<Type>,
}

impl Streamed {
    /// Of `impl Stream<Item = T>` and the like, however deep in `returned`.
    pub(crate) fn of(returned: Option<&Type>) -> Self {
        struct Find(Option<Type>);
        impl VisitMut for Find {
            fn visit_path_segment_mut(&mut self, segment: &mut PathSegment) {
                let item = binding(segment, "Item").filter(|_| segment.ident == "Stream");
                self.0 = self.0.take().or_else(|| item.cloned());
                syn::visit_mut::visit_path_segment_mut(self, segment);
            }
        }
        struct Opaque(bool);
        impl VisitMut for Opaque {
            fn visit_type_impl_trait_mut(&mut self, _: &mut syn::TypeImplTrait) {
                self.0 = true;
            }
        }
        let mut find = Find(None);
        if let Some(ty) = returned {
            find.visit_type_mut(&mut ty.clone());
        }
        let item = find.0.filter(|item| {
            let mut opaque = Opaque(false);
            opaque.visit_type_mut(&mut item.clone());
            !opaque.0
        });
        Self { item }
    }
}
