//! The attributes of `arize-runtime`, which re-exports them: depend on that crate, not on this one.
//!
//! `(Kind, Args, Function) -> Model -> tokens`: text in, text out. Nothing here knows OpenTelemetry.

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

#[doc = include_str!("../docs/experiment_handler.md")]
#[proc_macro_attribute]
pub fn experiment_handler(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("experiment_handler", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/tool.md")]
#[proc_macro_attribute]
pub fn tool(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("tool", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/chain.md")]
#[doc = include_str!("../docs/step.md")]
#[proc_macro_attribute]
pub fn chain(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("chain", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/agent.md")]
#[doc = include_str!("../docs/step.md")]
#[proc_macro_attribute]
pub fn agent(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("agent", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/llm.md")]
#[doc = include_str!("../docs/step.md")]
#[proc_macro_attribute]
pub fn llm(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("llm", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/retriever.md")]
#[doc = include_str!("../docs/step.md")]
#[proc_macro_attribute]
pub fn retriever(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("retriever", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/reranker.md")]
#[doc = include_str!("../docs/step.md")]
#[proc_macro_attribute]
pub fn reranker(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("reranker", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/embedding.md")]
#[doc = include_str!("../docs/step.md")]
#[proc_macro_attribute]
pub fn embedding(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("embedding", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/guardrail.md")]
#[doc = include_str!("../docs/step.md")]
#[proc_macro_attribute]
pub fn guardrail(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("guardrail", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/evaluator.md")]
#[doc = include_str!("../docs/step.md")]
#[proc_macro_attribute]
pub fn evaluator(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("evaluator", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/prompt.md")]
#[doc = include_str!("../docs/step.md")]
#[proc_macro_attribute]
pub fn prompt(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    attribute("prompt", args.into(), item.into()).into()
}

#[doc = include_str!("../docs/decision.md")]
#[doc = include_str!("../docs/step.md")]
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
