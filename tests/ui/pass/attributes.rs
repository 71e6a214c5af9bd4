//! What functions say of their span: of arguments that are moved, borrowed, bound by patterns.

use std::collections::BTreeMap;
use std::fmt::Display;

use arize_runtime::attributes::{Llm, Message};
use arize_runtime::testing::capture;
use arize_runtime::{Scope, chain, llm};

#[llm(
    skip(client),
    session_id = a,
    metadata = std::iter::once((&*text, number + 1)).collect::<BTreeMap<_, _>>(),
    tags = [&*text, "beta"],
    attributes(user.number = &number, "first-letter" = text.chars().next(), client = client.to_string()),
)]
async fn later<C: Display + Send>(client: C, a: &str, (text, number): (String, u32)) -> String {
    tokio::task::yield_now().await;
    drop(client);
    format!("{a}{text}{number}")
}

#[chain(attributes = Llm::new().model(&model).input_messages(texts.iter().map(Message::user)))]
fn with_builder(model: String, texts: &mut Vec<String>) -> usize {
    texts.push(model);
    texts.len()
}

struct Chat {
    scope: Scope,
}

impl Chat {
    #[chain(skip(own), scope = self.scope)]
    fn ask(&self, own: Option<&Scope>) -> String {
        self.answer(own)
    }

    #[llm(skip_all, scope = own)]
    fn answer(&self, own: Option<&Scope>) -> String {
        format!("{own:?} {:?}", self.scope)
    }
}

#[test]
fn a_scope_is_taken_by_reference() {
    let capture = capture();
    let chat = Chat {
        scope: Scope::new().session_id("c"),
    };
    let own = Scope::new().session_id("own");
    capture.run(|| chat.ask(Some(&own)));
    assert_eq!(capture.span("ask").text("session.id"), Some("c"));
    assert_eq!(capture.span("answer").text("session.id"), Some("own"));
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    let said = capture.scope(later(1, "a", ("b".to_owned(), 2))).await;
    assert_eq!(said, "ab2");
    let span = capture.span("later");
    assert_eq!(span.text("session.id"), Some("a"));
    assert_eq!(span.text("metadata"), Some(r#"{"b":3}"#));
    assert_eq!(span.text("client"), Some("1"));
    assert_eq!(span.attribute("user.number"), Some(&2.into()));

    let run = || with_builder("m".to_owned(), &mut vec!["t".to_owned()]);
    assert_eq!(capture.run(run), 2);
    let span = capture.span("with_builder");
    assert_eq!(span.text("llm.model_name"), Some("m"));
    let message = "llm.input_messages.0.message.content";
    assert_eq!(span.text(message), Some("t"));
}
