//! Handlers that answer when their spans are sent.

use std::time::Duration;

use arize_local::{Answer, Receiver};
use arize_runtime::{Arize, experiment_handler, tool};
use axum::Router;
use axum::routing::post;
use http::HeaderMap;

use crate::harness::{self, SOON, any_port, registration, serve};

#[tool]
fn look_up(word: &str) -> usize {
    word.len()
}

#[experiment_handler(flush)]
async fn invoke(headers: HeaderMap, body: String) -> String {
    look_up(&body).to_string()
}

/// An agent whose spans would wait an hour for company.
async fn agent() -> (Receiver, Arize, String) {
    let receiver = Receiver::bind(any_port()).await.unwrap();
    let hour = Duration::from_secs(3600);
    let registration = registration(&receiver, &[]).batch_delay(hour);
    let arize = registration.build().unwrap();
    let router = Router::new().route("/invoke", post(invoke));
    let url = serve(router, arize.context()).await;
    (receiver, arize, url)
}

const ROUTED: [(&str, &str); 1] = [("baggage", "arize.space_id=s,arize.project_name=p")];

#[tokio::test]
async fn a_handler_marked_flush_answers_when_its_spans_are_out() {
    let (receiver, _arize, url) = agent().await;
    assert_eq!(harness::post(&url, &ROUTED, "ab").await.1, "2");
    assert_eq!(receiver.spans().len(), 2);
}

#[tokio::test]
async fn a_flush_has_an_end_even_if_the_collector_has_none() {
    let (receiver, arize, url) = agent().await;
    receiver.answer_with(Answer::Delay(Duration::from_secs(600)));
    let answered = tokio::time::timeout(SOON, harness::post(&url, &ROUTED, "ab"));
    assert_eq!(answered.await.expect("it waits two seconds").1, "2");
    assert_eq!(arize.stats().exported, 0);
    assert!(arize.shutdown(Duration::ZERO).await.is_err());
}
