//! One exporter over both of the receiver's ports.

use std::net::SocketAddr;
use std::time::Duration;

use arize_local::Receiver;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tonic_types::StatusExt;

use crate::agent::Export;
use crate::receiver::export;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Wire {
    Grpc,
    Http,
}

/// What an exporter sees.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    Taken,
    Partial(i64, String),
    /// A gRPC status, or an HTTP one as text, with the pause that is asked for.
    Refused(String, String, Option<Duration>),
    /// No answer at all.
    Broken,
}

impl Wire {
    pub(crate) fn addr(self, receiver: &Receiver) -> SocketAddr {
        match self {
            Self::Grpc => receiver.local_addr(),
            Self::Http => receiver.http_addr().expect("there is an HTTP port"),
        }
    }

    /// Sends a span of this id, over a connection of its own.
    pub(crate) async fn send(self, receiver: &Receiver, space: &str, id: u8) -> Seen {
        let span = Span {
            trace_id: vec![1; 16],
            span_id: vec![id; 8],
            ..Span::default()
        };
        let export = Export::new(space, vec![span]);
        match self {
            Self::Grpc => send_grpc(receiver, export).await,
            Self::Http => send_http(receiver, export).await,
        }
    }

    /// What one protocol or the other calls it.
    pub(crate) fn name(self, grpc: &str, http: &str) -> String {
        match self {
            Self::Grpc => grpc.to_owned(),
            Self::Http => http.to_owned(),
        }
    }
}

async fn send_grpc(receiver: &Receiver, sent: Export) -> Seen {
    match export(&receiver.endpoint(), sent).await {
        Ok(response) => taken(response),
        Err(status) if std::error::Error::source(&status).is_some() => Seen::Broken,
        Err(status) if status.message().contains("transport error") => Seen::Broken,
        Err(status) => {
            let retry = status.get_details_retry_info();
            let delay = retry.and_then(|info| info.retry_delay);
            Seen::Refused(
                format!("{:?}", status.code()),
                status.message().to_owned(),
                delay,
            )
        }
    }
}

async fn send_http(receiver: &Receiver, sent: Export) -> Seen {
    let url = receiver.http_endpoint().expect("there is an HTTP port") + "/v1/traces";
    let mut request = http::Request::post(url).header("content-type", "application/x-protobuf");
    for (name, value) in &sent.headers {
        request = request.header(*name, value);
    }
    let body = sent.request().into_inner().encode_to_vec();
    let request = request
        .body(Full::new(Bytes::from(body)))
        .expect("is a request");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let Ok(response) = client.request(request).await else {
        return Seen::Broken;
    };
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("is read").to_bytes();
    if head.status == StatusCode::OK {
        return taken(ExportTraceServiceResponse::decode(body).expect("is a response"));
    }
    let status = tonic_types::Status::decode(body).expect("is a status");
    let pause = head.headers.get("retry-after");
    let pause = pause.map(|value| {
        value
            .to_str()
            .expect("is text")
            .parse()
            .expect("is a number")
    });
    Seen::Refused(
        head.status.as_u16().to_string(),
        status.message,
        pause.map(Duration::from_secs),
    )
}

fn taken(response: ExportTraceServiceResponse) -> Seen {
    match response.partial_success {
        Some(partial) => Seen::Partial(partial.rejected_spans, partial.error_message),
        None => Seen::Taken,
    }
}

pub(crate) fn code(seen: Seen) -> String {
    match seen {
        Seen::Refused(code, _, _) => code,
        seen => panic!("{seen:?} is no refusal"),
    }
}

/// Runs each test once for each port.
macro_rules! over_both {
    ($($test:ident)*) => {
        mod over_grpc {
            use crate::wire::Wire;
            $(#[tokio::test] async fn $test() { super::$test(Wire::Grpc).await; })*
        }
        mod over_http {
            use crate::wire::Wire;
            $(#[tokio::test] async fn $test() { super::$test(Wire::Http).await; })*
        }
    };
}

pub(crate) use over_both;
