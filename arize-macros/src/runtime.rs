//! The only file that spells names of `arize_runtime::__private`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Ident, Path};

/// Where the runtime is: `::arize_runtime`, or what `crate = path` says.
pub(crate) struct Runtime(Option<Path>);

impl Runtime {
    pub(crate) fn at(path: Option<Path>) -> Self {
        Self(path)
    }

    /// A name of the runtime's. An error in what it is applied to shows at `span`.
    fn name(&self, name: &str, span: Span) -> TokenStream {
        let given = self.0.as_ref().map(ToTokens::to_token_stream);
        let root = given.unwrap_or_else(|| quote_spanned!(span=> ::arize_runtime));
        let name = Ident::new(name, span);
        quote_spanned!(span=> #root::__private::#name)
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $function:ident => $name:literal,)+) => {
        impl Runtime {$(
            $(#[$doc])*
            pub(crate) fn $function(&self, span: Span) -> TokenStream {
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
