//! What each says of every other item is in the unit tests of `arize-macros`.
use arize_runtime::{
    agent, chain, decision, embedding, evaluator, experiment_handler, guardrail, llm, prompt,
    reranker, retriever, tool,
};

#[experiment_handler]
struct ExperimentHandler;

#[tool]
struct Tool;

#[chain]
struct Chain;

#[agent]
struct Agent;

#[llm]
struct Llm;

#[retriever]
struct Retriever;

#[reranker]
struct Reranker;

#[embedding]
struct Embedding;

#[guardrail]
struct Guardrail;

#[evaluator]
struct Evaluator;

#[prompt]
struct Prompt;

#[decision]
struct Decision;

fn main() {}
