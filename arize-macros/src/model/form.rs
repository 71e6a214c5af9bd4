//! How a function does its work: as it is called, or in a future.

use syn::{
    AssocType, GenericArgument, PathArguments, PathSegment, ReturnType, Signature, Type,
    TypeParamBound,
};

/// How a function does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Sync,
    Async,
    /// Its future does it, which it returns as `impl Future`.
    Future,
    /// Its future does it, which it returns in a box: `BoxFuture`, and every method under `#[async_trait]`.
    BoxedFuture,
}

impl Form {
    /// The form, and the type that the work comes to where it is written.
    pub(crate) fn of(signature: &Signature) -> (Self, Option<&Type>) {
        let returned = match &signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(&**ty),
        };
        if signature.asyncness.is_some() {
            return (Self::Async, returned);
        }
        let future = returned.and_then(|ty| match ty {
            Type::ImplTrait(ty) => future_among(&ty.bounds).map(|f| (Self::Future, output_of(f))),
            Type::Path(path) => boxed(path.path.segments.last()?).map(|o| (Self::BoxedFuture, o)),
            _ => None,
        });
        future.unwrap_or((Self::Sync, returned))
    }
}

/// `Pin<Box<dyn Future<Output = T>>>`, or an alias of the name that it has in the `futures` crates.
fn boxed(last: &PathSegment) -> Option<Option<&Type>> {
    let argument = || types_of(last).next();
    match last.ident.to_string().as_str() {
        "BoxFuture" | "LocalBoxFuture" => Some(argument()),
        "Pin" => match argument()? {
            Type::Path(path) => {
                let last = path.path.segments.last().filter(|s| s.ident == "Box")?;
                match types_of(last).next()? {
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

/// `T` of `Future<Output = T>`.
fn output_of(future: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &future.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(AssocType { ident, ty, .. }) if ident == "Output" => Some(ty),
        _ => None,
    })
}
