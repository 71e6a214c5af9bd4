//! The least that a span costs without any library: the arguments as JSON, the result's text, two
//! clock reads, ids, and a push. Its large argument is serialised once, into a buffer that is kept.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::time::SystemTime;

use benches::Result;
use benches::calls::{
    self, Answer, Arguments, Peer, Route, body, large_body, query, root_input, route,
};
use http::HeaderMap;
use serde_json::Value;

struct Floor;

#[expect(dead_code, reason = "what is recorded is not sent")]
struct Record {
    name: &'static str,
    open: Open,
    end: SystemTime,
    output: String,
    route: Option<Route>,
}

#[derive(Clone, Copy)]
#[expect(dead_code, reason = "what is recorded is not sent")]
struct Ids {
    trace: u128,
    span: u64,
}

const NO_SPAN: Ids = Ids { trace: 0, span: 0 };

#[expect(dead_code, reason = "what is recorded is not sent")]
struct Open {
    ids: Ids,
    parent: Ids,
    start: SystemTime,
    input: String,
}

thread_local! {
    static RECORDS: RefCell<Vec<Record>> = RefCell::new(Vec::with_capacity(1024));
    static CURRENT: Cell<Ids> = const { Cell::new(NO_SPAN) };
    static ROUTE: RefCell<Option<Route>> = const { RefCell::new(None) };
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

#[inline]
fn open(input: String) -> Open {
    let parent = CURRENT.get();
    let trace = match parent.trace {
        0 => fastrand::u128(..),
        trace => trace,
    };
    let span = fastrand::u64(..);
    CURRENT.set(Ids { trace, span });
    Open {
        ids: Ids { trace, span },
        parent,
        start: SystemTime::now(),
        input,
    }
}

#[inline]
fn close(open: Open, name: &'static str, output: &str) {
    CURRENT.set(open.parent);
    let record = Record {
        name,
        open,
        end: SystemTime::now(),
        output: output.to_owned(),
        route: ROUTE.with_borrow(Clone::clone),
    };
    RECORDS.with_borrow_mut(|records| {
        if records.len() == records.capacity() {
            records.clear();
        }
        records.push(record);
    });
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("it is plain data")
}

#[inline]
fn tool(name: &'static str, query: &str, limit: u32) -> Answer {
    let open = open(json(&Arguments { query, limit }));
    let answer = body(query, limit)?;
    close(open, name, &answer);
    Ok(answer)
}

impl Peer for Floor {
    const RECORDS: bool = false;

    fn install() {}

    fn parent<T>(work: impl FnOnce() -> T) -> T {
        let open = open(String::new());
        let outcome = work();
        close(open, "parent", "");
        outcome
    }

    fn tool(query: &str, limit: u32) -> Answer {
        tool("search", query, limit)
    }

    async fn async_tool(query: &str, limit: u32) -> Answer {
        let open = open(json(&Arguments { query, limit }));
        tokio::task::yield_now().await;
        let answer = body(query, limit)?;
        close(open, "search", &answer);
        Ok(answer)
    }

    /// The least that reads the same headers: two ids, and the rest kept as it is.
    async fn request(headers: &HeaderMap, request: &Value) -> Answer {
        let traceparent = headers["traceparent"].to_str().expect("it is text");
        let trace = u128::from_str_radix(&traceparent[3..35], 16).expect("it is hexadecimal");
        let span = u64::from_str_radix(&traceparent[36..52], 16).expect("it is hexadecimal");
        let kept = ["tracestate", "baggage"].map(|name| headers.get(name).cloned());
        ROUTE.set(route(request));
        CURRENT.set(Ids { trace, span });
        let root = open(json(root_input(request)));
        let found = tool("search", query(request), 1)?;
        let looked_up = tool("lookup", &found, 2)?;
        let summarize = open(json(&Arguments {
            query: &looked_up,
            limit: 3,
        }));
        let summary = body(&looked_up, 3)?;
        let answer = tool("rank", &summary, 4)?;
        close(summarize, "summarize", &answer);
        close(root, "handle", &answer);
        ROUTE.set(None);
        CURRENT.set(NO_SPAN);
        drop(black_box(kept));
        Ok(answer)
    }

    fn large_tool(text: &str) -> Answer {
        BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            serde_json::to_writer(&mut *buffer, text).expect("it is plain data");
            black_box(buffer);
        });
        large_body(text)
    }
}

fn main() -> Result<()> {
    calls::main::<Floor>()
}
