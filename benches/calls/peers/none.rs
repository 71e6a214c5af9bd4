//! The bodies alone: what is left when nothing traces.

use benches::Result;
use benches::calls::{self, Answer, Peer, body, large_body, query};
use http::HeaderMap;
use serde_json::Value;

struct Bare;

impl Peer for Bare {
    const RECORDS: bool = false;

    fn install() {}

    fn parent<T>(work: impl FnOnce() -> T) -> T {
        work()
    }

    fn tool(query: &str, limit: u32) -> Answer {
        body(query, limit)
    }

    async fn async_tool(query: &str, limit: u32) -> Answer {
        tokio::task::yield_now().await;
        body(query, limit)
    }

    async fn request(_headers: &HeaderMap, request: &Value) -> Answer {
        let found = body(query(request), 1)?;
        let looked_up = body(&found, 2)?;
        let summary = body(&looked_up, 3)?;
        body(&summary, 4)
    }

    fn described_tool(query: &str, limit: u32) -> Answer {
        body(query, limit)
    }

    fn large_tool(text: &str) -> Answer {
        large_body(text)
    }
}

fn main() -> Result<()> {
    calls::main::<Bare>()
}
