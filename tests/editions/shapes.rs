//! Functions of a user who has the runtime under another name, compiled as edition 2021 and as 2024.
#![cfg(test)]
#![deny(
    warnings,
    rust_2024_compatibility,
    elided_lifetimes_in_paths,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    clippy::all,
    clippy::pedantic
)]

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

use futures_util::{stream, Stream};
use http::HeaderMap;
use phoenix::testing::capture;
use phoenix::{agent, experiment_handler, llm, tool};

/// The path that a crate writes once.
mod tracing {
    pub(super) use phoenix as of_the_crate;
}

/// In 2021 it captures no lifetime unless it is named, in 2024 all.
#[tool(crate = phoenix)]
fn opaque(words: &[u32]) -> impl Iterator<Item = u32> + serde::Serialize + use<'_> {
    Counted(words.iter().copied())
}

struct Counted<I>(I);

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;
    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
}

impl<I: Iterator<Item = u32> + Clone> serde::Serialize for Counted<I> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.clone().count() as u64)
    }
}

#[tool(crate = self::tracing::of_the_crate)]
fn later(words: &[u32]) -> impl Future<Output = usize> + '_ {
    let first = words.first();
    async move { first.map_or(0, |_| words.len()) }
}

#[tool(crate = ::phoenix)]
fn boxed<'a>(word: &'a str) -> Pin<Box<dyn Future<Output = &'a str> + Send + 'a>> {
    Box::pin(async move { word })
}

/// The guard lives to the end of the statement: a temporary of the tail.
#[tool(crate = phoenix, skip_all)]
fn temporaries(lock: &Mutex<Vec<u32>>, cell: &RefCell<u32>) -> usize {
    let own = *cell.borrow() as usize;
    lock.lock().map_or(0, |list| list.len()) + own
}

#[agent(crate = phoenix, input = r#gen, output = |value| value + 1)]
async fn r#gen(r#gen: u32, _unused: u32) -> u32 {
    tokio::task::yield_now().await;
    r#gen
}

#[llm(crate = phoenix, stream, session_id = "s", scope = phoenix::Scope::new().user_id("u"))]
async fn complete(prompt: &str) -> Result<impl Stream<Item = String> + use<>, std::fmt::Error> {
    tokio::task::yield_now().await;
    let prompt = prompt.to_owned();
    Ok(stream::iter([prompt]))
}

#[experiment_handler(crate = phoenix, flush)]
async fn handle(headers: HeaderMap, body: String) -> Result<String, Box<dyn std::error::Error>> {
    tokio::task::yield_now().await;
    if headers.is_empty() && body.is_empty() {
        return Err(Box::new(std::fmt::Error));
    }
    Ok(body)
}

trait Search {
    fn find(&self, key: u32) -> impl Future<Output = Option<u32>> + Send;
}

impl Search for Vec<u32> {
    #[tool(crate = phoenix)]
    async fn find(&self, key: u32) -> Option<u32> {
        tokio::task::yield_now().await;
        self.iter().copied().find(|n| *n == key)
    }
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    let all = async {
        assert_eq!(opaque(&[1, 2]).count(), 2);
        assert_eq!(later(&[1]).await, 1);
        assert_eq!(boxed("b").await, "b");
        assert_eq!(temporaries(&Mutex::new(vec![1]), &RefCell::new(1)), 2);
        assert_eq!(r#gen(1, 2).await, 1);
        let words = complete("w").await.map(stream::StreamExt::boxed_local);
        assert!(words.is_ok());
        assert!(handle(HeaderMap::new(), String::new()).await.is_err());
        assert_eq!(vec![1, 2].find(2).await, Some(2));
    };
    capture.scope(all).await;
    let outputs: Vec<_> = capture
        .spans()
        .iter()
        .map(|span| format!("{} {}", span.name(), span.output().unwrap_or("-")))
        .collect();
    assert_eq!(
        outputs,
        [
            "opaque 2",
            "later 1",
            "boxed b",
            "temporaries 2",
            "gen 2",
            "complete -",
            "handle -",
            "find 2"
        ]
    );
}
