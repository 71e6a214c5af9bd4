//! Shapes of functions that `#[tool]` takes, under the strictest lints and without one `#[allow]`.
#![deny(
    warnings,
    missing_docs,
    unsafe_code,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use arize_runtime::attributes::{Llm, Message};
use arize_runtime::{agent, chain, llm, tool};
use serde::Serialize;

/// A value.
#[derive(Debug, Clone, Serialize)]
pub struct Flight {
    /// Its price.
    pub price: f64,
}

/// A dependency that is not data.
#[derive(Debug)]
pub struct Client;

/// An error.
#[derive(Debug)]
pub struct NotFound;

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not found")
    }
}

impl Error for NotFound {}

/// An error without a text.
#[derive(Debug)]
pub struct Mute;

type Found<T> = Result<T, NotFound>;

/// Sync, with an alias of `Result`.
///
/// # Errors
/// None.
#[tool]
pub fn alias(from: &str, limit: Option<u32>) -> Found<Vec<Flight>> {
    if from.is_empty() && limit.is_none() {
        return Err(NotFound);
    }
    Ok(vec![Flight { price: 1.0 }])
}

/// A boxed error coerces in an early return.
///
/// # Errors
/// Always.
#[tool(skip(client))]
pub async fn boxed(client: &Client, query: String) -> Result<String, Box<dyn Error + Send + Sync>> {
    std::future::ready(()).await;
    if query.is_empty() {
        return Err(Box::new(NotFound));
    }
    let _ = client;
    let parsed: u32 = query.parse()?;
    Ok(parsed.to_string())
}

/// An error that has only a name.
///
/// # Errors
/// None.
#[tool(debug(client))]
pub async fn mute(client: Client) -> Result<(), Mute> {
    std::future::ready(()).await;
    let _ = client;
    Ok(())
}

/// Generic, with lifetimes, a borrowed result and patterns.
#[tool(redact(key))]
pub fn generic<'a, T: Serialize + Sync>(
    items: &'a [T],
    key: &str,
    (low, high): (usize, usize),
) -> &'a [T] {
    let _ = key;
    &items[low..high]
}

/// `impl Trait` in both places.
#[tool(output = |price| format!("{price:.1}"))]
pub async fn impl_trait(
    prices: impl Iterator<Item = f64> + Serialize + Send,
) -> impl Into<f64> + fmt::Display + Serialize {
    std::future::ready(()).await;
    prices.sum::<f64>()
}

/// Its output is not recorded.
#[tool(skip_output, skip_all)]
#[must_use]
pub fn opaque(client: Client) -> Client {
    client
}

/// No arguments, no result.
#[tool]
pub fn nothing() {}

/// A loop that is left by `return`, and a `mut` argument.
#[chain]
pub async fn looped(mut tries: u32) -> u32 {
    loop {
        if tries == 0 {
            return tries;
        }
        tries -= 1;
        std::future::ready(()).await;
    }
}

/// Recursion through a box.
#[agent]
pub async fn recursive(depth: u32) -> u32 {
    if depth == 0 {
        0
    } else {
        Box::pin(recursive(depth - 1)).await
    }
}

/// A method holder.
#[derive(Debug, Default)]
pub struct Planner {
    rows: Vec<u32>,
}

impl Planner {
    /// By mutable reference, returning one.
    #[tool]
    pub fn row(&mut self, at: usize) -> Option<&mut u32> {
        self.rows.get_mut(at)
    }

    /// By value, async.
    #[llm(name = "complete")]
    pub async fn complete(self, prompt: &str) -> String {
        std::future::ready(()).await;
        format!("{prompt}{}", self.rows.len())
    }

    /// By reference, async.
    #[tool(input = self.rows, description = "Sums.")]
    pub async fn sum(&self) -> u32 {
        std::future::ready(()).await;
        self.rows.iter().sum()
    }
}

/// Where a crate keeps what it re-exports.
pub mod vendored {
    pub use arize_runtime as tracing;
}

/// The runtime under another path.
#[tool(crate = crate::vendored::tracing)]
pub fn elsewhere(query: &str) -> usize {
    query.len()
}

/// Says something of its span: arguments that are moved, borrowed, bound by patterns, named as ours.
#[llm(
    skip(client),
    session_id = a,
    metadata = std::iter::once((&**text, number + 1)).collect::<BTreeMap<_, _>>(),
    tags = [text.as_str(), "beta"],
    attributes(user.number = &number, "first-letter" = text.chars().next(), client = client.to_string()),
)]
pub async fn attributes<C: fmt::Display>(
    client: C,
    a: &str,
    (text, number): (Box<String>, u32),
) -> String {
    std::future::ready(()).await;
    drop(client);
    format!("{a}{text}{number}")
}

/// Says it with a builder.
#[chain(attributes = Llm::new().model(&model).input_messages(texts.iter().map(Message::user)))]
pub fn builder(model: String, texts: &mut Vec<String>) -> usize {
    texts.push(model);
    texts.len()
}

/// Futures of annotated functions stay `Send`.
pub const fn is_send<T: Send>(_: &T) {}

fn main() {
    let _ = alias("", None);
    let mut planner = Planner::default();
    let _ = planner.row(1);
    is_send(&boxed(&Client, String::new()));
    is_send(&looped(3));
    is_send(&recursive(3));
    is_send(&planner.sum());
    is_send(&attributes(1, "a", (Box::default(), 2)));
    builder(String::new(), &mut Vec::new());
    is_send(&mute(Client));
    let _ = (generic(&[1, 2], "k", (0, 1)), opaque(Client));
    nothing();
    elsewhere("x");
    drop(planner.complete("x"));
    drop(impl_trait(NoIter));
}

/// An iterator that is data.
#[derive(Debug, Serialize)]
pub struct NoIter;

impl Iterator for NoIter {
    type Item = f64;
    fn next(&mut self) -> Option<f64> {
        None
    }
}
