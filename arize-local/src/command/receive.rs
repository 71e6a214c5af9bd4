//! Where spans are received.

use std::net::SocketAddr;

use arize_local::{ReceiveOptions, StartError};
use clap::Args;

use super::form::headers;

#[derive(Args)]
#[command(next_help_heading = "Receiving")]
pub(crate) struct ReceiveArgs {
    /// Where to receive OTLP/gRPC; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4317")]
    otlp_grpc: SocketAddr,

    /// Where to receive OTLP/HTTP; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4318")]
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

impl TryFrom<ReceiveArgs> for ReceiveOptions {
    type Error = StartError;

    fn try_from(args: ReceiveArgs) -> Result<Self, StartError> {
        Ok(Self {
            otlp_grpc: args.otlp_grpc,
            otlp_http: args.otlp_http,
            forward: args.forward,
            forward_headers: headers("--forward-header", &args.forward_header)?,
        })
    }
}
