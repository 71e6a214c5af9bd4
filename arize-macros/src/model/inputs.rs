//! What is recorded of the arguments of a function that is no handler.

use syn::{Attribute, Ident, Signature};

use super::Argument;
use super::generics::Generics;
use crate::args::Args;
use crate::errors::{Errors, listed, nearest};
use crate::kind::{Inputs, Kind};

/// One argument on its way into the span.
pub(crate) struct Link {
    /// The argument's name as it is recorded.
    pub(crate) name: String,
    /// The argument itself, shown at its type.
    pub(crate) ident: Ident,
    /// Which method records it: `typed`, `record` or `bare`.
    pub(crate) method: &'static str,
    pub(crate) capture: Capture,
    /// Under which it is there.
    pub(crate) cfg: Vec<Attribute>,
}

/// How the argument's value is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capture {
    Json,
    /// As JSON, of a type that names a type parameter.
    GenericJson,
    Debug,
    Redacted,
}

pub(crate) fn links(
    kind: &Kind,
    args: &Args,
    signature: &Signature,
    arguments: &[Argument],
    generics: &Generics,
    errors: &mut Errors,
) -> Vec<Link> {
    check_names(args, signature, arguments, errors);
    check_conflicts(args, errors);
    let tool = kind.inputs == Inputs::Parameters;
    let named =
        |list: &[Ident], argument: &Argument| list.iter().any(|name| *name == argument.name);
    let recorded = |a: &&Argument| args.skip_all.is_none() && !named(&args.skip, a);
    let recorded: Vec<_> = arguments.iter().filter(recorded).collect();
    let method = match (tool, args.input.is_some()) {
        (true, _) if args.parameters.is_none() => "typed",
        (_, true) => return Vec::new(),
        (false, false) if kind.inputs == Inputs::Bare && recorded.len() == 1 => "bare",
        _ => "record",
    };
    let link = |argument: &Argument| Link {
        name: argument.name.clone(),
        ident: argument.at_type(),
        method,
        cfg: argument.cfg.clone(),
        capture: if args.input.is_some() || named(&args.redact, argument) {
            Capture::Redacted
        } else if named(&args.debug, argument) {
            Capture::Debug
        } else if generics.is_generic(&argument.ty) {
            Capture::GenericJson
        } else {
            Capture::Json
        },
    };
    recorded.into_iter().map(link).collect()
}

fn lists(args: &Args) -> [(&'static str, &[Ident]); 3] {
    [
        ("skip", &args.skip),
        ("debug", &args.debug),
        ("redact", &args.redact),
    ]
}

fn check_names(args: &Args, signature: &Signature, arguments: &[Argument], errors: &mut Errors) {
    let known = || arguments.iter().map(|argument| argument.name.as_str());
    for (key, names) in lists(args) {
        for name in names {
            let text = name.to_string();
            if known().any(|known| known == text) {
                continue;
            }
            if text == "self" {
                errors.add(
                    name,
                    format!("`self` is never recorded; remove it from `{key}`"),
                );
                continue;
            }
            let near = nearest(&text, known()).map(|near| format!("did you mean `{near}`? "));
            let all = match arguments {
                [] => "it has none".to_owned(),
                [one] => format!("its argument is `{}`", one.name),
                _ => format!("its arguments are {}", listed(known())),
            };
            let function = &signature.ident;
            errors.add(
                name,
                format!(
                    "`{function}` has no argument `{text}`; {}{all}",
                    near.unwrap_or_default()
                ),
            );
        }
    }
}

fn check_conflicts(args: &Args, errors: &mut Errors) {
    let lists = lists(args);
    for (i, (first, names)) in lists.iter().enumerate() {
        for (second, others) in &lists[i + 1..] {
            // of `self` it is told that it is none
            let both = |name: &&Ident| names.contains(name) && *name != "self";
            for name in others.iter().filter(both) {
                errors.add(
                    name,
                    format!("`{name}` is in both `{first}` and `{second}`; name it in one"),
                );
            }
        }
        if let Some(name) = names.first() {
            if args.skip_all.is_some() {
                errors.add(
                    name,
                    format!("`skip_all` and `{first}` are mutually exclusive; remove one"),
                );
            }
            // what is skipped is left out of a tool's schema, so `skip` says something beside `input`
            if args.input.is_some() && *first != "skip" {
                errors.add(name, format!("`input` and `{first}` are mutually exclusive; with `input` no argument is recorded"));
            }
        }
    }
    if let (Some(all), Some(_)) = (&args.skip_all, &args.input) {
        errors.add(
            all,
            "`input` and `skip_all` are mutually exclusive; with `input` no argument is recorded",
        );
    }
}
