//! Where arguments that are patterns get the names that the user gave.

use syn::{Attribute, Ident, Pat};

use super::{Argument, Request};

/// A pattern and the argument that it takes apart, where that is there.
pub(crate) struct Binding {
    pub(crate) cfg: Vec<Attribute>,
    pub(crate) pattern: Pat,
    pub(crate) ident: Ident,
}

/// Those that are bound before the call begins, and those that are bound when their arguments were read.
pub(super) fn bindings(
    arguments: Vec<Argument>,
    request: Option<&Request>,
) -> (Vec<Binding>, Vec<Binding>) {
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
