//! Values and errors that misbehave when they are looked at: the call goes on as without tracing.

use std::fmt;
use std::pin::Pin;
use std::task::{self, Poll};

use arize_local::StatusCode;
use arize_runtime::tool;
use futures_util::stream::{self, Stream, StreamExt as _};
use serde::Serialize;

use crate::harness::named;
use crate::tools::{spans_of, value};

#[tokio::test]
async fn recording_never_fails_the_call() {
    #[derive(Clone, Copy)]
    struct Hostile;
    impl Serialize for Hostile {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("no")
        }
    }
    struct Refusing;
    impl Serialize for Refusing {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not today"))
        }
    }
    #[tool]
    fn hostile(a: u32, b: Hostile) -> Hostile {
        let _ = a;
        b
    }
    #[tool]
    fn refusing(a: u32, b: Refusing) -> Refusing {
        let _ = a;
        b
    }
    #[tool(output = |_| -> u32 { panic!("no") })]
    fn describing() -> u32 {
        3
    }
    let (n, spans) = spans_of(async {
        hostile(1, Hostile);
        refusing(1, Refusing);
        describing()
    })
    .await;
    assert_eq!((n, spans.len()), (3, 3));
    let input = r#"{"a":1,"b":"<not serialised: not today>"}"#;
    assert_eq!(value(named(&spans, "refusing"), "input").0, input);
    assert!(spans.iter().all(|span| span.status.code == StatusCode::Ok));
}

#[tokio::test]
async fn recording_never_fails_what_is_awaited_or_streamed() {
    struct Mute;
    impl AsRef<str> for Mute {
        fn as_ref(&self) -> &str {
            panic!("no")
        }
    }
    #[tool]
    fn mute() -> Mute {
        Mute
    }
    #[tool]
    async fn mute_later() -> Mute {
        tokio::task::yield_now().await;
        Mute
    }
    #[tool(output = |_| -> u32 { panic!("no") })]
    async fn describing() -> u32 {
        tokio::task::yield_now().await;
        3
    }
    #[tool(stream, output = |_| -> u32 { panic!("no") })]
    fn items() -> impl Stream<Item = u32> {
        stream::iter([1, 2])
    }
    let (got, spans) = spans_of(async {
        let (_, _) = (mute(), mute_later().await);
        (describing().await, items().collect::<Vec<_>>().await)
    })
    .await;
    assert_eq!(got, (3, vec![1, 2]));
    assert_eq!(spans.len(), 4);
    for span in &spans {
        assert_eq!(span.status.code, StatusCode::Ok, "{}", span.name);
        assert_eq!(span.attr_str("output.value"), None, "{}", span.name);
    }
}

#[tokio::test]
async fn what_recording_calls_is_beside_the_span_and_not_in_it() {
    #[tool]
    fn asked() {}
    struct Asking;
    impl Serialize for Asking {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            asked();
            serializer.serialize_none()
        }
    }
    #[tool]
    fn now() -> Asking {
        Asking
    }
    #[tool]
    async fn later() -> Asking {
        tokio::task::yield_now().await;
        Asking
    }
    let ((), spans) = spans_of(async {
        now();
        later().await;
    })
    .await;
    let parent = &named(&spans, "now").parent_span_id;
    assert_eq!(spans.len(), 4);
    assert!(spans.iter().all(|span| span.parent_span_id == *parent));
}

#[tokio::test]
async fn what_a_finished_future_drops_is_dropped_inside_its_span() {
    struct Connection;
    impl Future for Connection {
        type Output = u32;
        fn poll(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<u32> {
            Poll::Ready(3)
        }
    }
    impl Drop for Connection {
        fn drop(&mut self) {
            close();
        }
    }
    #[tool]
    fn close() {}
    #[tool]
    fn connect() -> impl Future<Output = u32> {
        Connection
    }
    let (_, spans) = spans_of(async { connect().await }).await;
    let parent = named(&spans, "close").parent_span_id.as_ref();
    assert_eq!(parent, Some(&named(&spans, "connect").span_id));
}

#[tokio::test]
async fn a_hostile_chain_of_causes_neither_hangs_nor_panics() {
    #[derive(Debug)]
    struct Endless;
    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("again")
        }
    }
    impl std::error::Error for Endless {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&Endless)
        }
    }
    #[derive(Debug)]
    struct Unspeakable;
    impl fmt::Display for Unspeakable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no")
        }
    }
    impl std::error::Error for Unspeakable {}
    #[derive(Debug)]
    struct Caused;
    impl fmt::Display for Caused {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("caused")
        }
    }
    impl std::error::Error for Caused {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&Unspeakable)
        }
    }
    #[tool]
    fn endless() -> Result<(), Endless> {
        Err(Endless)
    }
    #[tool]
    fn unspeakable() -> Result<(), Caused> {
        Err(Caused)
    }
    let (failed, spans) = spans_of(async { (endless().is_err(), unspeakable().is_err()) }).await;
    assert_eq!(failed, (true, true));
    assert_eq!(named(&spans, "endless").status.message, "Endless: again");
    assert_eq!(
        named(&spans, "unspeakable").status.message,
        "Caused: caused"
    );
}

#[tokio::test]
async fn what_is_nested_without_end_is_cut_off() {
    struct Endless;
    impl Serialize for Endless {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq([Self])
        }
    }
    #[tool]
    fn circular(a: u32, value: Endless) -> Endless {
        let _ = a;
        value
    }
    let (_, spans) = spans_of(async { circular(1, Endless) }).await;
    let input = r#"{"a":1,"value":"<not serialised: it is nested in more than 100 levels>"}"#;
    assert_eq!(value(&spans[0], "input").0, input);
    assert_eq!(spans[0].attr("output.value"), None);
}
