//! Shapes of functions that the attributes take: each compiles under the strictest lints, without one
//! `#[allow]`, runs as it did, and leaves the span that is expected.
#![deny(
    warnings,
    missing_docs,
    unsafe_code,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]

mod async_fn;
mod async_trait_impl;
mod attributes;
mod boxed_future;
mod definitions;
mod early_return;
mod errors;
mod extern_fn;
mod generics;
mod impl_future;
mod impl_trait;
mod lifetimes;
mod lints;
mod macro_rules;
mod mutable;
mod names;
mod never;
mod no_prelude;
mod other_attributes;
mod patterns;
mod recursion;
mod renamed;
mod self_forms;
mod streams;
mod sync_fn;
mod trait_methods;
