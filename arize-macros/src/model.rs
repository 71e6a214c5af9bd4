//! Every judgement about an annotated function. A [`Model`] exists only where all of them passed; its
//! fields are decisions, not options.

mod arguments;
mod attributes;
mod definition;
mod form;
mod generics;
mod inputs;
mod request;
mod shape;

use proc_macro2::{Group, Span};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::visit_mut::VisitMut;
use syn::{Attribute, LitStr, ReturnType, Signature, Type, Visibility};

use crate::args::{Args, AttributeKey, Given};
use crate::errors::{Errors, listed, nearest};
use crate::function::Function;
use crate::groups;
use crate::kind::{Inputs, Kind, SPAN_KINDS};
use crate::runtime::Runtime;
use generics::Generics;

pub(crate) use arguments::Binding;
use arguments::{Argument, patterns};
pub(crate) use definition::Definition;
pub(crate) use form::{Form, Returned, Streamed};
pub(crate) use generics::Value;
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
    pub(crate) input: Option<Value>,
    /// What is said of the span itself.
    pub(crate) span_attributes: Vec<(AttributeKey, Value)>,
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
    /// What an LLM is told of the tool, where that is asked for.
    pub(crate) definition: Option<Definition>,
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
    /// The value, whose return type is there.
    Value { at: Span, generic: bool },
    /// What this makes of the value.
    Closure(Value),
}

// Long, since it is the list of all judgements, in the order in which they need each other.
pub(crate) fn check(
    kind: &Kind,
    args: Args,
    function: Function,
    mut errors: Errors,
) -> syn::Result<Model> {
    let documentation = function.documentation();
    shape::check_alone(function.is_expanded(), &mut errors);
    let Function {
        attributes,
        visibility,
        mut signature,
        body,
    } = function;
    let body = shape::check(kind, &signature, body, &mut errors);
    let braces = body.span();
    let arguments = arguments::take(&mut signature);
    let generics = Generics::of(&signature, &arguments);
    let (form, worked_out, body) = Form::of(&signature, body);
    shape::check_async(kind, &signature, form, &mut errors);
    let output = output(
        &args,
        returned(&signature),
        worked_out,
        &generics,
        &mut errors,
    );
    let stream = args.stream.is_some().then(|| Streamed::of(worked_out));
    let pin = match form {
        Form::Future(_) => pin(returned(&signature)),
        _ if returned(&signature).is_none() => Some(syn::parse_quote!(())),
        _ => pin(worked_out),
    };
    let spec = spec(kind, &args, &signature, documentation, &mut errors);
    let request = match kind.inputs {
        Inputs::Body => request::find(&args, &signature, &arguments, &mut errors),
        _ => None,
    };
    let links = match kind.inputs {
        Inputs::Body => Vec::new(),
        _ => inputs::links(kind, &args, &signature, &arguments, &generics, &mut errors),
    };
    attributes::check(kind, &args.attributes, &mut errors);
    let definition = definition::of(
        &args,
        &attributes,
        &signature,
        &arguments,
        &generics,
        &mut errors,
    );
    errors.finish()?;

    let said = args.attributes.into_iter();
    let said = said.map(|said| (said.key, generics.value(said.value)));
    let (early, late) = patterns(arguments, request.as_ref());
    Ok(Model {
        runtime: Runtime::at(args.runtime),
        pin,
        input: match args.input {
            Some(Given::Some(input)) => Some(generics.value(input)),
            _ => None,
        },
        span_attributes: said.collect(),
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
        definition,
    })
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
        ("kind", &args.kind),
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
        .filter(|p| !matches!(p.value().trim().chars().next(), Some('{') | None))
    {
        errors.add(
            parameters,
            "`parameters` is a JSON Schema; write an object, such as `{\"type\":\"object\"}`",
        );
    }
    let span_kind = span_kind(kind, args, errors);
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

/// The kind that is asked for, or else the attribute's.
fn span_kind(kind: &Kind, args: &Args, errors: &mut Errors) -> &'static str {
    args.kind.as_ref().map_or(kind.openinference, |wanted| {
        let text = wanted.value();
        if text.trim().is_empty() {
            return kind.openinference; // told above
        }
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
    })
}

fn output(
    args: &Args,
    returned: Option<&Type>,
    worked_out: Option<&Type>,
    generics: &Generics,
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
    let generic = worked_out.is_some_and(|ty| generics.names_parameter(ty));
    match &args.output {
        Some(Given::Some(closure)) => {
            let closure = generics.value(closure.clone());
            let generic = closure.generic || generic;
            Output::Closure(Value { generic, ..closure })
        }
        Some(Given::None) => Output::Skipped(span),
        None if args.skip_output.is_some() => Output::Skipped(span),
        None => Output::Value { at: span, generic },
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
