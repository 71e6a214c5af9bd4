//! An agent written with axum and hand-built OTLP messages.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// One call of the agent, as it reads it from the request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) trace_id: Vec<u8>,
    pub(crate) parent: Vec<u8>,
    pub(crate) space: String,
    pub(crate) project: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Call {
    pub(crate) fn new(headers: HeaderMap, body: Value) -> Self {
        let traceparent = headers["traceparent"]
            .to_str()
            .expect("is ASCII")
            .to_owned();
        let parts: Vec<&str> = traceparent.split('-').collect();
        let metadata = &body["arize_metadata"];
        Self {
            trace_id: bytes(parts[1]),
            parent: bytes(parts[2]),
            space: metadata["space_id"].as_str().expect("is there").to_owned(),
            project: metadata["project_name"]
                .as_str()
                .expect("is there")
                .to_owned(),
            headers,
            body,
        }
    }

    /// Which row this is: the tests send `{"row": n}`.
    pub(crate) fn row(&self) -> u64 {
        self.body["input"]["row"].as_u64().unwrap_or_default()
    }

    /// A span of this call, routed as it should be and with input and output.
    pub(crate) fn span(&self, id: u8, parent: &[u8], name: &str, kind: &str) -> Span {
        let now = now();
        let mut span = Span {
            trace_id: self.trace_id.clone(),
            span_id: vec![id; 8],
            parent_span_id: parent.to_vec(),
            name: name.to_owned(),
            kind: 1,
            start_time_unix_nano: now + u64::from(id),
            end_time_unix_nano: now + 1_000_000,
            ..Span::default()
        };
        span.set("arize.space_id", self.space.as_str());
        span.set("arize.project.name", self.project.as_str());
        span.set("input.value", "in");
        span.set("output.value", "out");
        if !kind.is_empty() {
            span.set("openinference.span.kind", kind);
        }
        if kind == "TOOL" {
            span.set("tool.name", name);
        }
        span
    }

    /// What a right agent exports: `run_agent` > `search_flights` > `http_request`, and `plan` beside it.
    pub(crate) fn spans(&self) -> Vec<Span> {
        vec![
            self.span(1, &self.parent, "run_agent", "CHAIN"),
            self.span(2, &[1; 8], "search_flights", "TOOL"),
            self.span(3, &[2; 8], "http_request", ""),
            self.span(4, &[1; 8], "plan", "LLM"),
        ]
    }

    /// A right agent's answer.
    pub(crate) fn right(&self) -> Reply {
        Reply::ok(vec![Export::new(&self.space, self.spans())])
    }
}

/// One export request.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) spans: Vec<Span>,
}

impl Export {
    pub(crate) fn new(space: &str, spans: Vec<Span>) -> Self {
        Self {
            headers: vec![
                ("arize-space-id", space.to_owned()),
                ("space_id", space.to_owned()),
            ],
            spans,
        }
    }

    pub(crate) fn request(self) -> tonic::Request<ExportTraceServiceRequest> {
        let mut request = tonic::Request::new(ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                scope_spans: vec![ScopeSpans {
                    spans: self.spans,
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        });
        for (name, value) in self.headers {
            request
                .metadata_mut()
                .append(name, value.parse().expect("is ASCII"));
        }
        request
    }
}

/// What the agent answers, and what it exports before that.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) exports: Vec<Export>,
    /// How long the agent takes.
    pub(crate) delay: Duration,
}

impl Reply {
    pub(crate) fn ok(exports: Vec<Export>) -> Self {
        Self {
            status: 200,
            body: json!({"text": "a trip"}).to_string(),
            exports,
            delay: Duration::ZERO,
        }
    }
}

/// Reading and changing spans by hand.
pub(crate) trait SpanExt {
    fn set(&mut self, key: &str, value: impl Into<AttributeValue>);
    fn unset(&mut self, key: &str);
    fn fail(&mut self, message: &str);
}

pub(crate) struct AttributeValue(any_value::Value);

impl From<&str> for AttributeValue {
    fn from(text: &str) -> Self {
        Self(any_value::Value::StringValue(text.to_owned()))
    }
}

impl SpanExt for Span {
    fn set(&mut self, key: &str, value: impl Into<AttributeValue>) {
        self.unset(key);
        let value = Some(AnyValue {
            value: Some(value.into().0),
        });
        self.attributes.push(KeyValue {
            key: key.to_owned(),
            value,
            ..KeyValue::default()
        });
    }

    fn unset(&mut self, key: &str) {
        self.attributes.retain(|attribute| attribute.key != key);
    }

    fn fail(&mut self, message: &str) {
        self.status = Some(Status {
            code: 2,
            message: message.to_owned(),
        });
        self.unset("output.value");
    }
}

type Behaviour = dyn Fn(&Call) -> Reply + Send + Sync;

#[derive(Clone)]
struct Agent {
    behaviour: Arc<Behaviour>,
    endpoint: watch::Receiver<Option<String>>,
}

/// Serves an agent on a free port; gives its URL.
pub(crate) async fn serve(
    endpoint: impl Into<String>,
    behaviour: impl Fn(&Call) -> Reply + Send + Sync + 'static,
) -> String {
    let (_, endpoint) = watch::channel(Some(endpoint.into()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = url(listener.local_addr().expect("is bound"));
    tokio::spawn(serve_on(listener, endpoint, behaviour));
    url
}

/// Serves an agent that exports to an endpoint that becomes known later.
pub(crate) async fn serve_on(
    listener: TcpListener,
    endpoint: watch::Receiver<Option<String>>,
    behaviour: impl Fn(&Call) -> Reply + Send + Sync + 'static,
) {
    let agent = Agent {
        behaviour: Arc::new(behaviour),
        endpoint,
    };
    let app = Router::new()
        .route("/invoke", post(invoke))
        .with_state(agent);
    axum::serve(listener, app).await.expect("serves");
}

pub(crate) fn url(addr: SocketAddr) -> String {
    format!("http://{addr}/invoke")
}

async fn invoke(
    State(mut agent): State<Agent>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let reply = (agent.behaviour)(&Call::new(headers, body));
    let endpoint = agent
        .endpoint
        .wait_for(Option::is_some)
        .await
        .expect("comes")
        .clone()
        .expect("is there");
    tokio::time::sleep(reply.delay).await;
    for export in reply.exports {
        let mut client = TraceServiceClient::connect(endpoint.clone())
            .await
            .expect("connects");
        client.export(export.request()).await.expect("is taken");
    }
    (
        StatusCode::from_u16(reply.status).expect("a status"),
        reply.body,
    )
        .into_response()
}

/// The baggage header as a map.
pub(crate) fn baggage(headers: &HeaderMap) -> HashMap<String, String> {
    let text = headers["baggage"].to_str().expect("is ASCII");
    let member = |member: &str| {
        member
            .split_once('=')
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
    };
    text.split(',').filter_map(member).collect()
}

fn now() -> u64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    u64::try_from(since.as_nanos()).expect("before 2500")
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("is hex"))
        .collect()
}
