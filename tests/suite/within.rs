//! Routes, scopes and silence on futures, in any order.

use arize_runtime::testing::capture;
use arize_runtime::{
    Routing, RoutingFutureExt as _, Scope, ScopeFutureExt as _, chain, set_routing_context, tool,
};

#[tool]
async fn leaf() {
    tokio::task::yield_now().await;
}

#[chain(skip(future))]
async fn around(future: impl Future<Output = ()> + Send) {
    future.await;
}

fn routing(space: &str) -> Routing {
    Routing::new(space, "p").unwrap()
}

fn session(id: &str) -> Scope {
    Scope::new().session_id(id)
}

/// Space, session and user of each `leaf`.
async fn seen(work: impl Future<Output = ()>) -> Vec<String> {
    let capture = capture();
    capture.scope(work).await;
    let spans = capture.spans();
    let of = |span: &arize_runtime::testing::CapturedSpan| {
        let text = |key| span.text(key).unwrap_or("-").to_owned();
        ["arize.space_id", "session.id", "user.id"]
            .map(text)
            .join(" ")
    };
    spans
        .iter()
        .filter(|span| span.name() == "leaf")
        .map(of)
        .collect()
}

#[tokio::test]
async fn they_add_up_in_any_order_and_the_inner_one_wins() {
    let user = || Scope::new().user_id("u").session_id("outer");
    let scoped = leaf().with_scope(session("i")).with_routing(routing("s"));
    assert_eq!(seen(scoped).await, ["s i -"]);
    let routed = leaf().with_routing(routing("s")).with_scope(session("i"));
    assert_eq!(seen(routed).await, ["s i -"]);
    let nested = leaf().with_scope(session("i")).with_scope(user());
    assert_eq!(seen(nested).await, ["- i u"]);
    let rerouted = leaf()
        .with_routing(routing("in"))
        .with_routing(routing("out"));
    assert_eq!(seen(rerouted).await, ["in - -"]);
    assert!(
        seen(leaf().with_scope(session("i")).without_tracing())
            .await
            .is_empty()
    );
    assert!(
        seen(leaf().without_tracing().with_routing(routing("s")))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn what_is_current_at_the_first_poll_counts() {
    let made_before = leaf().with_scope(session("i"));
    let inside = async {
        let parent = around(made_before.with_routing(routing("s")));
        parent.with_scope(Scope::new().user_id("u")).await;
    };
    assert_eq!(seen(inside).await, ["s i u"]);
}

#[tokio::test]
async fn a_task_that_lost_its_context_has_that_in_which_it_was_made() {
    let inside = async {
        let future = set_routing_context(routing("s"), || leaf().with_scope(session("i")));
        tokio::spawn(future).await.unwrap();
    };
    assert_eq!(seen(inside).await, ["s i -"]);
}
