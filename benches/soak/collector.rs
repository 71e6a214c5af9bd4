//! The collector in its process. It keeps what arrives, so what it has is counted and put away
//! whenever it is started anew.

use std::collections::HashSet;
use std::fmt;
use std::io::BufRead as _;
use std::net::SocketAddr;

use arize_local::{ExportRequest, Receiver};
use benches::Result;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::faults;

/// Asks for no more faults.
pub(crate) const BE_WELL: &str = "be well";
/// Asks for an [`Arrived`].
pub(crate) const REPORT: &str = "report";

/// What a soak's collector took.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Arrived {
    /// With different ids.
    pub(crate) spans: u64,
    /// Spans that came again, since the answer to their request was lost.
    pub(crate) again: u64,
    /// Spans that name another space than their request.
    pub(crate) misrouted: u64,
    pub(crate) requests: u64,
    pub(crate) restarts: u64,
}

impl fmt::Display for Arrived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            spans,
            again,
            misrouted,
            requests,
            restarts,
        } = self;
        write!(
            f,
            "{spans} arrived in {requests} requests, {again} more than once, {misrouted} misrouted; \
             {restarts} restarts"
        )
    }
}

/// Says its URL, does what it is told by lines, and ends with its stdin.
pub(crate) fn serve() -> Result<()> {
    let (sender, lines) = unbounded_channel();
    std::thread::spawn(move || {
        let told = std::io::stdin()
            .lock()
            .lines()
            .map_while(std::io::Result::ok);
        for line in told {
            let _ended = sender.send(line);
        }
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(misbehave(lines))
}

async fn misbehave(mut lines: UnboundedReceiver<String>) -> Result<()> {
    let mut receiver = Receiver::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    println!("{}", receiver.endpoint());
    let (mut seen, mut n, mut well) = (Seen::default(), 0, false);
    loop {
        tokio::select! {
            line = lines.recv() => match line.as_deref() {
                Some(BE_WELL) => {
                    well = true;
                    receiver.answer_with(arize_local::Answer::Ok);
                    println!();
                }
                Some(_) => {
                    seen.put_away(&receiver.requests());
                    println!("{}", serde_json::to_string(&seen.arrived())?);
                }
                None => return Ok(()),
            },
            () = tokio::time::sleep(faults::EACH), if !well => {
                if faults::restarts(n) {
                    let address = receiver.local_addr();
                    receiver.shutdown().await;
                    seen.put_away(&receiver.requests());
                    seen.arrived.restarts += 1;
                    receiver = Receiver::bind(address).await?;
                }
                n += 1;
                faults::inject(&receiver, n);
            }
        }
    }
}

#[derive(Debug, Default)]
struct Seen {
    arrived: Arrived,
    span_ids: HashSet<u64>,
}

impl Seen {
    fn put_away(&mut self, requests: &[ExportRequest]) {
        for request in requests {
            self.arrived.requests += 1;
            let space = request.header("space_id");
            for span in request.spans.iter() {
                let misrouted = space.is_none() || span.attr_str("arize.space_id") != space;
                self.arrived.misrouted += u64::from(misrouted);
                let id = u64::from_str_radix(&span.span_id, 16).unwrap_or(0);
                self.arrived.again += u64::from(!self.span_ids.insert(id));
            }
        }
    }

    fn arrived(&self) -> Arrived {
        Arrived {
            spans: self.span_ids.len() as u64,
            ..self.arrived
        }
    }
}
