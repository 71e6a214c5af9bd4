//! Where spans are received.

use std::net::SocketAddr;

use arize_local::ReceiveOptions;
use clap::Args;

#[derive(Args)]
#[command(next_help_heading = "Receiving")]
pub(crate) struct ReceiveArgs {
    /// Where to receive OTLP/gRPC; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4317")]
    otlp_grpc: SocketAddr,

    /// Where to receive OTLP/HTTP; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4318")]
    otlp_http: SocketAddr,
}

impl From<ReceiveArgs> for ReceiveOptions {
    fn from(args: ReceiveArgs) -> Self {
        Self {
            otlp_grpc: args.otlp_grpc,
            otlp_http: args.otlp_http,
        }
    }
}
