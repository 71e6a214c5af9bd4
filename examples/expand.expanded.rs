#![feature(prelude_import)]
//! What the attributes make of functions: `cargo expand -p examples --example expand`.
extern crate std;
#[prelude_import]
use std::prelude::rust_2024::*;
use arize_runtime::{AgentRequest, experiment_handler, tool};
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
/// Work out what a stay costs, in euros.
fn price(nights: u32, per_night: u32) -> u32 {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::tool(
            "price",
        )
        .description("Work out what a stay costs, in euros.");
    return ::arize_runtime::__private::start(
            &__ARIZE_SPAN,
            |i| {
                ::arize_runtime::__private::arg("nights", &nights).typed(i);
                ::arize_runtime::__private::arg("per_night", &per_night).typed(i);
            },
        )
        .call(move || -> u32 { nights * per_night })
        .outcome(|o| o.value().record());
}
async fn invoke(headers: HeaderMap, __arg1: Json<AgentRequest<[u32; 2]>>) -> Json<u32> {
    static __ARIZE_SPAN: ::arize_runtime::__private::SpanSpec = ::arize_runtime::__private::SpanSpec::chain(
        "run_agent",
    );
    let __call = ::arize_runtime::__private::body(&*__arg1)
        .handle(&__ARIZE_SPAN, &headers);
    let Json(request) = __arg1;
    return __call
        .run(async move {
            if false {
                return ::arize_runtime::__private::infer::<Json<u32>>();
            }
            let [nights, per_night] = request.input;
            Json(price(nights, per_night))
        })
        .outcome(|o| o.value().body().respond())
        .await;
}
fn main() {
    let _agent: Router = Router::new().route("/invoke", post(invoke));
}
