//! Where spans are received.

use std::net::{SocketAddr, ToSocketAddrs};

use arize_local::{Protocol, ReceiveOptions, StartError};
use clap::{Args, ValueEnum};

use super::form::headers;

#[derive(Args)]
#[command(next_help_heading = "Receiving")]
pub(crate) struct ReceiveArgs {
    /// The protocol that the agent is told to export by: `grpc`, `http/protobuf` or `http/json`
    ///
    /// The variables for the agent name it and the address for it; both addresses receive in any case.
    #[arg(
        long,
        value_name = "PROTOCOL",
        default_value = "grpc",
        hide_possible_values = true
    )]
    protocol: ProtocolArg,

    /// Where to receive OTLP/gRPC; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4317", value_parser = address)]
    otlp_grpc: SocketAddr,

    /// Where to receive OTLP/HTTP; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4318", value_parser = address)]
    otlp_http: SocketAddr,

    /// Passes on everything that is received to this OTLP endpoint, such as Arize Phoenix
    ///
    /// OTLP/HTTP is spoken to port 4318 and to paths that end in /v1/traces, else OTLP/gRPC. The agent's key is not
    /// passed on. Each project's spans get the resource attribute openinference.project.name, by which Phoenix routes.
    #[arg(long, value_name = "URL")]
    forward: Option<String>,

    /// A header to pass it on with; may be given several times
    #[arg(long, value_name = "NAME=VALUE", requires = "forward")]
    forward_header: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ProtocolArg {
    Grpc,
    #[value(name = "http/protobuf", alias = "http")]
    HttpProtobuf,
    #[value(name = "http/json")]
    HttpJson,
}

impl From<ProtocolArg> for Protocol {
    fn from(protocol: ProtocolArg) -> Self {
        match protocol {
            ProtocolArg::Grpc => Self::Grpc,
            ProtocolArg::HttpProtobuf => Self::HttpProtobuf,
            ProtocolArg::HttpJson => Self::HttpJson,
        }
    }
}

/// Reads `HOST:PORT`, where the host may be a name.
fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Err(format!("it has no host; write 127.0.0.1:{port}"));
    }
    let found: Vec<SocketAddr> = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; write HOST:PORT, such as 127.0.0.1:4319"))?
        .collect();
    // `localhost` is ::1 as well, and not every agent tries that.
    let of_ipv4 = found.iter().find(|addr| addr.is_ipv4());
    of_ipv4
        .or(found.first())
        .copied()
        .ok_or_else(|| "no address has this name; write 127.0.0.1:4319 or the like".to_owned())
}

impl TryFrom<ReceiveArgs> for ReceiveOptions {
    type Error = StartError;

    fn try_from(args: ReceiveArgs) -> Result<Self, StartError> {
        Ok(Self {
            otlp_grpc: args.otlp_grpc,
            otlp_http: args.otlp_http,
            protocol: args.protocol.into(),
            forward: args.forward,
            forward_headers: headers("--forward-header", &args.forward_header)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_a_name_and_must_have_a_host() {
        assert_eq!(address("127.0.0.1:4319"), Ok(([127, 0, 0, 1], 4319).into()));
        assert!(address("[::1]:4319").expect("is right").is_ipv6());
        let named = address("localhost:4319").expect("every machine has it");
        assert!(named.ip().is_loopback() && named.port() == 4319, "{named}");
        let port = address("4319").expect_err("has no host");
        assert_eq!(port, "it has no host; write 127.0.0.1:4319");
        for wrong in ["localhost", "127.0.0.1", "127.0.0.1:70000", ":", ""] {
            let error = address(wrong).expect_err("is no address");
            assert!(error.contains("; write "), "{wrong}: {error}");
        }
    }
}
