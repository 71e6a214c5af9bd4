//! Functions that return `impl Future`.

use std::future::Future;

use arize_runtime::testing::capture;
use arize_runtime::{Scope, ScopeFutureExt as _, tool};

struct Client {
    base: String,
}

impl Client {
    /// The future borrows nothing, so it can be spawned.
    #[tool]
    fn get(
        &self,
        path: &str,
    ) -> impl Future<Output = Result<String, std::fmt::Error>> + Send + use<> {
        let url = format!("{}{path}", self.base);
        async move {
            tokio::task::yield_now().await;
            if url.ends_with('!') {
                return Err(std::fmt::Error);
            }
            Ok(url)
        }
    }
}

#[tool(output = Vec::len)]
fn borrowed<'a>(words: &'a [&'a str]) -> impl Future<Output = Vec<&'a str>> + 'a {
    async move { words.to_vec() }
}

const fn is_static<T: Send + 'static>(_: &T) {}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    let client = Client {
        base: "a/".to_owned(),
    };
    // the arguments are read where the function is called, the span starts where its future is polled
    let (good, bad) = capture.run(|| (client.get("b"), client.get("!")));
    drop(client);
    is_static(&good);
    let scope = Scope::new().user_id("somebody");
    let both = async { (good.with_scope(scope).await, bad.await) };
    let (good, bad) = capture.scope(both).await;
    assert_eq!((good.as_deref(), bad.is_err()), (Ok("a/b"), true));
    capture.scope(borrowed(&["x"])).await;

    let spans = capture.spans();
    assert_eq!(spans.len(), 3);
    assert_eq!(spans[0].input(), Some(r#"{"path":"b"}"#));
    assert_eq!(spans[0].output(), Some("a/b"));
    assert_eq!(spans[0].text("user.id"), Some("somebody"));
    assert!(spans[1].error().is_some() && spans[1].text("user.id").is_none());
    assert_eq!(spans[2].output(), Some("1"));
}
