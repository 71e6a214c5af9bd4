//! The attributes of [`arize-runtime`](../arize_runtime/index.html), which re-exports them: depend on that crate, not
//! on this one, and read its pages. An expansion names what only that crate has, so here alone nothing compiles.
//!
//! ```toml
//! [dependencies]
//! arize-runtime = "0.1"
//! ```
//!
//! [`macro@experiment_handler`] makes a function the entry of an agent that Arize's experiments call, and
//! [`macro@tool`] records what a tool was asked and answered. The other kinds of OpenInference have theirs.

// `(Kind, Args, Function) -> Model -> tokens`: text in, text out. Nothing here knows OpenTelemetry.

mod args;
mod errors;
mod expand;
mod function;
mod groups;
mod kind;
mod model;
mod runtime;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

use args::Args;
use errors::Errors;
use function::Function;
use kind::Kind;

/// The files of `docs` that stand behind a page's own, in this order. Many pages share them, so their examples
/// are tested once, in [`shared_pages`].
macro_rules! pages {
    ($($file:literal)+) => { concat!($(include_str!(concat!("../docs/", $file, ".md"))),+) };
}

macro_rules! step_pages {
    () => {
        pages!("expansion" "step" "values" "step_refusals" "refusals")
    };
}

#[doc = include_str!("../docs/experiment_handler.md")]
#[cfg_attr(not(doctest), doc = pages!("expansion" "request" "values" "request_refusals" "refusals"))]
#[proc_macro_attribute]
pub fn experiment_handler(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("experiment_handler", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/tool.md")]
#[cfg_attr(not(doctest), doc = pages!("expansion" "tool_schema" "step" "values" "step_refusals" "refusals"))]
#[proc_macro_attribute]
pub fn tool(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("tool", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/chain.md")]
#[cfg_attr(not(doctest), doc = step_pages!())]
#[proc_macro_attribute]
pub fn chain(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("chain", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/agent.md")]
#[cfg_attr(not(doctest), doc = step_pages!())]
#[proc_macro_attribute]
pub fn agent(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("agent", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/llm.md")]
#[cfg_attr(not(doctest), doc = step_pages!())]
#[proc_macro_attribute]
pub fn llm(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("llm", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/retriever.md")]
#[cfg_attr(not(doctest), doc = step_pages!())]
#[proc_macro_attribute]
pub fn retriever(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("retriever", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/reranker.md")]
#[cfg_attr(not(doctest), doc = step_pages!())]
#[proc_macro_attribute]
pub fn reranker(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("reranker", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/embedding.md")]
#[cfg_attr(not(doctest), doc = step_pages!())]
#[proc_macro_attribute]
pub fn embedding(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("embedding", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/guardrail.md")]
#[cfg_attr(not(doctest), doc = step_pages!())]
#[proc_macro_attribute]
pub fn guardrail(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("guardrail", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/evaluator.md")]
#[cfg_attr(not(doctest), doc = step_pages!())]
#[proc_macro_attribute]
pub fn evaluator(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("evaluator", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/prompt.md")]
#[cfg_attr(not(doctest), doc = step_pages!())]
#[proc_macro_attribute]
pub fn prompt(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("prompt", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/decision.md")]
#[cfg_attr(not(doctest), doc = step_pages!())]
#[proc_macro_attribute]
pub fn decision(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("decision", args.into(), item.into()).into()
}

/// The expansion of an attribute. After an error the item is emitted as it was, so that editors go on
/// working.
fn attribute(name: &str, args: TokenStream, item: TokenStream) -> TokenStream {
    let kind = Kind::of(name);
    match model(kind, args, item.clone()) {
        Ok(model) => expand::expand(&model),
        Err(error) => function::emit(error.into_compile_error(), item),
    }
}

fn model(kind: &Kind, args: TokenStream, item: TokenStream) -> syn::Result<model::Model> {
    let mut errors = Errors::new();
    let args = Args::parse(kind, args, &mut errors);
    match Function::read(kind, item) {
        Ok(function) => model::check(kind, args, function, errors),
        Err(error) => {
            errors.push(error);
            Err(errors.finish().expect_err("there is an error"))
        }
    }
}

#[cfg(doctest)]
mod shared_pages {
    #[doc = include_str!("../docs/request.md")]
    mod request {}
    #[doc = include_str!("../docs/request_refusals.md")]
    mod request_refusals {}
    #[doc = include_str!("../docs/step.md")]
    mod step {}
    #[doc = include_str!("../docs/step_refusals.md")]
    mod step_refusals {}
    #[doc = include_str!("../docs/refusals.md")]
    mod refusals {}
}
