//! Every judgement about an annotated function. A [`Model`] exists only where all of them passed; its
//! fields are decisions, not options.

mod attributes;
mod bindings;
mod form;
mod inputs;
mod request;

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::format_ident;
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::visit_mut::VisitMut;
use syn::{Attribute, Expr, FnArg, Ident, LitStr, Pat, ReturnType, Signature, Type, Visibility};

use crate::args::{Args, Given, SpanAttribute};
use crate::errors::{Errors, listed, nearest};
use crate::function::Function;
use crate::groups;
use crate::kind::{Inputs, Kind, SPAN_KINDS};
use crate::runtime::Runtime;

use bindings::bindings;

pub(crate) use bindings::Binding;
pub(crate) use form::{Form, Returned, Streamed};
pub(crate) use inputs::{Capture, Link};
pub(crate) use request::{BodyIs, Request, Source};

/// What is to be generated.
pub(crate) struct Model {
    pub(crate) runtime: Runtime,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    /// Its patterns replaced by names.
    pub(crate) signature: Signature,
    pub(crate) spec: Spec,
    /// A handler's request; None for every other kind.
    pub(crate) request: Option<Request>,
    /// What is recorded of the arguments.
    pub(crate) links: Vec<Link>,
    /// Patterns that are bound before the call begins.
    pub(crate) early: Vec<Binding>,
    /// Patterns that are bound when their arguments were read.
    pub(crate) late: Vec<Binding>,
    /// `input = ..`
    pub(crate) input: Option<Expr>,
    /// What is said of the span itself.
    pub(crate) span_attributes: Vec<SpanAttribute>,
    /// The type to pin, where there is one that can be named.
    pub(crate) pin: Option<Type>,
    /// In the user's braces, so that lints read it as a block that the user wrote.
    pub(crate) body: Group,
    /// Where the function's braces stand. Lints of a whole function pass over one in the braces of a macro.
    pub(crate) braces: Span,
    pub(crate) form: Form,
    /// Whether what it comes to is a stream, of which `output` is recorded item by item.
    pub(crate) stream: Option<Streamed>,
    /// Whether a handler waits until its spans are sent.
    pub(crate) flush: bool,
    pub(crate) output: Output,
}

/// The span's constants.
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) description: Option<String>,
    pub(crate) parameters: Option<LitStr>,
    pub(crate) project_name: Option<LitStr>,
    /// Whether the input is recorded without being told.
    pub(crate) automatic_input: bool,
}

/// What is recorded of the result.
pub(crate) enum Output {
    /// The function never returns.
    Never,
    /// Only an error; the span is that of the return type.
    Skipped(Span),
    /// The value; the span is that of the return type.
    Value(Span),
    /// What this makes of the value.
    Closure(Expr),
}

/// An argument that is not `self`.
pub(crate) struct Argument {
    /// The name in the generated signature.
    pub(crate) ident: Ident,
    /// The name that the user gave, as it is recorded.
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) pattern: Option<Pat>,
    /// Its `#[cfg(..)]`: what is made of it is under them too.
    pub(crate) cfg: Vec<Attribute>,
}

impl Argument {
    /// This argument's name, shown to the user at its type: where what is wrong with it is written.
    pub(crate) fn at_type(&self) -> Ident {
        let mut ident = self.ident.clone();
        let mut ty = &self.ty;
        while let Type::Reference(reference) = groups::ty(ty) {
            ty = &reference.elem;
        }
        ident.set_span(ty.span().resolved_at(ident.span()));
        ident
    }
}

pub(crate) fn check(
    kind: &Kind,
    args: Args,
    function: Function,
    mut errors: Errors,
) -> syn::Result<Model> {
    let documentation = function.documentation();
    let Function {
        attributes,
        visibility,
        mut signature,
        body,
    } = function;
    let body = check_shape(kind, &signature, body, &mut errors);
    let braces = body.span();
    let (form, worked_out, body) = Form::of(&signature, body);
    check_async(kind, &signature, form, &mut errors);
    let output = output(&args, returned(&signature), worked_out, &mut errors);
    let stream = args.stream.is_some().then(|| Streamed::of(worked_out));
    let pin = match form {
        Form::Future(_) => pin(returned(&signature)),
        _ if returned(&signature).is_none() => Some(syn::parse_quote!(())),
        _ => pin(worked_out),
    };
    let arguments = take_arguments(&mut signature);
    let spec = spec(kind, &args, &signature, documentation, &mut errors);
    let request = match kind.inputs {
        Inputs::Body => request::find(&args, &signature, &arguments, &mut errors),
        _ => None,
    };
    let links = match kind.inputs {
        Inputs::Body => Vec::new(),
        _ => inputs::links(kind, &args, &signature, &arguments, &mut errors),
    };
    attributes::check(kind, &args.attributes, &mut errors);
    errors.finish()?;

    let (early, late) = bindings(arguments, request.as_ref());
    Ok(Model {
        runtime: Runtime::at(args.runtime),
        pin,
        input: match args.input {
            Some(Given::Some(input)) => Some(input),
            _ => None,
        },
        span_attributes: args.attributes,
        attributes,
        visibility,
        signature,
        spec,
        request,
        links,
        early,
        late,
        body,
        braces,
        form,
        stream,
        flush: args.flush.is_some(),
        output,
    })
}

fn check_shape(
    kind: &Kind,
    signature: &Signature,
    body: Option<Group>,
    errors: &mut Errors,
) -> Group {
    let attribute = kind.attribute;
    if let Some(constant) = &signature.constness {
        let message = format!(
            "`#[{attribute}]` cannot be put on a `const fn`, which runs at compile time; remove `const`"
        );
        errors.add(constant, message);
    }
    if let Some(variadic) = &signature.variadic {
        errors.add(
            variadic,
            format!("`#[{attribute}]` cannot be put on a variadic function"),
        );
    }
    body.unwrap_or_else(|| {
        let message =
            format!("`#[{attribute}]` needs a body; put it on the method of each `impl` instead");
        errors.add(&signature.ident, message);
        Group::new(Delimiter::Brace, TokenStream::new())
    })
}

fn check_async(kind: &Kind, signature: &Signature, form: Form, errors: &mut Errors) {
    if kind.inputs == Inputs::Body && form == Form::Sync {
        let attribute = kind.attribute;
        let message = format!(
            "`#[{attribute}]` needs an async function; write `async fn {}`",
            signature.ident
        );
        errors.add(signature.fn_token, message);
    }
}

/// The arguments, each with a name in the signature that expressions can use.
fn take_arguments(signature: &mut Signature) -> Vec<Argument> {
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

fn spec(
    kind: &Kind,
    args: &Args,
    signature: &Signature,
    documentation: Option<String>,
    errors: &mut Errors,
) -> Spec {
    for (key, text) in [
        ("name", &args.name),
        ("description", &args.description),
        ("project_name", &args.project_name),
        ("parameters", &args.parameters),
    ] {
        if let Some(text) = text.as_ref().filter(|text| text.value().trim().is_empty()) {
            errors.add(
                text,
                format!("`{key}` is empty; write it or leave `{key}` out"),
            );
        }
    }
    if let Some(parameters) = args
        .parameters
        .as_ref()
        .filter(|p| !p.value().trim().starts_with('{'))
    {
        errors.add(
            parameters,
            "`parameters` is a JSON Schema; write an object, such as `{\"type\":\"object\"}`",
        );
    }
    let span_kind = args.kind.as_ref().map_or(kind.openinference, |wanted| {
        let text = wanted.value();
        let known = || SPAN_KINDS.iter().copied();
        known().find(|name| *name == text).unwrap_or_else(|| {
            let near = nearest(&text.to_uppercase(), known());
            let near = near.map_or(String::new(), |near| format!("did you mean `{near}`? "));
            let message = format!(
                "`{text}` is no span kind; {near}the kinds are {}",
                listed(known())
            );
            errors.add(wanted, message);
            kind.openinference
        })
    });
    let tool = kind.inputs == Inputs::Parameters;
    let given = args.description.as_ref().map(LitStr::value);
    Spec {
        name: args
            .name
            .as_ref()
            .map_or_else(|| signature.ident.unraw().to_string(), LitStr::value),
        kind: span_kind,
        description: given.or(documentation).filter(|_| tool),
        parameters: args.parameters.clone(),
        project_name: args.project_name.clone(),
        automatic_input: args.input.is_none(),
    }
}

fn output(
    args: &Args,
    returned: Option<&Type>,
    worked_out: Option<&Type>,
    errors: &mut Errors,
) -> Output {
    if let (Some(skip), Some(_)) = (&args.skip_output, &args.output) {
        errors.add(
            skip,
            "`skip_output` and `output` are mutually exclusive; remove one",
        );
    }
    if let Some(stream) = args.stream.as_ref()
        && matches!(worked_out.map(groups::ty), None | Some(Type::Never(_)))
    {
        errors.add(
            stream,
            "`stream` is for a function that returns a stream; remove it",
        );
    }
    let span = match worked_out.or(returned).map(groups::ty) {
        Some(Type::Never(_)) => return Output::Never,
        Some(ty) => ty.span(),
        None => Span::call_site(),
    };
    match &args.output {
        Some(Given::Some(closure)) => Output::Closure(closure.clone()),
        Some(Given::None) => Output::Skipped(span),
        None if args.skip_output.is_some() => Output::Skipped(span),
        None => Output::Value(span),
    }
}

fn returned(signature: &Signature) -> Option<&Type> {
    match &signature.output {
        ReturnType::Type(_, ty) => Some(ty),
        ReturnType::Default => None,
    }
}

/// The type with `impl Trait` erased, unless nothing of it is left.
fn pin(ty: Option<&Type>) -> Option<Type> {
    struct Erase;
    impl VisitMut for Erase {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if matches!(ty, Type::ImplTrait(_)) {
                *ty = syn::parse_quote!(_);
            } else {
                syn::visit_mut::visit_type_mut(self, ty);
            }
        }
    }
    let mut ty = ty
        .map(groups::ty)
        .filter(|ty| !matches!(ty, Type::Never(_) | Type::ImplTrait(_)))?
        .clone();
    Erase.visit_type_mut(&mut ty);
    Some(ty)
}
