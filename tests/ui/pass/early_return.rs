//! `return`, `?`, and errors that coerce on their way out.

use std::error::Error;

use arize_runtime::testing::capture;
use arize_runtime::{chain, tool};

#[tool]
async fn parse(text: &str) -> Result<u32, Box<dyn Error + Send + Sync>> {
    tokio::task::yield_now().await;
    if text.is_empty() {
        return Err(Box::new(std::fmt::Error));
    }
    if text == "none" {
        return Err("nothing".into());
    }
    Ok(text.parse()?)
}

#[tool]
fn parse_now(text: &str) -> Result<u32, Box<dyn Error>> {
    if text.is_empty() {
        return Err(Box::new(std::fmt::Error));
    }
    Ok(text.parse()?)
}

#[tool]
fn first(text: &str) -> Option<char> {
    let found = text.chars().next()?;
    Some(found)
}

#[chain]
async fn countdown(mut tries: u32) -> u32 {
    loop {
        if tries == 0 {
            return tries;
        }
        tries -= 1;
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn it_is_traced() {
    let capture = capture();
    for (text, error) in [
        ("", Some("an error occurred when formatting an argument")),
        ("none", Some("nothing")),
        ("x", Some("invalid digit found in string")),
        ("7", None),
    ] {
        let parsed = capture.scope(parse(text)).await;
        assert_eq!(parsed.err().map(|e| e.to_string()).as_deref(), error);
    }
    assert_eq!(capture.run(|| parse_now("8")).ok(), Some(8));
    assert!(capture.run(|| parse_now("")).is_err());
    assert_eq!(capture.run(|| first("ab")), Some('a'));
    assert_eq!(capture.scope(countdown(3)).await, 0);
    let failed = capture
        .spans()
        .iter()
        .filter(|span| span.error().is_some())
        .count();
    assert_eq!((failed, capture.spans().len()), (4, 8));
}
