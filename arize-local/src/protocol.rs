//! The protocols that spans come by, and requests that came by the wrong one.

use std::fmt;
use std::net::SocketAddr;
use std::sync::OnceLock;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use tonic::Code;

use crate::answer::Refusal;
use crate::otlp_json;

/// How an export request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// OTLP/gRPC.
    Grpc,
    /// OTLP/HTTP with protobuf messages.
    HttpProtobuf,
    /// OTLP/HTTP with JSON messages.
    HttpJson,
}

impl Protocol {
    /// The protocol that a request's content type stands for.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let essence = value.split(';').next()?.trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-protobuf" => Some(Self::HttpProtobuf),
            "application/json" => Some(Self::HttpJson),
            grpc if grpc.starts_with("application/grpc") => Some(Self::Grpc),
            _ => None,
        }
    }

    /// Decodes a request that came so.
    pub(crate) fn decode(self, message: &[u8]) -> Result<ExportTraceServiceRequest, Refusal> {
        let decoded = match self {
            Self::HttpJson => otlp_json::request(message),
            Self::HttpProtobuf | Self::Grpc => ExportTraceServiceRequest::decode(message)
                .map_err(|error| format!("the body is not an export request: {error}")),
        };
        decoded.map_err(|message| Refusal::new(Code::InvalidArgument, message))
    }
}

impl fmt::Display for Protocol {
    /// As `OTEL_EXPORTER_OTLP_PROTOCOL` spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
            Self::HttpJson => "http/json",
        })
    }
}

/// Export requests that came to the wrong port, or to a path where nothing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misdirected {
    /// The protocol that they came by.
    pub(crate) protocol: Protocol,
    /// Where they came to.
    pub(crate) addr: SocketAddr,
    /// Whether that port takes this protocol, and only the path is wrong.
    pub(crate) port_is_right: bool,
    pub(crate) path: String,
    /// Where this protocol is received, if anywhere.
    pub(crate) right: Option<String>,
    pub(crate) count: usize,
}

impl Misdirected {
    /// What came where.
    pub(crate) fn detail(&self) -> String {
        let (protocol, other) = match self.protocol {
            Protocol::Grpc => ("OTLP/gRPC", "HTTP"),
            Protocol::HttpProtobuf | Protocol::HttpJson => ("OTLP/HTTP", "gRPC"),
        };
        let requests = match self.count {
            1 => format!("1 {protocol} request"),
            count => format!("{count} {protocol} requests"),
        };
        if self.port_is_right {
            let path = &self.path;
            return format!("{requests} came to the path `{path}`, where nothing is");
        }
        let instead = self.right.as_ref().map_or(String::new(), |right| {
            format!("; {protocol} is received at {right}")
        });
        format!("{requests} came to the {other} port {}{instead}", self.addr)
    }

    pub(crate) fn remedy(&self) -> &'static str {
        match self.protocol {
            _ if self.port_is_right => {
                "export to the path `/v1/traces`: it is appended to `OTEL_EXPORTER_OTLP_ENDPOINT`, but neither to \
                 `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` nor to an address given in code"
            }
            Protocol::Grpc => {
                "set `OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`, or export to the receiver's OTLP/gRPC address"
            }
            Protocol::HttpProtobuf | Protocol::HttpJson => {
                "set `OTEL_EXPORTER_OTLP_PROTOCOL=grpc`, or export to the receiver's OTLP/HTTP address"
            }
        }
    }
}

/// Where the receiver listens.
#[derive(Debug)]
pub(crate) struct Ports {
    pub(crate) grpc: SocketAddr,
    pub(crate) http: OnceLock<SocketAddr>,
}

impl Ports {
    pub(crate) fn grpc_endpoint(&self) -> String {
        endpoint(self.grpc)
    }

    pub(crate) fn http_endpoint(&self) -> Option<String> {
        self.http.get().map(|addr| endpoint(*addr))
    }

    /// A request of this protocol that came to the gRPC port, or else to the HTTP one.
    pub(crate) fn misdirected(
        &self,
        protocol: Protocol,
        to_grpc_port: bool,
        path: &str,
    ) -> Misdirected {
        let other = self.http.get().copied().unwrap_or(self.grpc);
        Misdirected {
            protocol,
            addr: if to_grpc_port { self.grpc } else { other },
            port_is_right: !to_grpc_port && protocol != Protocol::Grpc,
            path: path.to_owned(),
            right: match protocol {
                Protocol::Grpc => Some(self.grpc_endpoint()),
                Protocol::HttpProtobuf | Protocol::HttpJson => self.http_endpoint(),
            },
            count: 1,
        }
    }
}

/// The URL to export to.
fn endpoint(mut addr: SocketAddr) -> String {
    if addr.ip().is_unspecified() {
        // 0.0.0.0 and :: can be listened on, but not connected to everywhere.
        addr.set_ip(if addr.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    format!("http://{addr}")
}
