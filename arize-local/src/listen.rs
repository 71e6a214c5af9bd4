//! Where spans are received, and what an agent must be told of it.

use std::fmt::{self, Write as _};
use std::io::{self, ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr};

use http::HeaderMap;

use crate::environment::Environment;
use crate::error::StartError;
use crate::forward::{Forwarded, Forwarder};
use crate::protocol::Protocol;
use crate::receiver::Receiver;

/// Where spans are received; port 0 takes a free one.
#[derive(Clone)]
pub struct ReceiveOptions {
    /// Where to receive OTLP/gRPC.
    pub otlp_grpc: SocketAddr,
    /// Where to receive OTLP/HTTP.
    pub otlp_http: SocketAddr,
    /// The protocol that the agent is to export by; both are received in any case.
    pub protocol: Protocol,
    /// Where to pass on what is received: port 4318 and paths that end in `/v1/traces` mean OTLP/HTTP, all else
    /// OTLP/gRPC.
    pub forward: Option<String>,
    /// Headers to pass it on with.
    pub forward_headers: HeaderMap,
}

impl fmt::Debug for ReceiveOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The headers' values may be secret.
        let headers: Vec<_> = self.forward_headers.keys().collect();
        f.debug_struct("ReceiveOptions")
            .field("otlp_grpc", &self.otlp_grpc)
            .field("otlp_http", &self.otlp_http)
            .field("protocol", &self.protocol)
            .field("forward", &self.forward)
            .field("forward_headers", &headers)
            .finish()
    }
}

/// On this machine, at the ports that OTLP gives: 4317 for gRPC, by which the agent exports, and 4318 for HTTP.
impl Default for ReceiveOptions {
    fn default() -> Self {
        Self {
            otlp_grpc: SocketAddr::from((Ipv4Addr::LOCALHOST, 4317)),
            otlp_http: SocketAddr::from((Ipv4Addr::LOCALHOST, 4318)),
            protocol: Protocol::Grpc,
            forward: None,
            forward_headers: HeaderMap::new(),
        }
    }
}

/// Opens the receiver.
pub(crate) async fn listen(options: &ReceiveOptions) -> Result<Receiver, StartError> {
    let (grpc, http) = (options.otlp_grpc, options.otlp_http);
    let receiver = Receiver::bind(grpc)
        .await
        .map_err(|error| cannot_listen(grpc, &error, "--otlp-grpc"))?;
    let receiver = receiver
        .with_http(http)
        .await
        .map_err(|error| cannot_listen(http, &error, "--otlp-http"))?;
    if let Some(url) = &options.forward {
        let own: Vec<_> = [Some(receiver.local_addr()), receiver.http_addr()]
            .into_iter()
            .flatten()
            .collect();
        let forwarder = Forwarder::start(url, options.forward_headers.clone(), &own)?;
        receiver.store().forward_with(forwarder);
    }
    Ok(receiver)
}

/// Passes on what is left to be passed on, and says what became of it.
pub(crate) async fn finish_forwarding(receiver: &Receiver) -> Option<Forwarded> {
    Some(receiver.store().forwarder()?.finish().await)
}

/// A reader that has gone away wants no output, but may want the run: its exit status, its JSON.
fn print(printed: io::Result<()>) -> Result<(), StartError> {
    match printed {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(cannot_print(&error)),
        _ => Ok(()),
    }
}

fn cannot_listen(addr: SocketAddr, error: &io::Error, option: &str) -> StartError {
    let remedy = match error.kind() {
        ErrorKind::AddrInUse => "end the program that uses it, or give another with",
        _ => "give another with",
    };
    format!("cannot listen on {addr}: {error}; {remedy} `{option}`").into()
}

/// Says where the receiver listens and what the agent must be started with.
pub(crate) fn print_variables(
    out: &mut impl Write,
    environment: &Environment,
    receiver: &Receiver,
    by_hand: bool,
) -> Result<(), StartError> {
    let who = if by_hand {
        "the agent must run with"
    } else {
        "the agent is started with"
    };
    let mut lines = String::new();
    for (name, value) in &environment.set {
        let _ = writeln!(lines, "  {name}={value}"); // writing to a String cannot fail
    }
    // What the shell of an agent has that is started by hand, nobody here knows.
    for name in environment.removed.iter().filter(|_| !by_hand) {
        let _ = writeln!(lines, "  without {name}");
    }
    let http = receiver
        .http_addr()
        .map_or(String::new(), |addr| format!(" and OTLP/HTTP on {addr}"));
    let printed = writeln!(
        out,
        "receiving OTLP/gRPC on {}{http}; {who}\n{lines}",
        receiver.local_addr()
    )
    .and_then(|()| out.flush());
    print(printed)
}

pub(crate) fn cannot_print(error: &io::Error) -> StartError {
    format!("cannot print: {error}; write standard output to a file or a terminal").into()
}
