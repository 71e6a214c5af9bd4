//! The only file that spells names of `arize_runtime::__private`.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Ident, Path, Token};

/// Where the runtime is: `::arize_runtime`, or what `crate = path` says.
pub(crate) struct Runtime(Option<Path>);

/// A name of the runtime's. An error in what it is applied to shows at `span`.
pub(crate) struct Name<'a> {
    given: Option<&'a Path>,
    word: &'static str,
    span: Span,
}

impl Runtime {
    pub(crate) fn at(path: Option<Path>) -> Self {
        Self(path)
    }

    fn name(&self, name: &'static str, span: Span) -> Name<'_> {
        Name {
            given: self.0.as_ref(),
            word: name,
            span,
        }
    }
}

impl ToTokens for Name<'_> {
    /// Token by token: a stream inside a stream costs the compiler more.
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let colons = Token![::](self.span);
        let word = |name| Ident::new(name, self.span);
        if let Some(given) = self.given {
            given.to_tokens(tokens);
        } else {
            colons.to_tokens(tokens);
            word("arize_runtime").to_tokens(tokens);
        }
        colons.to_tokens(tokens);
        word("__private").to_tokens(tokens);
        colons.to_tokens(tokens);
        word(self.word).to_tokens(tokens);
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $function:ident => $name:literal,)+) => {
        impl Runtime {$(
            $(#[$doc])*
            pub(crate) fn $function(&self, span: Span) -> Name<'_> {
                self.name($name, span)
            }
        )+}
    };
}

names! {
    /// Of what is known at compile time.
    span_spec => "SpanSpec",
    /// Begins the call of a handler.
    body => "body",
    no_body => "NoBody",
    /// The body inside a request.
    request => "request",
    /// Begins any other call.
    start => "start",
    /// Of a function none of whose arguments is recorded.
    start_without => "start_without",
    arg => "arg",
    generic_arg => "generic_arg",
    debug_arg => "debug_arg",
    redacted_arg => "redacted_arg",
    /// Of an item of a stream.
    outcome => "Outcome",
    /// Of a tool, for an LLM.
    tool_definition => "ToolDefinition",
    define => "define",
    parameter => "parameter",
    /// Pins the return type.
    infer => "infer",
}
